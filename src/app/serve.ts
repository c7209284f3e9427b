/** Runs the service for `introspectd serve`: starts its parts, listens, prints the first commands, ends on a signal. */

import { join } from 'node:path'
import type { Logger } from 'pino'
import { bounds } from '../base/bounds.ts'
import type { CommandIo } from '../cli/io.ts'
import { environment } from '../config/environment.ts'
import { ConfigError } from '../config/error.ts'
import { type Config, configKeys, MiB } from '../config/settings.ts'
import { isInTree } from '../http/access.ts'
import { allowedHosts } from '../http/security/gate.ts'
import type { ProxyOptions } from '../http/security/proxies.ts'
import { serviceRouteAt } from '../http/service-routes.ts'
import { isRereadable, type RuleSources } from '../rules/rule-files.ts'
import { ServiceClock } from '../runtime/clock.ts'
import { EventLoopMonitor } from '../runtime/event-loop-monitor.ts'
import type { SupervisedStart } from '../runtime/supervised-start.ts'
import { Supervisor } from '../runtime/supervisor.ts'
import { boundYoungGeneration } from '../runtime/young-generation.ts'
import { Access } from './access.ts'
import { inheritedSockets } from './activation.ts'
import { announcementOf, urlsOf } from './announcement.ts'
import { type AppParts, buildApp } from './build.ts'
import { endDeadPeers } from './dead-peers.ts'
import type { Endpoint } from './endpoint.ts'
import { handleHangUps } from './hang-up.ts'
import { hostKernel } from './host.ts'
import { listenAt } from './listening.ts'
import { makeLogger } from './log.ts'
import { peerReader } from './peers.ts'
import type { ReactionSettings } from './reactions.ts'
import { type OpenedStorage, openStorage } from './storage.ts'

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
  boundYoungGeneration()
  // The name of the service in the process tree. Other commands of introspectd do not take it.
  io.setTitle('introspectd')
  const logger = loggerOf(config)
  const proxies = proxiesOf(config)
  const inherited = await inheritedSockets(environment, process.pid)
  const access = new Access(config, logger, inherited)
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
    ...figuresOf(config),
    reactions: await reactionsOf(config, opened),
    rules: ruleSourcesOf(config, file),
  })
  await hosted.source.start()
  app.restore()
  reloadRules = () => app.reloadRules()
  const endpoints = await listenAt(app, config, inherited)
  for (const host of hostsOf(endpoints, config.allowHost ?? [])) access.hosts.add(host)
  // Before the first output: a program that reads it may send a signal at once.
  closeOnSignals(logger, async () => {
    supervisor?.stopping()
    await app.close()
    opened.close()
  })
  renewAccess = () => app.server.renewAccess(access.tls)
  const { tokens, tls } = access
  announce(announcementOf({ config, endpoints, tokens, tls, storage: opened.place, version }))
  supervisor?.ready(urlsOf(endpoints, tls))
  starting?.end()
}

/** The service runs on without a reader, and on a full disk. */
function announce(text: string): void {
  process.stdout.on('error', () => {})
  process.stdout.write(text)
}

/** @throws ConfigError */
function ruleSourcesOf({ rules, thresholds, timeouts }: Config, file: string | null): RuleSources {
  if (file === null || isRereadable(file)) return { configFile: file, configKeys, directory: rules ?? null }
  if (thresholds !== undefined || timeouts !== undefined)
    throw new ConfigError(`--config ${file}: thresholds and timeouts need a regular file, which can be read again`)
  return { configFile: null, configKeys, directory: rules ?? null }
}

async function reactionsOf(
  { webhooks = [], exec = [] }: Config,
  { directory }: OpenedStorage,
): Promise<ReactionSettings> {
  if (exec.length > 0 && process.platform === 'linux') (await import('./host-linux.ts')).dropCapabilitiesOfCommands()
  return { webhooks, exec, deadLetterFile: directory === null ? null : join(directory, 'dead-letters.ndjson') }
}

function loggerOf({ logLevel: level, logFormat: format }: Config): Logger {
  return makeLogger({ level, format, journalStream: environment.JOURNAL_STREAM })
}

/** The settings of histories and metrics. */
function figuresOf(config: Config): Pick<AppParts, 'history' | 'groups'> {
  const { historyEvery, historyKeep, historyMemory, historyTop, metricsGroups, metricsGroupsMax: max } = config
  return {
    history: { everyMs: historyEvery, retentionMs: historyKeep, bytesMax: historyMemory * MiB, top: historyTop },
    groups: metricsGroups === undefined ? null : { by: metricsGroups, max, emptyMsMax: bounds.emptyGroupMsMax },
  }
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
      peerOf: await peerReader(),
    },
    limits: { connectionsPerAddress, requestsPerSecond: rateLimit, streamsPerClient },
  }
}

/** Every accepted value of Host. */
function hostsOf(endpoints: readonly Endpoint[], more: readonly string[]): string[] {
  return endpoints.flatMap(({ host, port }) => allowedHosts(host, port, more))
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

/** The first signal closes the service in order. The second kills it at once, even if a worker hangs in the kernel. */
function closeOnSignals(logger: Logger, close: () => Promise<void>): void {
  let closingSince: number | null = null
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const sinceMs = closingSince === null ? null : performance.now() - closingSince
      if (signal === 'SIGINT' && sinceMs !== null && sinceMs < bounds.secondInterruptMsMin) return
      if (sinceMs !== null) process.kill(process.pid, 'SIGKILL')
      closingSince = performance.now()
      logger.info({ signal }, 'the service ends')
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
