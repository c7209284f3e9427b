/** A service that is started again: another kernel, which sees the machine as it is now. */

import { beforeEach, expect, test } from 'vitest'
import { limitIndex } from '../../../src/kernel/limits/table.ts'
import * as seen from '../../../src/kernel/observations.ts'
import {
  exportSettings,
  type PersistedSettings,
  restoreSettings,
} from '../../../src/kernel/persistence/persisted-settings.ts'
import { Bench } from '../support.ts'

let before: Bench
let after: Bench

beforeEach(() => {
  before = new Bench()
  after = new Bench()
})

/** The same machine, seen again: a process has its identity whoever looks at it. */
function lives(pid: number, fds: number, { bench = after, identity = `boot-${pid}`, partition = [] as string[] } = {}) {
  const process = bench.at(() =>
    seen.processAppeared(bench.kernel, {
      pid,
      identity,
      started: 0,
      name: `p${pid}`,
      parentProcess: null,
      executable: null,
      uid: 0,
      container: seen.partitionAppeared(bench.kernel, partition),
    }),
  )
  bench.observe(process, 'fds', fds)
  return process
}

/** As it comes out of a file. */
const kept = (): PersistedSettings => JSON.parse(JSON.stringify(exportSettings(before.kernel))) as PersistedSettings

function restart() {
  after.told()
  const refused = restoreSettings(after.kernel, kept())
  return { refused, told: after.told() }
}

const stateOf = (pid: number) =>
  [...after.kernel.notifier.thresholds()].map(({ watches }) => watches.get(after.kernel.process(pid))?.state)

test('what was set is set again, by the same definition, owner and revision', () => {
  const process = lives(1, 5, { bench: before })
  before.put(process, 'fds', 'of it', { at: 100, rearm: 80, note: 'why' })
  before.put(before.kernel.system, 'fds', 'each', { at: 200, per: 'process' })
  before.kernel.timers.put(process, { definition: { states: ['MUTEX'], afterMs: 50 }, owner: 'ha' })
  before.kernel.notifier.switch(limitIndex.threads, false)
  lives(1, 5)
  expect(restart()).toEqual({ refused: [], told: [] })
  expect(exportSettings(after.kernel)).toEqual(kept())
})

test('still tripped is silent', () => {
  before.put(lives(1, 100, { bench: before }), 'fds', 'hog', { at: 100 })
  lives(1, 120)
  expect(restart().told).toEqual([])
  expect(stateOf(1)).toEqual(['tripped'])
})

test('crossed meanwhile is initial', () => {
  before.put(lives(1, 10, { bench: before }), 'fds', 'hog', { at: 100 })
  lives(1, 120)
  expect(restart().told).toEqual(['threshold.tripped /sys/proc/1/fds initial'])
})

test('come back meanwhile is cleared, and rearms by its own point', () => {
  for (const pid of [1, 2]) before.put(lives(pid, 100, { bench: before }), 'fds', 'hog', { at: 100, rearm: 80 })
  lives(1, 80)
  lives(2, 90)
  expect(restart().told).toEqual(['threshold.cleared /sys/proc/1/fds rearmed'])
  after.observe(after.kernel.process(2), 'fds', 79)
  expect(after.told()).toEqual(['threshold.cleared /sys/proc/2/fds rearmed'])
})

test('still unknown after a restart it stays tripped, and is judged when it can be read', () => {
  before.put(lives(1, 100, { bench: before }), 'fds', 'hog', { at: 100 })
  after.process(2)
  after.at(() =>
    seen.processAppeared(after.kernel, {
      pid: 1,
      identity: 'boot-1',
      started: 0,
      name: 'p1',
      parentProcess: null,
      executable: null,
      uid: 0,
      container: after.kernel.system,
    }),
  )
  expect(restart().told).toEqual([])
  after.observe(after.kernel.process(1), 'fds', 3)
  expect(after.told()).toEqual(['threshold.cleared /sys/proc/1/fds rearmed'])
})

test('on a process that has ended it has ended too, and what had tripped is cleared; another with its pid is spared', () => {
  before.put(lives(1, 100, { bench: before }), 'fds', 'hog', { at: 100 })
  before.put(lives(2, 5, { bench: before }), 'fds', 'hog', { at: 100 })
  before.kernel.timers.put(before.kernel.process(2), { definition: { states: ['MUTEX'], afterMs: 50 }, owner: null })
  lives(1, 500, { identity: 'another' })
  expect(restart()).toEqual({ refused: [], told: ['threshold.cleared /sys/proc/1/fds died'] })
  expect([...after.kernel.notifier.thresholds()]).toEqual([])
  expect([...after.kernel.timers.timeouts()]).toEqual([])
})

test('with `per` each process is told of by itself', () => {
  const each = { at: 100, per: 'process' } as const
  for (const [pid, fds] of [
    [1, 100],
    [2, 100],
    [3, 5],
    [4, 100],
  ] as const)
    lives(pid, fds, { bench: before })
  before.put(before.kernel.system, 'fds', 'each', each)
  lives(1, 110)
  lives(2, 5)
  lives(3, 110)
  lives(4, 110, { identity: 'another' })
  expect(restart().told.sort()).toEqual([
    'threshold.cleared /sys/proc/2/fds rearmed',
    'threshold.cleared /sys/proc/4/fds died',
    'threshold.tripped /sys/proc/3/fds initial',
    'threshold.tripped /sys/proc/4/fds initial',
  ])
})

test('a process that has left the partition meanwhile is filtered', () => {
  lives(1, 100, { bench: before, partition: ['web'] })
  const web = () => before.kernel.partition(['web'])!
  before.put(web(), 'fds', 'each', { at: 100, per: 'process' })
  lives(1, 100, { partition: ['db'] })
  lives(2, 1, { partition: ['web'] })
  expect(restart().told).toEqual(['threshold.cleared /sys/proc/1/fds filtered'])
})

test('once told is not told again', () => {
  before.put(lives(1, 100, { bench: before }), 'fds', 'crossing', { at: 100, once: true })
  lives(1, 5)
  expect(restart().told).toEqual([])
  after.observe(after.kernel.process(1), 'fds', 500)
  expect(after.told()).toEqual([])
})

test('its time goes on: what ran out meanwhile ends at once', () => {
  before.put(lives(1, 100, { bench: before }), 'fds', 'hog', { at: 100, ttl: '10ms' })
  lives(1, 100)
  for (let step = 0; step < 50; step++) after.observe(after.kernel.process(1), 'fds', 100)
  expect(restart().told).toEqual([])
  after.expire()
  expect(after.told()).toEqual(['threshold.cleared /sys/proc/1/fds expired'])
})

test('what cannot be measured here any more is given back with the reason, and the others are set', () => {
  before.put(lives(1, 1, { bench: before }), 'fds', 'hog', { at: 100 })
  lives(1, 1)
  const [switches, hog] = kept().definitions
  const strange = { ...(hog as object), limit: 'channels', name: 'strange' } as PersistedSettings['definitions'][number]
  const refused = restoreSettings(after.kernel, { definitions: [switches!, strange, hog!], trips: [], alerts: [] })
  expect(refused).toEqual([{ definition: strange, reason: expect.stringContaining('not on this source') }])
  expect(stateOf(1)).toEqual(['armed'])
})
