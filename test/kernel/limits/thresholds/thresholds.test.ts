/** Basic behaviour of thresholds: tripping and clearing, sums over several nodes, and nodes that end or move. */

import { describe, expect, test } from 'vitest'
import * as seen from '../../../../src/kernel/observations.ts'
import * as measured from '../../../../src/kernel/observed-usage.ts'
import { Bench } from '../../support.ts'

describe('a threshold on one node', () => {
  test('reaching the trip point trips once, and falling below it clears once', () => {
    const bench = new Bench()
    const process = bench.process(42)
    bench.put(process, 'fds', 'hog', { at: 100 })
    bench.takeEvents()
    for (const value of [99, 100, 101, 150, 100, 99, 98]) bench.observe(process, 'fds', value)
    expect(bench.takeEvents()).toEqual([
      'threshold.tripped /sys/proc/42/fds',
      'threshold.cleared /sys/proc/42/fds rearmed',
    ])
  })

  test('a rearm point holds the clear back until usage falls to it', () => {
    const bench = new Bench()
    const process = bench.process(42)
    bench.observe(process, 'fds', 10)
    bench.put(process, 'fds', 'hog', { at: 100, rearm: 80 })
    bench.takeEvents()
    for (const value of [100, 81, 100, 90]) bench.observe(process, 'fds', value)
    expect(bench.takeEvents()).toEqual(['threshold.tripped /sys/proc/42/fds'])
    bench.observe(process, 'fds', 80)
    expect(bench.takeEvents()).toEqual(['threshold.cleared /sys/proc/42/fds rearmed'])
  })

  test('a falling threshold trips at or below its point and clears above', () => {
    const bench = new Bench()
    const { system } = bench.kernel
    bench.observe(system, 'memory-free', 1000)
    bench.put(system, 'memory-free', 'low', { at: 100, direction: 'falling', rearm: 200 })
    for (const value of [101, 100, 150, 200]) bench.observe(system, 'memory-free', value)
    expect(bench.takeEvents()).toEqual([
      'threshold.tripped /sys/memory-free',
      'threshold.cleared /sys/memory-free rearmed',
    ])
  })

  test('usage already past at registration trips at once, marked initial', () => {
    const bench = new Bench()
    const process = bench.process(42)
    bench.observe(process, 'fds', 120)
    bench.takeEvents()
    bench.put(process, 'fds', 'hog', { at: 100 })
    expect(bench.takeEvents()).toEqual(['threshold.tripped /sys/proc/42/fds initial'])
  })

  test('an unread limit is unknown, and its first reading past the point is initial', () => {
    const bench = new Bench()
    const process = bench.process(42)
    const { threshold } = bench.put(process, 'fds', 'hog', { at: 100 })
    expect([...threshold.watches.values()].map(({ state }) => state)).toEqual(['unknown'])
    bench.takeEvents()
    bench.observe(process, 'fds', 120)
    expect(bench.takeEvents()).toEqual(['threshold.tripped /sys/proc/42/fds initial'])
  })

  test('putting it again unchanged is no event; putting it changed clears it as replaced and evaluates it again', () => {
    const bench = new Bench()
    const process = bench.process(42)
    bench.observe(process, 'fds', 120)
    const first = bench.put(process, 'fds', 'hog', { at: 100 })
    bench.takeEvents()
    const again = bench.put(process, 'fds', 'hog', { at: 100 })
    expect(again).toEqual({ threshold: first.threshold, created: false })
    expect(bench.takeEvents()).toEqual([])
    const changed = bench.put(process, 'fds', 'hog', { at: 110 })
    expect(changed.created).toBe(false)
    expect(changed.threshold.revision).not.toBe(first.threshold.revision)
    expect(bench.takeEvents()).toEqual([
      'threshold.cleared /sys/proc/42/fds replaced',
      'threshold.tripped /sys/proc/42/fds initial',
    ])
  })

  test('deleting it clears it as deleted if it is tripped, and emits nothing if it is armed', () => {
    const bench = new Bench()
    const process = bench.process(42)
    bench.observe(process, 'fds', 120)
    const { threshold } = bench.put(process, 'fds', 'hog', { at: 100 })
    const { threshold: armed } = bench.put(process, 'fds', 'far', { at: 1000 })
    bench.takeEvents()
    bench.kernel.notifier.delete(threshold)
    bench.kernel.notifier.delete(armed)
    expect(bench.takeEvents()).toEqual(['threshold.cleared /sys/proc/42/fds deleted'])
    expect(bench.kernel.notifier.size).toBe(0)
  })

  test('with `once` it emits one event and no clear, until it is put again', () => {
    const bench = new Bench()
    const process = bench.process(42)
    bench.observe(process, 'fds', 1)
    bench.put(process, 'fds', 'hog', { at: 100, once: true })
    for (const value of [100, 1, 100, 1]) bench.observe(process, 'fds', value)
    expect(bench.takeEvents('threshold')).toEqual(['threshold.tripped /sys/proc/42/fds'])
    bench.put(process, 'fds', 'hog', { at: 100, once: true })
    bench.observe(process, 'fds', 100)
    expect(bench.takeEvents()).toEqual(['threshold.tripped /sys/proc/42/fds'])
  })

  test('a percentage follows the capacity as it changes', () => {
    const bench = new Bench()
    const process = bench.process(42)
    bench.capacity(process, 'fds', 1000)
    bench.observe(process, 'fds', 500)
    bench.put(process, 'fds', 'hog', { at: '80%' })
    bench.takeEvents()
    bench.capacity(process, 'fds', 625)
    expect(bench.takeEvents()).toEqual(['threshold.tripped /sys/proc/42/fds'])
    bench.capacity(process, 'fds', Number.POSITIVE_INFINITY)
    expect(bench.takeEvents()).toEqual([])
    bench.capacity(process, 'fds', 626)
    expect(bench.takeEvents()).toEqual(['threshold.cleared /sys/proc/42/fds rearmed'])
  })

  test('80% of a million trips at 800,000 and not one later', () => {
    const bench = new Bench()
    const process = bench.process(42)
    bench.capacity(process, 'fds', 1_000_000)
    bench.put(process, 'fds', 'hog', { at: '80%' })
    bench.observe(process, 'fds', 799_999)
    bench.takeEvents()
    bench.observe(process, 'fds', 800_000)
    expect(bench.takeEvents()).toEqual(['threshold.tripped /sys/proc/42/fds'])
  })

  test('a percentage without a finite capacity is refused, and so is a limit that cannot be measured', () => {
    const bench = new Bench()
    const process = bench.process(42)
    bench.capacity(process, 'fds', Number.POSITIVE_INFINITY)
    expect(() => bench.put(process, 'fds', 'hog', { at: '80%' })).toThrow(/no finite capacity/)
    expect(() => bench.put(process, 'channels', 'hog', { at: 1 })).toThrow(/not on this source/)
    expect(bench.kernel.notifier.size).toBe(0)
  })

  test.each([
    [{ at: 100, rearm: 100 }, /strictly below/],
    [{ at: 100, rearm: 100, direction: 'falling' as const }, /strictly above/],
    [{ at: 100, rearm: '50%' as const }, /both/],
    [{ at: 100, per: 'thread' as const }, /counted at/],
    [{ at: 100, per: 'process' as const }, /strictly below/],
  ])('%o is refused', (definition, reason) => {
    const bench = new Bench()
    const process = bench.process(42)
    expect(() => bench.put(process, 'fds', 'hog', definition)).toThrow(reason)
    expect(bench.kernel.notifier.size).toBe(0)
  })
})

describe('thresholds above the home level', () => {
  test('without `per` the sum trips, and its event names the three processes that use most', () => {
    const bench = new Bench({ selfPid: 2 })
    const processes = [1, 2, 3, 4].map((pid) => bench.process(pid))
    bench.put(bench.kernel.system, 'fds', 'all', { at: 100 })
    for (const [place, process] of processes.entries()) bench.observe(process, 'fds', (place + 1) * 10)
    const [event] = bench.events.filter(({ type }) => type === 'threshold.tripped')
    expect(event).toMatchObject({ subject: '/sys/fds', about: ['/sys/fds/threshold/all'], data: { value: 100 } })
    expect(event?.data.top).toMatchObject([
      { pid: 4, value: 40 },
      { pid: 3, value: 30 },
      { pid: 2, value: 20, self: true },
    ])
  })

  test('with `per` each node trips for itself, later ones included', () => {
    const bench = new Bench()
    const first = bench.process(1)
    bench.put(bench.kernel.system, 'fds', 'hog', { at: 100, per: 'process' })
    const second = bench.process(2)
    bench.takeEvents()
    bench.observe(second, 'fds', 100)
    bench.observe(first, 'fds', 99)
    expect(bench.takeEvents()).toEqual(['threshold.tripped /sys/proc/2/fds'])
  })

  test('several readings in one change are evaluated together: no sum trips on half of them', () => {
    const bench = new Bench()
    const [one, two] = [bench.process(1), bench.process(2)]
    bench.observe(one, 'fds', 50)
    bench.observe(two, 'fds', 40)
    bench.put(bench.kernel.system, 'fds', 'all', { at: 100 })
    bench.takeEvents()
    bench.at(() => {
      measured.observe(bench.kernel, two, 'fds', { value: 60, at: 5_000 })
      measured.observe(bench.kernel, one, 'fds', { value: 30, at: 5_000 })
    })
    expect(bench.takeEvents()).toEqual([])
    expect(bench.kernel.notifier.read(bench.kernel.system, 12)).toMatchObject({ value: 90, peak: 90 })
  })

  test('one change trips the smallest container first, and then the partitions upwards', () => {
    const bench = new Bench()
    const process = bench.process(1, { partition: ['a', 'b'] })
    const thread = bench.thread(process, 1)
    const inner = process.partition!
    bench.observe(thread, 'stack', 1)
    for (const node of [bench.kernel.system, inner.parent, inner, process, thread])
      bench.put(node, 'stack', 'deep', { at: 10 })
    bench.takeEvents()
    bench.observe(thread, 'stack', 10)
    expect(bench.takeEvents()).toEqual([
      'threshold.tripped /sys/proc/1/thread/1/stack',
      'threshold.tripped /sys/proc/1/stack',
      'threshold.tripped /sys/part/a/part/b/stack',
      'threshold.tripped /sys/part/a/stack',
      'threshold.tripped /sys/stack',
    ])
  })

  test('a sum with unreadable parts may trip a rising threshold, but never clears it and never trips a falling one', () => {
    const bench = new Bench()
    const [one, two] = [bench.process(1), bench.process(2)]
    bench.observe(one, 'fds', 50)
    bench.at(() => measured.unreadable(bench.kernel, two, 'fds', 'permission denied'))
    bench.put(bench.kernel.system, 'fds', 'low', { at: 60, direction: 'falling' })
    bench.put(bench.kernel.system, 'fds', 'high', { at: 40 })
    expect(bench.takeEvents('threshold')).toEqual(['threshold.tripped /sys/fds initial'])
    bench.observe(one, 'fds', 10)
    expect(bench.takeEvents()).toEqual([])
    bench.observe(two, 'fds', 10)
    expect(bench.takeEvents()).toEqual(['threshold.cleared /sys/fds rearmed', 'threshold.tripped /sys/fds'])
  })

  test('an estimate trips, and only a true reading clears', () => {
    const bench = new Bench()
    const process = bench.process(1)
    const thread = bench.thread(process, 1)
    bench.observe(thread, 'stack', 1)
    bench.put(process, 'stack', 'deep', { at: 100, per: 'thread' })
    bench.takeEvents()
    bench.observe(thread, 'stack', 100, true)
    bench.observe(thread, 'stack', 50, true)
    expect(bench.takeEvents()).toEqual(['threshold.tripped /sys/proc/1/thread/1/stack'])
    bench.observe(thread, 'stack', 50)
    expect(bench.takeEvents()).toEqual(['threshold.cleared /sys/proc/1/thread/1/stack rearmed'])
  })
})

describe('the end of a process', () => {
  test('clears tripped thresholds as died before the process dies, and ends the thresholds on it', () => {
    const bench = new Bench()
    const process = bench.process(42)
    bench.thread(process, 42)
    bench.observe(process, 'fds', 120)
    bench.put(process, 'fds', 'own', { at: 100 })
    bench.put(bench.kernel.system, 'fds', 'each', { at: 100, per: 'process' })
    bench.put(bench.kernel.system, 'fds', 'sum', { at: 100 })
    bench.takeEvents()
    bench.at(() => seen.processEnded(bench.kernel, process, { code: 3, signal: null }))
    expect(bench.takeEvents()).toEqual([
      'thread.died /sys/proc/42/thread/42',
      'threshold.cleared /sys/proc/42/fds died',
      'threshold.cleared /sys/proc/42/fds died',
      'process.died /sys/proc/42',
      'threshold.cleared /sys/fds rearmed',
    ])
    expect([...bench.kernel.notifier.thresholds()].map(({ name }) => name)).toEqual(['each', 'sum'])
  })

  test('clears in the order of the limits table, whatever the order of the puts', () => {
    const bench = new Bench()
    const process = bench.process(42)
    for (const limit of ['file-size', 'fds', 'memory'] as const) {
      bench.observe(process, limit, 10)
      bench.put(process, limit, 'own', { at: 10 })
    }
    bench.takeEvents()
    bench.at(() => seen.processEnded(bench.kernel, process, { code: 0, signal: null }))
    expect(bench.takeEvents('threshold')).toEqual(
      ['memory', 'fds', 'file-size'].map((limit) => `threshold.cleared /sys/proc/42/${limit} died`),
    )
  })

  test('leaves nothing to a later process with the same pid', () => {
    const bench = new Bench()
    const first = bench.process(42)
    bench.put(first, 'fds', 'own', { at: 100 })
    bench.at(() => seen.processEnded(bench.kernel, first, { code: 0, signal: null }))
    const second = bench.process(42)
    bench.takeEvents()
    bench.observe(second, 'fds', 1000)
    expect(bench.takeEvents()).toEqual([])
  })
})

test('a process that moves below a threshold while past it trips it as initial', () => {
  const bench = new Bench()
  const to = bench.at(() => seen.partitionAppeared(bench.kernel, ['b']))
  const process = bench.process(1)
  bench.observe(process, 'fds', 50)
  bench.put(to, 'fds', 'each', { at: 50, per: 'process' })
  bench.takeEvents()
  bench.at(() => seen.processMoved(bench.kernel, process, to))
  expect(bench.takeEvents()).toEqual(['process.changed /sys/proc/1', 'threshold.tripped /sys/proc/1/fds initial'])
})

test('a process that is born and ends within one change leaves no watch behind', () => {
  const bench = new Bench()
  const { threshold } = bench.put(bench.kernel.system, 'threads', 'few', {
    at: 5,
    direction: 'falling',
    per: 'process',
  })
  bench.takeEvents()
  bench.at(() => {
    const born = seen.processAppeared(bench.kernel, {
      pid: 1,
      identity: 'x',
      started: 0,
      name: 'p',
      parentProcess: null,
      executable: null,
      uid: null,
      container: bench.kernel.system,
    })
    seen.processEnded(bench.kernel, born, { code: 0, signal: null })
  })
  expect(bench.takeEvents('threshold').length % 2).toBe(0)
  expect(threshold.watches.size).toBe(0)
})

test('a process that moves takes its usage along, and leaves the thresholds of its old partition', () => {
  const bench = new Bench()
  const process = bench.process(1, { partition: ['a'] })
  const from = process.partition!
  const thread = bench.thread(process, 1)
  bench.observe(process, 'fds', 50)
  bench.observe(thread, 'stack', 7)
  bench.observe(thread, 'cpu-time', 900)
  bench.put(from, 'fds', 'each', { at: 50, per: 'process' })
  bench.takeEvents()
  const to = bench.at(() => seen.partitionAppeared(bench.kernel, ['b']))
  bench.at(() => seen.processMoved(bench.kernel, process, to))
  expect(bench.takeEvents()).toEqual([
    'partition.created /sys/part/b',
    'threshold.cleared /sys/proc/1/fds filtered',
    'process.changed /sys/proc/1',
  ])
  for (const [limit, value] of [
    ['fds', 50],
    ['stack', 7],
    ['processes', 1],
    ['threads', 1],
  ] as const) {
    expect([bench.value(from, limit), bench.value(to, limit), bench.value(bench.kernel.system, limit)]).toEqual([
      0,
      value,
      value,
    ])
  }
  // A total that never falls stays in the partition where it was used.
  expect([bench.value(from, 'cpu-time'), bench.value(to, 'cpu-time')]).toEqual([900, 0])
})
