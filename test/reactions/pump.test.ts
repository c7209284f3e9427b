/** Tests the delivery of events along one route: order, retries, dead letters, and the cursor. */

import { afterEach, expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import type { DeliveredEvent } from '../../src/reactions/delivered-event.ts'
import { type Delivery, type Outcome, Pump, type PumpOptions } from '../../src/reactions/pump.ts'
import { memoryHub } from '../support/memory-hub.ts'
import { until } from '../support/until.ts'

const done: Outcome = { kind: 'done' }
const failed: Outcome = { kind: 'failed', reason: 'HTTP 500' }
const refused: Outcome = { kind: 'failed', reason: 'HTTP 400', isRefused: true }
const retry = { firstMs: 1, mostMs: 2, forMs: 3_600_000, attemptsMax: null }

const pumps: Pump[] = []
afterEach(async () => {
  await Promise.all(pumps.splice(0).map((pump) => pump.stop()))
})

interface Recorded {
  readonly pump: Pump
  readonly log: ReturnType<typeof memoryHub>['log']
  /** Sequences of each delivery, failed or not. */
  readonly deliveries: number[][]
  readonly dead: number[]
  readonly cursors: number[]
  emit(count: number, type?: 'events.lost' | 'state.replaced'): void
}

function pumpOf(
  answer: (delivery: Delivery, count: number) => Outcome | Promise<Outcome>,
  { eventsMax = 1_000, before = 0, ...options }: Partial<PumpOptions> & { eventsMax?: number; before?: number } = {},
): Recorded {
  const { log } = memoryHub(eventsMax)
  const deliveries: number[][] = []
  const dead: number[] = []
  const cursors: number[] = []
  const sequences = (events: readonly DeliveredEvent[]) => events.map(({ sequence }) => sequence)
  const emit = (count: number, type: 'events.lost' | 'state.replaced' = 'state.replaced') => {
    for (let each = 0; each < count; each++) {
      const data = type === 'state.replaced' ? { before: '' } : { count: 1, from: null, to: '', why: '' }
      log.append({ type, at: 0, subject: '/sys', about: [], data } as Parameters<typeof log.append>[0])
    }
    recorded.pump?.wake()
  }
  const recorded = { log, deliveries, dead, cursors, emit } as { -readonly [Key in keyof Recorded]: Recorded[Key] }
  emit(before)
  recorded.pump = new Pump({
    log,
    wants: ({ type }) => type === 'state.replaced',
    source: '/net/x',
    batchMax: 1,
    slots: 1,
    retry,
    cursor: 0,
    deliver: async (delivery) => {
      deliveries.push(sequences(delivery.events))
      return answer(delivery, deliveries.length)
    },
    persist: (cursor) => cursors.push(cursor),
    deadLetter: (events) => dead.push(...sequences(events)),
    onFailing: () => {},
    now: () => 0,
    ...options,
  })
  pumps.push(recorded.pump)
  return recorded
}

const untilCursor = (pump: Pump, cursor: number) =>
  until(
    () => pump.cursor,
    (at) => at === cursor,
    { everyMs: 1 },
  )

test('events are delivered once each and in order, also those from before the start', async () => {
  const { pump, deliveries, cursors, emit } = pumpOf(() => done, { before: 2 })
  await untilCursor(pump, 2)
  emit(2)
  await untilCursor(pump, 4)
  expect(deliveries).toEqual([[1], [2], [3], [4]])
  expect(cursors).toEqual([1, 2, 3, 4])
  expect(pump.figures()).toEqual({ cursor: 4, behind: 0, delivered: 4, failures: 0, deadLetters: 0, failing: null })
})

test('only events after the cursor are delivered', async () => {
  const { pump, deliveries } = pumpOf(() => done, { before: 3, cursor: 2 })
  await untilCursor(pump, 3)
  expect(deliveries).toEqual([[3]])
})

test('a failed event is tried again, and no later event overtakes it', async () => {
  const { pump, deliveries } = pumpOf((_, count) => (count <= 3 ? failed : done), { before: 2 })
  await untilCursor(pump, 2)
  expect(deliveries).toEqual([[1], [1], [1], [1], [2]])
  expect(pump.figures()).toMatchObject({ failures: 3, delivered: 2, deadLetters: 0 })
})

test('a batch has the events that came while the former one was under way', async () => {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const { pump, deliveries, emit } = pumpOf((_, count) => (count === 1 ? promise : done), { batchMax: 3 })
  emit(1)
  await until(
    () => deliveries.length,
    (count) => count === 1,
  )
  emit(5)
  resolve(done)
  await untilCursor(pump, 6)
  expect(deliveries).toEqual([[1], [2, 3, 4], [5, 6]])
})

test('events of other routes move the cursor, and it is stored when the service ends', async () => {
  const { pump, deliveries, cursors, emit } = pumpOf(() => done)
  emit(5, 'events.lost')
  await untilCursor(pump, 5)
  expect([deliveries, cursors]).toEqual([[], []])
  await pump.stop()
  expect(cursors).toEqual([5])
})

test('the cursor stays before an event under way, so that a restart delivers it again', async () => {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const { pump, deliveries, cursors } = pumpOf(({ events: [event] }) => (event!.sequence === 2 ? promise : done), {
    before: 4,
    slots: 2,
  })
  await until(
    () => deliveries.length,
    (count) => count === 4,
  )
  expect([pump.cursor, cursors]).toEqual([1, [1]])
  resolve(done)
  await untilCursor(pump, 4)
  expect(cursors.at(-1)).toBe(4)
})

test('old events are read from the journal in large steps, also where they are delivered one by one', async () => {
  let reads = 0
  const recorded = pumpOf(() => done)
  await recorded.pump.stop()
  const { log } = recorded
  recorded.emit(600)
  const counting = new Proxy(log, {
    get: (target, key) => {
      if (key === 'after') reads++
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const { pump, deliveries } = pumpOf(() => done, { log: counting })
  await untilCursor(pump, 600)
  expect(deliveries).toHaveLength(600)
  expect(reads).toBeLessThan(10)
})

test('at most as many deliveries as slots are under way', async () => {
  let [running, most] = [0, 0]
  const { pump } = pumpOf(
    async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 2))
      running--
      return done
    },
    { before: 20, slots: 3 },
  )
  await untilCursor(pump, 20)
  expect(most).toBe(3)
})

test('an event that its receiver refuses is a dead letter after a few attempts, and the next one follows', async () => {
  const { pump, deliveries, dead } = pumpOf(({ events: [event] }) => (event!.sequence === 1 ? refused : done), {
    before: 2,
  })
  await untilCursor(pump, 2)
  expect(dead).toEqual([1])
  expect(deliveries.filter(([sequence]) => sequence === 1)).toHaveLength(bounds.reactionRefusedMax)
  expect(pump.figures()).toMatchObject({ delivered: 1, deadLetters: 1 })
})

test('one refused event of a batch does not take the others with it', async () => {
  const { pump, dead } = pumpOf(({ events }) => (events.some(({ sequence }) => sequence === 2) ? refused : done), {
    before: 4,
    batchMax: 4,
  })
  await untilCursor(pump, 4)
  expect(dead).toEqual([2])
  expect(pump.figures()).toMatchObject({ delivered: 3, deadLetters: 1 })
})

test('an event is a dead letter only when it and the failure are both as old as the limit', async () => {
  const clock = { now: 0 }
  const { pump, dead, deliveries } = pumpOf(() => failed, {
    before: 1,
    retry: { ...retry, forMs: 1_000 },
    now: () => clock.now,
  })
  await until(
    () => deliveries.length,
    (count) => count > 5,
    { everyMs: 1 },
  )
  expect(dead).toEqual([])
  clock.now = 1_000
  await untilCursor(pump, 1)
  expect(dead).toEqual([1])
})

test('while dead letters cannot be stored, delivery goes on', async () => {
  let isFull = true
  const stored: number[] = []
  const { pump } = pumpOf(
    (_, count) => {
      if (count === 5) isFull = false
      return failed
    },
    {
      before: 1,
      retry: { ...retry, attemptsMax: 1 },
      deadLetter: (events) => {
        if (isFull) throw new Error('the disk is full')
        stored.push(...events.map(({ sequence }) => sequence))
      },
    },
  )
  await untilCursor(pump, 1)
  expect(stored).toEqual([1])
  expect(pump.figures()).toMatchObject({ deadLetters: 1, failing: 'HTTP 500' })
})

test('events that the journal has deleted are delivered as one events.lost', async () => {
  const bodies: { id: string; type: string; data: object }[] = []
  const { pump } = pumpOf(
    ({ events: [event] }) => {
      bodies.push(JSON.parse(event!.json.toString()))
      return done
    },
    { before: 12, eventsMax: 10 },
  )
  await untilCursor(pump, 12)
  expect(bodies).toHaveLength(11)
  expect(bodies[0]).toMatchObject({ id: 'lost-00000000000000000002', type: 'events.lost', data: { count: 2 } })
  expect(bodies[1]).toMatchObject({ id: '00000000000000000003' })
})

test('a failure is reported after three attempts, and its end once', async () => {
  const reports: (string | null)[] = []
  const { pump } = pumpOf((_, count) => ([1, 3, 4, 5, 6].includes(count) ? failed : done), {
    before: 3,
    onFailing: (reason) => reports.push(reason),
  })
  await untilCursor(pump, 3)
  expect(reports).toEqual(['HTTP 500', null])
})
