/** Builds the service from its parts: journal, streams, metrics and HTTP server. Tests build it in the same way. */

import { hostname } from 'node:os'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { type ClientLimits, defaultClientLimits } from '../http/security/clients.ts'
import type { Gate } from '../http/security/gate.ts'
import { defaultListenerOptions, type ListenerOptions } from '../http/security/listener.ts'
import { type ProxyOptions, withoutProxies } from '../http/security/proxies.ts'
import { buildServer } from '../http/server.ts'
import type { SetAside } from '../journal/data-directory.ts'
import type { Journal, JournalStorage } from '../journal/journal.ts'
import { defaultHistory, History, type HistoryOptions } from '../kernel/history/history.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { GroupOptions } from '../kernel/process-groups.ts'
import type { Reactions } from '../reactions/reactions.ts'
import type { RuleSources } from '../rules/rule-files.ts'
import { RuleSet } from '../rules/rule-set.ts'
import type { ServiceClock } from '../runtime/clock.ts'
import type { EventLoopMonitor } from '../runtime/event-loop-monitor.ts'
import { Metrics } from '../runtime/metrics.ts'
import type { Source } from '../sources/source.ts'
import type { Hub } from '../stream/hub.ts'
import type { Model, TreeContext } from '../tree/context.ts'
import { logDefinitions } from './definition-log.ts'
import { buildHealth } from './health.ts'
import { buildReactions, type ReactionSettings } from './reactions.ts'
import { noRules, reapplyRules, reloadOrLog } from './rules.ts'
import { ServiceEvents } from './service-events.ts'
import { SettingsPersistence } from './settings.ts'
import { buildStreams, persistsSettings, type Streams } from './streams.ts'

export interface AppParts {
  /** The kernel of the source. The model replaces its kernel when a client loads a state. */
  readonly kernel: Kernel
  /** The model that clients drive; null when a live machine is observed. */
  readonly model?: Model | null
  readonly source: Source
  readonly gate: Gate
  readonly logger: FastifyBaseLogger
  /** Groups of processes in the metrics; none by default. */
  readonly groups?: GroupOptions | null
  readonly version: string
  readonly history?: HistoryOptions
  /** ms of Unix time. */
  readonly now: () => number
  /**
   * Sequence of the first event. Starting from wall-clock µs makes cursors issued before a restart recognisably old.
   * Runs that must repeat exactly start from 1.
   */
  readonly firstSequence?: number
  /** The file that persists events. Without it, events are lost when the process ends. */
  readonly storage?: JournalStorage
  /** Options of the listening socket. Without them it speaks plain HTTP. */
  readonly edge?: Partial<ListenerOptions>
  readonly limits?: Partial<ClientLimits>
  readonly proxies?: Partial<ProxyOptions>
  /** Why there is no storage although it was configured. */
  readonly storageFault?: string
  /** A damaged journal that was moved away, with the reason. */
  readonly setAside?: SetAside | null
  /** Without it, a blocked event loop is not reported. */
  readonly loop?: EventLoopMonitor
  /** The files of rules. Without it there are no rules. */
  readonly rules?: RuleSources
  /** Webhooks and commands. Without it there are none. */
  readonly reactions?: ReactionSettings
  /** Without it, a change of the wall clock is not reported. */
  readonly clock?: ServiceClock
}

export interface App {
  readonly server: FastifyInstance
  readonly hub: Hub
  readonly journal: Journal
  /**
   * Restores the persisted settings, applies the rules, and then starts to watch the event loop. Preconditions: the
   * source has started.
   */
  restore(): void
  /** Reads the rules again. A fault is logged, and then nothing has changed. */
  reloadRules(): void
  /** Ends the streams with a bookmark, then the server, then the source. Then the journal contains every event. */
  close(): Promise<void>
}

export function buildApp(parts: AppParts): App {
  const { kernel, source, gate, logger, version, loop, clock, model = null } = parts
  const currentKernel = (): Kernel => model?.machine.kernel ?? kernel
  const rules = new RuleSet({ kernel: currentKernel, sources: parts.rules ?? noRules, logger })
  const serviceEvents = new ServiceEvents(currentKernel, logger)
  const streams = buildStreams(parts, {
    onFault: (reason) => serviceEvents.journalFault(reason),
    onCommitted: (ms) => metrics.committed(ms),
    settingFacts: () => persistence?.facts() ?? [],
    onPublished: () => reactions.wake(),
  })
  const { journal, hub } = streams
  logDefinitions(kernel, logger)
  const degraded = () => degradations(parts, journal)
  const { positions } = streams
  const reactions: Reactions = buildReactions(parts, { log: journal, positions, currentKernel, degraded })
  const { now, groups = null } = parts
  const metricsParts = { kernel: currentKernel, hub, source, journal, now, degraded, reactions, version, groups }
  const metrics: Metrics = new Metrics(metricsParts)
  const history = new History(currentKernel, parts.history ?? defaultHistory, () => source.ready())
  listenToKernel(kernel, { source, journal, metrics, history })
  reapplyRules(kernel, rules)
  emitStartEvents(parts, { journal, serviceEvents })
  followClock(clock, source, serviceEvents)
  const persistence = buildPersistence(parts, journal)
  const server = buildServer({
    context: buildContext(parts, { currentKernel, history, rules }),
    hub,
    gate,
    health: buildHealth(parts, { currentKernel, journal, hub, rules, reactions }),
    metrics,
    logger,
    storage: parts.storage === undefined ? 'memory' : 'journal',
    edge: { ...defaultListenerOptions, ...parts.edge },
    limits: { ...defaultClientLimits, ...parts.limits },
    proxies: { ...withoutProxies, ...parts.proxies },
  })
  return {
    server,
    hub,
    journal,
    restore: () => {
      if (parts.storage !== undefined) persistence?.restore(parts.storage.store, logger)
      rules.apply()
      reactions.start()
      // Started last: starting blocks the event loop, and no client waits for it yet.
      followLoop(loop, { source, metrics, serviceEvents })
    },
    reloadRules: () => {
      source.catchUp()
      reloadOrLog(rules)
    },
    close: () => close(parts, { ...streams, server, reactions }),
  }
}

interface LoopListeners {
  readonly source: Source
  readonly metrics: Metrics
  readonly serviceEvents: ServiceEvents
}

/** Reports when the event loop is blocked. */
function followLoop(loop: EventLoopMonitor | undefined, { source, metrics, serviceEvents }: LoopListeners): void {
  loop?.start({
    onBlocked: (ms) => {
      source.catchUp()
      metrics.blocked(ms)
      serviceEvents.loopBlocked(ms)
    },
    onCalm: () => serviceEvents.recovered('event-loop'),
  })
}

/** Reports changes of the wall clock. */
function followClock(clock: ServiceClock | undefined, source: Source, serviceEvents: ServiceEvents): void {
  clock?.start({
    onSet: (ms) => {
      source.catchUp()
      serviceEvents.clockSet(ms)
    },
    onAgreed: () => serviceEvents.recovered('clock'),
  })
}

/** Null where settings are not persisted. Preconditions: no deadlock has been found yet. */
function buildPersistence(parts: AppParts, journal: Journal): SettingsPersistence | null {
  if (parts.storage === undefined || !persistsSettings(parts)) return null
  const persistence = new SettingsPersistence(parts.kernel, journal)
  persistence.endDeadlocks(parts.storage.store)
  persistence.follow()
  return persistence
}

interface KernelListeners {
  readonly source: Source
  readonly journal: Journal
  readonly metrics: Metrics
  readonly history: History
}

function listenToKernel(kernel: Kernel, { source, journal, metrics, history }: KernelListeners): void {
  kernel.continueSequence(journal.nextSequence)
  kernel.beforeUpdate((at) => history.note(at))
  kernel.onEvent((event) => {
    metrics.count(event)
    journal.append(event)
  })
  kernel.notifier.onArmed(() => source.armedChanged())
  kernel.timers.onArmed(() => source.armedChanged())
  kernel.requests.onChanged(() => source.armedChanged())
}

/** Events about the restart itself, and about a journal that could not be used. */
function emitStartEvents(
  { model = null, setAside = null, storageFault }: AppParts,
  { journal, serviceEvents }: { journal: Journal; serviceEvents: ServiceEvents },
): void {
  const last = journal.inherited()
  if (last !== null) serviceEvents.restarted(last.time, { isModel: model !== null })
  if (setAside !== null) serviceEvents.setAside(setAside)
  if (storageFault !== undefined) serviceEvents.journalFault(storageFault)
}

/** Names of everything that is degraded at present: of the source, and of the service itself. */
function degradations({ source, loop, clock, storageFault }: AppParts, { fault }: Journal): string[] {
  return [
    ...source.degraded(),
    ...(fault === null && storageFault === undefined ? [] : ['journal']),
    ...(loop?.isBlocked ? ['event-loop'] : []),
    ...(clock?.isSet ? ['clock'] : []),
  ]
}

function buildContext(
  { source, version, model = null }: AppParts,
  { currentKernel, history, rules }: { currentKernel: () => Kernel; history: History; rules: RuleSet },
): TreeContext {
  return {
    get kernel() {
      return currentKernel()
    },
    host: hostname(),
    version,
    source: source.name,
    model,
    catchUp: () => source.catchUp(),
    history,
    rules,
  }
}

async function close(
  { source, loop, clock }: AppParts,
  { journal, hub, server, reactions }: Streams & { server: FastifyInstance; reactions: Reactions },
): Promise<void> {
  loop?.stop()
  clock?.stop()
  await hub.close()
  await server.close()
  await source.stop()
  await reactions.stop()
  journal.close()
}
