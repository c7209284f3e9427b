/** Property tests: in any order of operations, a subscriber receives each matching event once and in order. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import type { KernelEvent } from '../../src/kernel/events.ts'
import type { LoggedEvent } from '../../src/stream/event-log.ts'
import type { Sink, Subscription } from '../../src/stream/subscription.ts'
import { parsePathFilter } from '../../src/tree/path-filter.ts'
import { Bench } from '../kernel/support.ts'
import { memoryHub } from '../support/memory-hub.ts'
import { until } from '../support/until.ts'

const { kernel } = new Bench()

const paths = ['/sys', '/sys/proc/*', '/sys/proc/1/fds', '/sys/proc/**']

/** A client that reads only when the test drains it. */
class SlowSink implements Sink {
  readonly got: number[] = []
  readonly nodes: string[] = []
  queuedBytes = 0
  closed: string | null = null
  #drained: (() => void)[] = []

  event({ sequence }: LoggedEvent): void {
    this.got.push(sequence)
    this.queuedBytes += bounds.subscriberQueueBytesMax / 3
  }

  node(json: Buffer): void {
    this.nodes.push(json.toString())
    this.queuedBytes += bounds.subscriberQueueBytesMax / 3
  }

  snapshotEnded(cursor: number): void {
    this.nodes.push(`end ${cursor}`)
  }

  whenDrained(then: () => void): void {
    this.#drained.push(then)
  }

  drain(): void {
    this.queuedBytes = 0
    for (const then of this.#drained.splice(0)) then()
  }

  close(_code: number, reason: string): void {
    this.closed = reason
  }
}

interface Client {
  readonly sink: SlowSink
  readonly subscription: Subscription
  readonly path: string
  readonly from: number
}

const Step = fc.oneof(
  fc.record({
    kind: fc.constant('happen' as const),
    pid: fc.integer({ min: 1, max: 3 }),
    leaf: fc.constantFrom('', '/fds', '/memory'),
  }),
  fc.record({ kind: fc.constant('for-all' as const) }),
  fc.record({
    kind: fc.constant('subscribe' as const),
    path: fc.constantFrom(...paths),
    back: fc.option(fc.integer({ min: 0, max: 30 })),
    snapshot: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('drain' as const), client: fc.nat(5) }),
  fc.record({ kind: fc.constant('turn' as const) }),
)

function eventAt(type: 'thread.died' | 'events.lost', subject: string): KernelEvent {
  const places = { at: 0, subject, about: [`${subject}/threshold/x`] }
  if (type === 'thread.died') return { ...places, type, data: { pid: 1, tid: 1, name: 'p', identity: 'x-1' } }
  return { ...places, type, data: { count: null, from: null, to: new Date(0).toISOString(), why: 'a test' } }
}

test('live, resumed, snapshot and parked subscribers receive each matching event once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(Step, { minLength: 1, maxLength: 60 }), async (steps) => {
      const all: { sequence: number; place: string; isForAll: boolean }[] = []
      const { log, hub } = memoryHub(10_000)
      const clients: Client[] = []
      const happen = (type: 'thread.died' | 'events.lost', place: string) => {
        all.push({ sequence: log.nextSequence, place, isForAll: type === 'events.lost' })
        log.append(eventAt(type, place))
      }
      for (const step of steps) {
        if (step.kind === 'happen') happen('thread.died', `/sys/proc/${step.pid}${step.leaf}`)
        else if (step.kind === 'for-all') happen('events.lost', '/sys')
        else if (step.kind === 'drain') clients[step.client]?.sink.drain()
        else if (step.kind === 'turn') await new Promise((resolve) => setImmediate(resolve))
        else {
          const after = step.back === null ? null : Math.max(log.oldestCursor, log.newest - step.back)
          const nodes = [1, 2, 3].map((pid) => ({ path: `/sys/proc/${pid}`, view: Buffer.from('{}') }))
          const request = {
            filter: parsePathFilter(kernel, step.path, { past: true }),
            types: null,
            after,
            durable: null,
            snapshot: step.snapshot ? () => nodes : null,
          }
          const sink = new SlowSink()
          const subscription = hub.subscribe(sink, request, hub.startPosition(request))
          clients.push({ sink, subscription, path: step.path, from: after ?? log.newest })
        }
      }
      while (clients.some(({ subscription }) => !subscription.isLive)) {
        for (const { sink } of clients) sink.drain()
        await new Promise((resolve) => setImmediate(resolve))
      }
      for (const { sink, path, from: requested } of clients) {
        // A snapshot contains the effects of all events before its cursor.
        const from = sink.nodes.length > 0 ? Number(sink.nodes.at(-1)!.slice('end '.length)) : requested
        const filter = parsePathFilter(kernel, path, { past: true })
        const matching = all.filter(
          ({ sequence, place, isForAll }) =>
            sequence > from && (isForAll || filter.concerns([place, `${place}/threshold/x`])),
        )
        expect(sink.got).toEqual(matching.map(({ sequence }) => sequence))
        expect(sink.closed).toBeNull()
        if (sink.nodes.length > 0) expect([sink.nodes.length, from >= requested]).toEqual([4, true])
      }
      await hub.close()
    }),
    { numRuns: 300 },
  )
})

test('subscriptions that catch up share the event loop and leave time for live ones', async () => {
  const { log, hub } = memoryHub(100_000)
  const request = {
    filter: parsePathFilter(kernel, '/sys'),
    types: ['process.died'],
    after: null,
    durable: null,
    snapshot: null,
  }
  for (let count = 0; count < 20_000; count++) log.append(eventAt('thread.died', '/sys/proc/1'))
  const readers = Array.from({ length: 50 }, () =>
    hub.subscribe(new SlowSink(), { ...request, after: 1 }, { kind: 'after', cursor: 1 }),
  )
  // The events examined in one turn of the event loop are bounded, which gives a minimum number of turns.
  let turns = 0
  while (readers.some(({ isLive }) => !isLive)) {
    await new Promise((resolve) => setImmediate(resolve))
    turns++
  }
  expect(turns).toBeGreaterThanOrEqual(
    Math.floor((50 * 19_999) / (bounds.replayEventsPerTurn + bounds.replayEventsAtOnce)),
  )
  await hub.close()
})

test('a snapshot is captured when its turn comes, and never for a subscription that has ended', async () => {
  const { hub } = memoryHub(100)
  let captured = 0
  const snapshot = () => {
    captured++
    return []
  }
  const request = { filter: parsePathFilter(kernel, '/sys'), types: null, after: null, durable: null, snapshot }
  const subscribe = () => hub.subscribe(new SlowSink(), request, hub.startPosition(request))
  for (let count = 0; count < 1_000; count++) hub.unsubscribe(subscribe())
  const last = subscribe()
  expect(captured).toBe(0)
  await until(
    () => last.isLive,
    (isLive) => isLive,
    { everyMs: 0 },
  )
  expect(captured).toBe(1)
  await hub.close()
})
