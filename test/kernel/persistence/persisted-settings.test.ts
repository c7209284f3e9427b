/** Restoring persisted thresholds, timers and switches after a restart, on the machine as it is then. */

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

/** Adds a process to one of the kernels. Both kernels see the same identity for it. */
function addProcess(
  pid: number,
  fds: number,
  { bench = after, identity = `boot-${pid}`, partition = [] as string[] } = {},
) {
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

/** Exports the settings as they come out of a file. */
const persisted = (): PersistedSettings =>
  JSON.parse(JSON.stringify(exportSettings(before.kernel))) as PersistedSettings

function restart() {
  after.takeEvents()
  const refused = restoreSettings(after.kernel, persisted())
  return { refused, events: after.takeEvents() }
}

const stateOf = (pid: number) =>
  [...after.kernel.notifier.thresholds()].map(({ watches }) => watches.get(after.kernel.process(pid))?.state)

test('every setting is restored with the same definition, owner and revision', () => {
  const process = addProcess(1, 5, { bench: before })
  before.put(process, 'fds', 'of it', { at: 100, rearm: 80, note: 'why' })
  before.put(before.kernel.system, 'fds', 'each', { at: 200, per: 'process' })
  before.kernel.timers.put(process, { definition: { states: ['MUTEX'], afterMs: 50 }, owner: 'ha' })
  before.kernel.notifier.switch(limitIndex.threads, false)
  addProcess(1, 5)
  expect(restart()).toEqual({ refused: [], events: [] })
  expect(exportSettings(after.kernel)).toEqual(persisted())
})

test('a threshold that is still tripped emits nothing', () => {
  before.put(addProcess(1, 100, { bench: before }), 'fds', 'hog', { at: 100 })
  addProcess(1, 120)
  expect(restart().events).toEqual([])
  expect(stateOf(1)).toEqual(['tripped'])
})

test('a threshold crossed during the restart trips as initial', () => {
  before.put(addProcess(1, 10, { bench: before }), 'fds', 'hog', { at: 100 })
  addProcess(1, 120)
  expect(restart().events).toEqual(['threshold.tripped /sys/proc/1/fds initial'])
})

test('a threshold that fell back during the restart is cleared, by its own rearm point', () => {
  for (const pid of [1, 2]) before.put(addProcess(pid, 100, { bench: before }), 'fds', 'hog', { at: 100, rearm: 80 })
  addProcess(1, 80)
  addProcess(2, 90)
  expect(restart().events).toEqual(['threshold.cleared /sys/proc/1/fds rearmed'])
  after.observe(after.kernel.process(2), 'fds', 79)
  expect(after.takeEvents()).toEqual(['threshold.cleared /sys/proc/2/fds rearmed'])
})

test('a tripped threshold with an unknown value stays tripped until the value can be read', () => {
  before.put(addProcess(1, 100, { bench: before }), 'fds', 'hog', { at: 100 })
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
  expect(restart().events).toEqual([])
  after.observe(after.kernel.process(1), 'fds', 3)
  expect(after.takeEvents()).toEqual(['threshold.cleared /sys/proc/1/fds rearmed'])
})

test('a percentage whose capacity is gone is restored, and is judged when the capacity returns', () => {
  const process = addProcess(1, 100, { bench: before })
  before.capacity(process, 'fds', 200)
  before.put(process, 'fds', 'hog', { at: '50%' })
  before.put(process, 'fds', 'later', { at: '90%' })
  before.capacity(process, 'fds', Number.POSITIVE_INFINITY)
  after.capacity(addProcess(1, 3), 'fds', Number.POSITIVE_INFINITY)
  const lost = 'threshold.unknown /sys/proc/1/fds it has no finite capacity'
  expect(restart()).toEqual({ refused: [], events: [lost] })
  expect(stateOf(1)).toEqual(['tripped', 'unknown'])
  after.capacity(after.kernel.process(1), 'fds', 200)
  expect(after.takeEvents()).toEqual(['threshold.cleared /sys/proc/1/fds rearmed', 'threshold.known /sys/proc/1/fds'])
})

test('settings of an ended process end and its tripped thresholds are cleared; a new process with its pid is unaffected', () => {
  before.put(addProcess(1, 100, { bench: before }), 'fds', 'hog', { at: 100 })
  before.put(addProcess(2, 5, { bench: before }), 'fds', 'hog', { at: 100 })
  before.kernel.timers.put(before.kernel.process(2), { definition: { states: ['MUTEX'], afterMs: 50 }, owner: null })
  addProcess(1, 500, { identity: 'another' })
  expect(restart()).toEqual({ refused: [], events: ['threshold.cleared /sys/proc/1/fds died'] })
  expect([...after.kernel.notifier.thresholds()]).toEqual([])
  expect([...after.kernel.timers.timeouts()]).toEqual([])
})

test('a threshold with `per` is restored for each process separately', () => {
  const each = { at: 100, per: 'process' } as const
  for (const [pid, fds] of [
    [1, 100],
    [2, 100],
    [3, 5],
    [4, 100],
  ] as const)
    addProcess(pid, fds, { bench: before })
  before.put(before.kernel.system, 'fds', 'each', each)
  addProcess(1, 110)
  addProcess(2, 5)
  addProcess(3, 110)
  addProcess(4, 110, { identity: 'another' })
  expect(restart().events.sort()).toEqual([
    'threshold.cleared /sys/proc/2/fds rearmed',
    'threshold.cleared /sys/proc/4/fds died',
    'threshold.tripped /sys/proc/3/fds initial',
    'threshold.tripped /sys/proc/4/fds initial',
  ])
})

test('a process that left the partition during the restart is cleared as filtered', () => {
  addProcess(1, 100, { bench: before, partition: ['web'] })
  const web = () => before.kernel.partition(['web'])!
  before.put(web(), 'fds', 'each', { at: 100, per: 'process' })
  addProcess(1, 100, { partition: ['db'] })
  addProcess(2, 1, { partition: ['web'] })
  expect(restart().events).toEqual(['threshold.cleared /sys/proc/1/fds filtered'])
})

test('a `once` threshold that has emitted its event emits no other', () => {
  before.put(addProcess(1, 100, { bench: before }), 'fds', 'crossing', { at: 100, once: true })
  addProcess(1, 5)
  expect(restart().events).toEqual([])
  after.observe(after.kernel.process(1), 'fds', 500)
  expect(after.takeEvents()).toEqual([])
})

test('a ttl continues, and one that ran out during the restart expires at once', () => {
  before.put(addProcess(1, 100, { bench: before }), 'fds', 'hog', { at: 100, ttl: '10ms' })
  addProcess(1, 100)
  for (let step = 0; step < 50; step++) after.observe(after.kernel.process(1), 'fds', 100)
  expect(restart().events).toEqual([])
  after.expire()
  expect(after.takeEvents()).toEqual(['threshold.cleared /sys/proc/1/fds expired'])
})

test('a setting that can no longer be measured is returned with the reason, and the others are restored', () => {
  before.put(addProcess(1, 1, { bench: before }), 'fds', 'hog', { at: 100 })
  addProcess(1, 1)
  const [switches, hog] = persisted().definitions
  const strange = { ...(hog as object), limit: 'channels', name: 'strange' } as PersistedSettings['definitions'][number]
  const refused = restoreSettings(after.kernel, { definitions: [switches!, strange, hog!], trips: [], alerts: [] })
  expect(refused).toEqual([{ definition: strange, reason: expect.stringContaining('not on this source') }])
  expect(stateOf(1)).toEqual(['armed'])
})

test('settings of a partition that is not there wait for it, and apply as it appears', () => {
  addProcess(1, 100, { bench: before, partition: ['web', 'a b'] })
  const at = before.kernel.partition(['web', 'a b'])!
  before.put(at, 'fds', 'hog', { at: 100 })
  before.put(at, 'fds', 'each', { at: 100, per: 'process' })
  before.kernel.timers.put(at, { definition: { states: ['MUTEX'], afterMs: 50 }, owner: 'ha' })
  expect(restart()).toEqual({
    refused: [],
    events: ['threshold.cleared /sys/part/web/part/a%20b/fds gone', 'threshold.cleared /sys/proc/1/fds died'],
  })
  expect(exportSettings(after.kernel).definitions).toEqual(persisted().definitions)
  addProcess(1, 120, { partition: ['web', 'a b'] })
  expect(after.takeEvents('threshold').sort()).toEqual([
    'threshold.tripped /sys/part/web/part/a%20b/fds initial',
    'threshold.tripped /sys/proc/1/fds',
  ])
  expect(after.kernel.timers.holding(after.kernel.process(1))?.owner).toBe('ha')
  expect(exportSettings(after.kernel).definitions).toEqual(persisted().definitions)
})

test('settings wait through every removal of their partition, and end only when they are deleted', () => {
  const { kernel } = before
  const ended: string[] = []
  kernel.notifier.onDefined(({ threshold, change }) => void (change === 'gone' && ended.push(threshold!.path)))
  kernel.timers.onDefined(({ timeout, change }) => void (change === 'gone' && ended.push(timeout.path)))
  const appear = () => before.at(() => seen.partitionAppeared(kernel, ['web']))
  appear()
  before.put(kernel.partition(['web'])!, 'processes', 'none', { at: 0, direction: 'falling' })
  kernel.timers.put(kernel.partition(['web'])!, { definition: { states: ['MUTEX'], afterMs: 50 }, owner: null })
  for (let round = 0; round < 3; round++) {
    before.takeEvents()
    before.at(() => seen.partitionEnded(kernel, kernel.partition(['web'])!))
    expect(before.takeEvents()).toEqual([
      'threshold.cleared /sys/part/web/processes gone',
      'partition.died /sys/part/web',
    ])
    appear()
    expect(before.takeEvents('threshold')).toEqual(['threshold.tripped /sys/part/web/processes initial'])
  }
  expect(ended).toEqual([])
  before.at(() => seen.partitionEnded(kernel, kernel.partition(['web'])!))
  for (const threshold of [...kernel.notifier.thresholds()]) kernel.notifier.delete(threshold)
  for (const timeout of [...kernel.timers.timeouts()]) kernel.timers.delete(timeout)
  expect(ended).toEqual(['/sys/part/web/processes/threshold/none', '/sys/part/web/timeout'])
  appear()
  expect([kernel.notifier.size, [...kernel.timers.timeouts()]]).toEqual([0, []])
})
