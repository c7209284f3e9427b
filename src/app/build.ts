/** Composes the whole service from its parts, and closes it in order. What tests build. */

import { hostname } from 'node:os'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { bounds } from '../base/bounds.ts'
import { durationText } from '../base/duration.ts'
import type { Check } from '../http/health.ts'
import { type ClientLimits, defaultClientLimits } from '../http/security/clients.ts'
import type { Gate } from '../http/security/gate.ts'
import { defaultListenerOptions, type ListenerOptions } from '../http/security/listener.ts'
import { buildServer } from '../http/server.ts'
import type { SetAside } from '../journal/data-directory.ts'
import type { CursorFact } from '../journal/facts.ts'
import { Journal, type JournalStorage } from '../journal/journal.ts'
import type { EventStore } from '../journal/store.ts'
import { defaultHistory, History, type HistoryOptions } from '../kernel/history/history.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { ServiceClock } from '../runtime/clock.ts'
import type { EventLoopMonitor } from '../runtime/event-loop-monitor.ts'
import { Metrics } from '../runtime/metrics.ts'
import type { Source } from '../sources/source.ts'
import { type Durable, Durables, parseDurable } from '../stream/durables.ts'
import { Hub } from '../stream/hub.ts'
import type { Model } from '../tree/context.ts'
import { ServiceEvents } from './service-events.ts'
import { SettingsPersistence } from './settings.ts'

export interface AppParts {
  /** Of a live machine; the model has its own, which is another once a state is put. */
  readonly kernel: Kernel
  /** What clients drive; null where a live machine is observed. */
  readonly model?: Model | null
  readonly source: Source
  readonly gate: Gate
  readonly logger: FastifyBaseLogger
  readonly version: string
  /** Without it, as is usual. */
  readonly history?: HistoryOptions
  /** ms of Unix time. */
  readonly now: () => number
  /** Of the first event: the time in µs, so that a cursor from before a restart is known to be old; 1 where runs are to be the same. */
  readonly firstSequence?: number
  /** Where events are kept beyond this process; without it they end with it. */
  readonly storage?: JournalStorage
  /** Of what is listened on; without it HTTP in the clear. */
  readonly edge?: Partial<ListenerOptions>
  /** Without them, as is usual. */
  readonly limits?: Partial<ClientLimits>
  /** Why events are not kept although they were meant to be. */
  readonly storageFault?: string
  /** A damaged journal that is out of the way, and what is wrong with it. */
  readonly setAside?: SetAside | null
  /** Without it nobody is told when the event loop was blocked. */
  readonly loop?: EventLoopMonitor
  /** Without it nobody is told when the wall clock was set. */
  readonly clock?: ServiceClock
}

export interface App {
  readonly server: FastifyInstance
  readonly hub: Hub
  readonly journal: Journal
  /** Sets again what was set before a restart, and watches over itself from now on. Preconditions: the source has started. */
  restore(): void
  /** Ends the streams with a bookmark, then the server, then the source; then all that happened is in the journal. */
  close(): Promise<void>
}

export function buildApp(parts: AppParts): App {
  const { kernel, source, gate, logger, version, now, loop, clock, model = null } = parts
  const { firstSequence = Math.round(now() * 1000), storage = null, storageFault = null, setAside = null } = parts
  const host = hostname()
  // What is set on the model is part of its state, and the model is another after a restart.
  const persistsSettings = storage !== null && model === null
  const node = `/net/${encodeURIComponent(host)}`
  const journal = new Journal({
    source: node,
    firstSequence,
    eventsMax: bounds.eventsCachedMax,
    storage,
    facts: () => [...(persistsSettings ? definitions.facts() : []), ...durables.all().map(cursorFact)],
    persistsSettings,
    publish: (event) => hub.publish(event),
    onFault: (reason) => own.journalFault(reason),
    onCommitted: (ms) => metrics.committed(ms),
    now,
  })
  const durables = new Durables({
    restored: storage === null ? [] : keptDurables(storage.store, logger),
    onChange: (name, durable) =>
      journal.persistCursor(durable === null ? { durable: name, value: null } : cursorFact(durable)),
    now,
  })
  const hub: Hub = new Hub({ log: journal, durables, source: node, now, scanAge: () => source.scanAge() })
  const current = (): Kernel => model?.machine.kernel ?? kernel
  const degraded = () => [
    ...source.degraded(),
    ...((journal.fault ?? storageFault) === null ? [] : ['journal']),
    ...(loop?.isBlocked ? ['event-loop'] : []),
    ...(clock?.isSet ? ['clock'] : []),
  ]
  const own = new ServiceEvents(current, logger)
  const metrics: Metrics = new Metrics({ kernel: current, hub, source, journal, degraded, version })
  const history = new History(current, parts.history ?? defaultHistory, () => source.ready())
  kernel.continueSequence(journal.nextSequence)
  kernel.beforeUpdate((at) => history.note(at))
  kernel.onEvent((event) => {
    metrics.count(event)
    journal.append(event)
  })
  kernel.notifier.onArmed(() => source.armedChanged())
  kernel.timers.onArmed(() => source.armedChanged())
  const last = journal.inherited()
  if (last !== null) own.restarted(last.time, { isModel: model !== null })
  if (setAside !== null) own.setAside(setAside)
  if (storageFault !== null) own.journalFault(storageFault)
  clock?.start({
    onSet: (ms) => {
      source.catchUp()
      own.clockSet(ms)
    },
    onAgreed: () => own.recovered('clock'),
  })
  const definitions = new SettingsPersistence(kernel, journal)
  if (persistsSettings) {
    definitions.endDeadlocks(storage.store)
    definitions.follow()
  }
  const context = {
    get kernel() {
      return current()
    },
    host,
    version,
    source: source.name,
    model,
    catchUp: () => source.catchUp(),
    history,
  }
  const health = {
    ready: () => source.ready(),
    checks: (): Check[] => [
      ...source.checks(),
      { name: 'streams', ok: true, detail: `${hub.size} open` },
      { name: 'thresholds', ok: true, detail: `${current().notifier.size} set` },
      eventsCheck(journal, { storage, storageFault }),
      ...(setAside === null ? [] : [setAsideCheck(setAside)]),
      { name: 'uptime', ok: true, detail: durationText(performance.now()) },
    ],
  }
  const edge = { ...defaultListenerOptions, ...parts.edge }
  const limits = { ...defaultClientLimits, ...parts.limits }
  const storageKind = storage === null ? 'memory' : 'journal'
  const server = buildServer({ context, hub, gate, health, metrics, logger, storage: storageKind, edge, limits })
  return {
    server,
    hub,
    journal,
    restore: () => {
      if (persistsSettings) definitions.restore(storage.store, logger)
      // Not before: beginning takes its time, and nobody waits for it yet.
      loop?.start({
        onBlocked: (ms) => {
          source.catchUp()
          metrics.blocked(ms)
          own.loopBlocked(ms)
        },
        onCalm: () => own.recovered('event-loop'),
      })
    },
    close: async () => {
      loop?.stop()
      clock?.stop()
      await hub.close()
      await server.close()
      await source.stop()
      journal.close()
    },
  }
}

function cursorFact(durable: Durable): CursorFact {
  return { durable: durable.name, value: JSON.stringify(durable) }
}

function keptDurables(store: EventStore, logger: FastifyBaseLogger): Durable[] {
  return store.durables().flatMap((text) => {
    try {
      return [parseDurable(text)]
    } catch (err) {
      logger.error({ err, text }, 'a durable subscription that was kept is not understood: it is not there any more')
      return []
    }
  })
}

function eventsCheck(
  { newest, oldestCursor, fault: ofFile }: Journal,
  { storage, storageFault }: { storage: JournalStorage | null; storageFault: string | null },
): Check {
  const count = newest - oldestCursor
  const fault = ofFile ?? storageFault
  if (fault !== null) return { name: 'events', ok: false, detail: `${count} kept, new ones in memory only: ${fault}` }
  const detail = storage === null ? 'in memory; they end with this process' : 'in the journal'
  return { name: 'events', ok: true, detail: `${count} kept ${detail}` }
}

function setAsideCheck({ file, reason }: SetAside): Check {
  return {
    name: 'journal',
    ok: false,
    detail: `the one before was damaged (${reason}), and is now ${file}`,
  }
}
