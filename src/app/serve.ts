/** Runs the service for `introspectd serve`: starts its parts, listens, prints the first commands, ends on a signal. */

import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import type { CommandIo } from '../cli/io.ts'
import { type Config, environment, MiB } from '../config/settings.ts'
import { allowedHosts } from '../http/security/gate.ts'
import { ServiceClock } from '../runtime/clock.ts'
import { EventLoopMonitor } from '../runtime/event-loop-monitor.ts'
import { Supervisor } from '../runtime/supervisor.ts'
import { Access } from './access.ts'
import { type App, type AppParts, buildApp } from './build.ts'
import { connectionsMax, hostKernel } from './host.ts'
import { type OpenedStorage, openStorage } from './storage.ts'

/** The service cannot listen; the message is one line for a person. */
export class ListenError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ListenError'
  }
}

/**
 * Starts the service; it then runs until a signal ends it.
 * @throws ListenError, and the errors of opening its files, its sources and its storage
 */
export async function serve(config: Config, { io, version }: { io: CommandIo; version: string }): Promise<void> {
  // Only the service has this name in the tree: the commands add a word to it.
  io.setTitle('introspectd')
  const logger = pino({ level: config.logLevel }, pino.destination(2))
  const access = new Access(config, logger)
  const clock = new ServiceClock()
  const now = () => clock.now()
  const hosted = hostKernel(config, { logger, clock })
  const supervisor = await Supervisor.find(environment, {
    source: hosted.source,
    onFailure: (reason) => logger.error(`cannot notify the supervisor: ${reason}`),
  })
  const history = {
    everyMs: config.historyEvery,
    retentionMs: config.historyKeep,
    bytesMax: config.historyMemory * MiB,
    top: config.historyTop,
  }
  const storage = openStorage(config, { logger, now })
  // On a virtual clock events follow from the calls alone, so that two runs have the same events.
  const watched = config.source === 'model' && config.clock === 'virtual' ? {} : { loop: new EventLoopMonitor(), clock }
  const app = buildApp({
    ...hosted,
    ...storage,
    ...watched,
    ...accessOf(access, config),
    logger,
    version,
    now,
    history,
  })
  await hosted.source.start()
  app.restore()
  const port = await listen(app, config)
  for (const host of allowedHosts(config.host, port, config.allowHost ?? [])) access.hosts.add(host)
  const place = `${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  // Signals are handled before the address is printed: a program that reads it may send one.
  closeOnSignals(async () => {
    supervisor?.stopping()
    await app.close()
    storage.close()
  })
  const url = `${access.tls === null ? 'http' : 'https'}://${place}`
  reloadOnHangUp(access, app)
  announce(url, { config, storage, version })
  supervisor?.ready(url)
}

function accessOf(
  access: Access,
  { connectionsPerAddress, rateLimit, streamsPerClient }: Config,
): Pick<AppParts, 'gate' | 'edge' | 'limits'> {
  return {
    gate: access,
    edge: { tls: access.tls, connectionsMax: connectionsMax() },
    limits: { connectionsPerAddress, requestsPerSecond: rateLimit, streamsPerClient },
  }
}

/** SIGHUP reads tokens and certificates again. Without such files it ends the service, as when a terminal closes. */
function reloadOnHangUp(access: Access, { server }: App): void {
  if (!access.hasFiles) return
  process.on('SIGHUP', () => {
    if (access.reload()) server.renewAccess(access.tls)
  })
}

/** @returns the port. @throws ListenError */
async function listen(app: App, { host, port }: Config): Promise<number> {
  try {
    await app.server.listen({ host, port })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EADDRINUSE') throw new ListenError(`port ${port} on ${host} is taken; --port takes another`)
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

/** Prints the address, and three commands that work in this order. */
function announce(url: string, { config, storage, version }: Announcement): void {
  // curl takes HTTP if the URL names no scheme.
  const place = url.replace(/^http:\/\//, '')
  const curl = config.tokenFile === undefined ? 'curl' : 'curl -H "authorization: Bearer $TOKEN"'
  const first = config.source === 'model' ? firstCallsOf(curl, place) : firstThresholdOf(curl, place)
  process.stdout.write(`introspectd ${version} listens on ${url}
Events are ${storage.place}

Try these three commands in this order, each in its own terminal:
${first}
`)
}

function firstThresholdOf(curl: string, place: string): string {
  return `1. Listen:        ${curl} -N -H 'accept: text/event-stream' '${place}/sys?types=threshold.*'
2. Set:           echo '100 per=process where.name=bash' | ${curl} -T- ${place}/sys/fds/threshold/hog
3. Make it trip:  bash -c 'for i in {1..120}; do exec {fd}</dev/null; read -t .05; done; read'`
}

function firstCallsOf(curl: string, place: string): string {
  return `1. Listen:                 ${curl} -N -H 'accept: text/event-stream' ${place}/sys
2. Create a process:       ${curl} ${place}/sys/proc -d '{"name":"server"}'
3. List all kernel calls:  ${curl} '${place}/sys/calls?format=text'`
}

/** Ends in order on the first signal. A second one kills at once, also while a worker is stuck in the kernel. */
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
