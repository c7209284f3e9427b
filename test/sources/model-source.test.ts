/** The model source on a wall clock that the tests control. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { ModelSource } from '../../src/sources/model-source.ts'
import { returned, state, World } from '../model/world.ts'

let now = 0
let world: World
let source: ModelSource

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] })
  now = 0
  world = new World()
  source = new ModelSource(world.machine, { clock: 'real', now: () => now })
  await source.start()
})

afterEach(async () => {
  await source.stop()
  vi.useRealTimers()
})

const pass = (ms: number): void => {
  now += ms
  vi.advanceTimersByTime(ms)
}

test('timers expire without a call, each at its own time', () => {
  const [one, two] = [world.thread(world.spawn('one')), world.thread(world.spawn('two'))]
  source.catchUp()
  world.call(one, 'nanosleep', { for: 300 })
  source.catchUp()
  world.call(two, 'nanosleep', { for: 100 })
  vi.advanceTimersByTime(0)
  pass(99)
  expect([state(one), state(two)]).toEqual(['NANOSLEEP', 'NANOSLEEP'])
  pass(1)
  vi.advanceTimersByTime(0)
  expect([state(one), state(two)]).toEqual(['NANOSLEEP', 'READY'])
  pass(200)
  expect(returned(one)).toEqual({})
  expect(world.events.filter(({ type }) => type === 'thread.changed').map(({ at }) => at)).toEqual([0, 0, 100, 300])
})

test('a call takes place at the present wall-clock time', () => {
  const thread = world.thread(world.spawn('one'))
  now = 1234.7
  source.catchUp()
  world.call(thread, 'nanosleep', { for: 1 })
  expect(world.events.at(-1)).toMatchObject({ type: 'thread.changed', at: 1234 })
})

test("the machine's clock stands still when the wall clock is set back", () => {
  now = 5000
  source.catchUp()
  now = 1000
  source.catchUp()
  expect(world.kernel.now).toBe(5000)
})

test('no time passes after the source has stopped', async () => {
  const thread = world.thread(world.spawn('one'))
  source.catchUp()
  world.call(thread, 'nanosleep', { for: 100 })
  vi.advanceTimersByTime(0)
  await source.stop()
  pass(1000)
  expect(state(thread)).toBe('NANOSLEEP')
})

test('a machine with too many due timers lags and catches up in the next turns', () => {
  const thread = world.thread(world.spawn('one'))
  source.catchUp()
  world.call(thread, 'SignalAction', { signal: 'SIGALRM', action: 'handle' })
  world.call(thread, 'TimerCreate', { notify: { signal: 'SIGALRM' } })
  world.call(thread, 'TimerSettime', { timerid: 1, after: 1, every: 1 })
  now = 2.5 * bounds.expiriesPerAdvanceMax
  source.catchUp()
  expect(world.kernel.now).toBe(bounds.expiriesPerAdvanceMax)
  const reached = new Set<number>()
  while (world.kernel.now < now) {
    vi.advanceTimersToNextTimer()
    reached.add(world.kernel.now)
  }
  expect([...reached]).toEqual([1, 2, 2.5].map((times) => times * bounds.expiriesPerAdvanceMax))
})
