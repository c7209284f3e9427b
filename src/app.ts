/** Composes the whole service from its parts, and closes it in order. What tests build. */

import { hostname } from 'node:os'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { bounds } from './bounds.ts'
import { durationText } from './duration.ts'
import type { Check } from './http/health.ts'
import type { Gate } from './http/security.ts'
import { buildServer } from './http/server.ts'
import { EventRing } from './journal/ring.ts'
import { History, type HistoryOptions, usualHistory } from './kernel/history/history.ts'
import type { Kernel } from './kernel/kernel.ts'
import { Metrics } from './metrics.ts'
import type { Source } from './sources/source.ts'
import { Hub } from './stream/hub.ts'
import type { Model } from './tree/definition.ts'

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
}

export interface App {
  readonly server: FastifyInstance
  readonly hub: Hub
  readonly ring: EventRing
  /** Ends the streams with a bookmark, then the server, then the source. */
  close(): Promise<void>
}

export function buildApp(parts: AppParts): App {
  const { kernel, source, gate, logger, version, now, model = null } = parts
  const { firstSequence = Math.round(now() * 1000) } = parts
  const host = hostname()
  const ring = new EventRing({
    source: `/net/${encodeURIComponent(host)}`,
    firstSequence,
    eventsMax: bounds.eventsKeptMax,
  })
  const hub = new Hub({ log: ring, source: `/net/${encodeURIComponent(host)}`, now, scanAge: () => source.scanAge() })
  const current = (): Kernel => model?.machine.kernel ?? kernel
  const metrics = new Metrics({ kernel: current, hub, source, version })
  const history = new History(current, parts.history ?? usualHistory, () => source.ready())
  kernel.beforeUpdate = (at) => history.note(at)
  kernel.onEvent = (event) => {
    metrics.count(event)
    hub.publish(ring.append(event))
  }
  kernel.nextSequence = () => ring.newest + 1
  kernel.notifier.onArmed = () => source.armedChanged()
  kernel.timers.onArmed = () => source.armedChanged()
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
      {
        name: 'events',
        ok: true,
        detail: `${ring.newest - ring.oldestCursor} kept in memory; they end with this process`,
      },
      { name: 'uptime', ok: true, detail: durationText(performance.now()) },
    ],
  }
  const server = buildServer({ context, hub, gate, health, metrics, logger })
  return {
    server,
    hub,
    ring,
    close: async () => {
      await hub.close()
      await server.close()
      await source.stop()
    },
  }
}
