/** Runs the service for `introspectd serve`: starts its parts, listens, prints the first commands, ends on a signal. */

import type { AddressInfo } from 'node:net'
import { type Logger, pino } from 'pino'
import { bounds } from '../base/bounds.ts'
import type { CommandIo } from '../cli/io.ts'
import { environment } from '../config/environment.ts'
import { ConfigError } from '../config/error.ts'
import { type Config, configKeys, MiB } from '../config/settings.ts'
import { isInTree } from '../http/access.ts'
import { allowedHosts } from '../http/security/gate.ts'
import type { ProxyOptions } from '../http/security/proxies.ts'
import { serviceRouteAt } from '../http/service-routes.ts'
import type { HistoryOptions } from '../kernel/history/history.ts'
import { ServiceClock } from '../runtime/clock.ts'
import { EventLoopMonitor } from '../runtime/event-loop-monitor.ts'
import type { SupervisedStart } from '../runtime/supervised-start.ts'
import { Supervisor } from '../runtime/supervisor.ts'
import { Access } from './access.ts'
import { type App, type AppParts, buildApp } from './build.ts'
import { endDeadPeers } from './dead-peers.ts'
import { handleHangUps } from './hang-up.ts'
import { hostKernel } from './host.ts'
import { type OpenedStorage, openStorage } from './storage.ts'

/** The service cannot listen; the message is one line for a person. */
export class ListenError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ListenError'
  }
}

export interface Serving {
  readonly io: CommandIo
  /** The file that the settings were read from; null without one. */
  readonly file: string | null
  readonly version: string
  /** Asks the supervisor for time until the service is ready. */
  readonly starting: SupervisedStart | null
}

/**
 * Starts the service; it then runs until a signal ends it.
 * @throws ListenError, and the errors of opening its files, its sources and its storage
 */
export async function serve(config: Config, { io, file, version, starting }: Serving): Promise<void> {
  // The name of the service in the process tree. Other commands of introspectd do not take it.
  io.setTitle('introspectd')
  const logger = pino({ level: config.logLevel }, logDestination())
  const proxies = proxiesOf(config)
  const access = new Access(config, logger)
  let renewAccess = (): void => {}
  let reloadRules = (): void => {}
  // Before the start takes its time: otherwise SIGHUP would end the service.
  handleHangUps({
    access,
    logger,
    renew: () => renewAccess(),
    reloadRules: () => reloadRules(),
    hasRules: file !== null || config.rules !== undefined,
    end: () => process.kill(process.pid, 'SIGTERM'),
  })
  const clock = new ServiceClock()
  const now = () => clock.now()
  const hosted = await hostKernel(config, { logger, clock })
  const supervisor = await Supervisor.find(environment, {
    source: hosted.source,
    onFailure: (reason) => logger.error(`the supervisor cannot be notified: ${reason}`),
  })
  const opened = openStorage(config, { logger, now })
  // With a virtual clock, events depend on the calls alone, so that every run gives the same events.
  const monitors =
    config.source === 'model' && config.clock === 'virtual' ? {} : { loop: new EventLoopMonitor(), clock }
  const app = buildApp({
    ...hosted,
    ...opened,
    ...monitors,
    ...(await accessOf(access, logger, config)),
    proxies,
    logger,
    version,
    now,
    history: historyOf(config),
    rules: { configFile: file, configKeys, directory: config.rules ?? null },
  })
  await hosted.source.start()
  app.restore()
  reloadRules = () => app.reloadRules()
  const port = await listen(app, config)
  for (const host of allowedHosts(config.host, port, config.allowHost ?? [])) access.hosts.add(host)
  const place = `${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  // Before the first output: a program that reads it may send a signal at once.
  closeOnSignals(async () => {
    supervisor?.stopping()
    await app.close()
    opened.close()
  })
  const url = `${access.tls === null ? 'http' : 'https'}://${place}`
  renewAccess = () => app.server.renewAccess(access.tls)
  announce(url, { config, storage: opened, version })
  supervisor?.ready(url)
  starting?.end()
}

/** A log that cannot be written, for example on a full disk, waits for room or is lost. It does not end the service. */
function logDestination(): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ dest: 2, maxLength: bounds.logBytesMax })
  destination.on('error', () => {})
  return destination
}

function historyOf({ historyEvery, historyKeep, historyMemory, historyTop }: Config): HistoryOptions {
  return { everyMs: historyEvery, retentionMs: historyKeep, bytesMax: historyMemory * MiB, top: historyTop }
}

async function accessOf(
  access: Access,
  logger: Logger,
  { connectionsPerAddress, rateLimit, streamsPerClient }: Config,
): Promise<Pick<AppParts, 'gate' | 'edge' | 'limits'>> {
  return {
    gate: access,
    edge: {
      tls: access.tls,
      ...(process.platform === 'linux' && { connectionsMax: await connectionsMax() }),
      onListening: (server) => void endDeadPeers(server, logger),
    },
    limits: { connectionsPerAddress, requestsPerSecond: rateLimit, streamsPerClient },
  }
}

/** @throws ConfigError where the base path is a path of the service itself */
function proxiesOf({ basePath = '', trustProxy = [] }: Config): ProxyOptions {
  if (isInTree(basePath) || serviceRouteAt(basePath) !== null)
    throw new ConfigError(`--base-path ${basePath}: the service itself has this path; choose another one`)
  return { basePath, trusted: trustProxy }
}

async function connectionsMax(): Promise<number> {
  const { descriptorsForConnections } = await import('./host-linux.ts')
  return descriptorsForConnections()
}

/** @returns the port that the service listens on. @throws ListenError */
async function listen(app: App, { host, port }: Config): Promise<number> {
  try {
    await app.server.listen({ host, port })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EADDRINUSE') throw new ListenError(`port ${port} on ${host} is in use; choose another with --port`)
    throw new ListenError(`cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const [address] = app.server.addresses() as AddressInfo[]
  return address!.port
}

interface Announcement {
  readonly config: Config
  readonly storage: OpenedStorage
  readonly version: string
}

/** Prints where the service listens, and the first commands to try, in an order that works. */
function announce(url: string, { config, storage, version }: Announcement): void {
  // Curl assumes http:// when the URL has no scheme.
  const place = url.replace(/^http:\/\//, '').replace('127.0.0.1', 'localhost')
  const curl = config.tokenFile === undefined ? 'curl' : 'curl -H "authorization: Bearer $TOKEN"'
  const commands = config.source === 'model' ? modelCommands(curl, place) : liveCommands(curl, place)
  const lines = commands.map(([what, command], index) => `${index + 1}. ${what}:\n     ${command}\n`)
  // The service runs on without a reader, and on a full disk.
  process.stdout.on('error', () => {})
  process.stdout.write(`introspectd ${version} listens on ${url}
Events are stored ${storage.place}

Run these in this order, each in its own terminal:
${lines.join('')}`)
}

type FirstCommand = readonly [what: string, command: string]

function liveCommands(curl: string, place: string): readonly FirstCommand[] {
  return [
    ['Listen', `${curl} -N -H 'accept: text/event-stream' '${place}/sys?types=threshold.*'`],
    [
      'Set a threshold on every bash',
      `echo '100 per=process where.name=bash' | ${curl} -T- ${place}/sys/fds/threshold/hog`,
    ],
    [
      'Run a program that opens descriptors and closes none',
      `bash -c 'for i in {1..120}; do exec {fd}</dev/null; read -t .05; done; read'`,
    ],
  ]
}

function modelCommands(curl: string, place: string): readonly FirstCommand[] {
  return [
    ['Listen', `${curl} -N -H 'accept: text/event-stream' ${place}/sys`],
    ['Create a process', `${curl} ${place}/sys/proc -d '{"name":"server"}'`],
    ['List all kernel calls', `${curl} '${place}/sys/calls?format=text'`],
  ]
}

/** The first signal closes the service in order. The second kills it at once, even if a worker hangs in the kernel. */
function closeOnSignals(close: () => Promise<void>): void {
  let closing = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (closing) process.kill(process.pid, 'SIGKILL')
      closing = true
      close().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(
            `introspectd: closing failed: ${error instanceof Error ? error.message : String(error)}\n`,
          )
          process.exit(1)
        },
      )
    })
  }
}
