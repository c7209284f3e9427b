/** Events of thresholds that become unknown, because their limit or its capacity cannot be read at present. */

import { expect, test } from 'vitest'
import * as measured from '../../../../src/kernel/observed-usage.ts'
import { Bench } from '../../support.ts'

function armed(definition: Parameters<Bench['put']>[3]) {
  const bench = new Bench()
  const process = bench.process(42)
  bench.capacity(process, 'fds', 200)
  bench.observe(process, 'fds', 10)
  const { threshold } = bench.put(process, 'fds', 'hog', definition)
  bench.takeEvents()
  const state = () => [...threshold.watches.values()].map((watch) => watch.state).join()
  const lose = (reason: string) => bench.at(() => measured.unreadable(bench.kernel, process, 'fds', reason))
  return { bench, process, state, lose }
}

test('a limit that cannot be read any more makes its threshold unknown, with one event and the reason', () => {
  const { bench, process, state, lose } = armed({ at: 100 })
  lose('EACCES')
  lose('EIO')
  expect([state(), bench.takeEvents()]).toEqual(['unknown', ['threshold.unknown /sys/proc/42/fds EACCES']])
  bench.observe(process, 'fds', 20)
  expect([state(), bench.takeEvents()]).toEqual(['armed', ['threshold.known /sys/proc/42/fds']])
})

test('a threshold that is past its point when the limit can be read again trips after that event', () => {
  const { bench, process, lose } = armed({ at: 100 })
  lose('EACCES')
  bench.observe(process, 'fds', 150)
  expect(bench.takeEvents()).toEqual([
    'threshold.unknown /sys/proc/42/fds EACCES',
    'threshold.known /sys/proc/42/fds',
    'threshold.tripped /sys/proc/42/fds',
  ])
})

test('a percentage becomes unknown with its capacity, and a number does not', () => {
  const { bench, process, state } = armed({ at: '80%' })
  bench.put(process, 'fds', 'number', { at: 100 })
  bench.capacity(process, 'fds', Number.NaN)
  const reason = 'its capacity cannot be read'
  expect([state(), bench.takeEvents()]).toEqual(['unknown', [`threshold.unknown /sys/proc/42/fds ${reason}`]])
  bench.capacity(process, 'fds', 12)
  expect([state(), bench.takeEvents()]).toEqual([
    'tripped',
    ['threshold.known /sys/proc/42/fds', 'threshold.tripped /sys/proc/42/fds'],
  ])
})

test('a percentage whose capacity was removed cannot trip, and becomes unknown', () => {
  for (const direction of ['rising', 'falling'] as const) {
    const { bench, process, state } = armed({ at: direction === 'rising' ? '80%' : '1%', direction })
    bench.capacity(process, 'fds', Number.POSITIVE_INFINITY)
    const reason = 'it has no finite capacity'
    expect([state(), bench.takeEvents()]).toEqual(['unknown', [`threshold.unknown /sys/proc/42/fds ${reason}`]])
    bench.capacity(process, 'fds', 500)
    expect([state(), bench.takeEvents()]).toEqual(['armed', ['threshold.known /sys/proc/42/fds']])
  }
})

/** A percentage that has tripped, at 10 of 200, and a value at which it clears. */
function tripped(direction: 'rising' | 'falling', hasRearm: boolean) {
  const rising = direction === 'rising'
  const rearm = rising ? '2%' : '75%'
  const one = armed({ at: rising ? '5%' : '50%', direction, rearm: hasRearm ? rearm : null })
  expect(one.state()).toBe('tripped')
  return { ...one, back: rising ? 1 : 190 }
}

test('a percentage that has tripped stays tripped while its capacity is removed, and is then judged again', () => {
  for (const direction of ['rising', 'falling'] as const)
    for (const hasRearm of [false, true]) {
      const { bench, process, state, back } = tripped(direction, hasRearm)
      bench.capacity(process, 'fds', Number.POSITIVE_INFINITY)
      bench.observe(process, 'fds', back)
      expect([state(), bench.takeEvents()]).toEqual(['tripped', []])
      bench.capacity(process, 'fds', 200)
      expect([state(), bench.takeEvents()]).toEqual(['armed', ['threshold.cleared /sys/proc/42/fds rearmed']])
    }
})

test('a percentage that is still past its point when its capacity returns emits nothing, and clears later', () => {
  for (const direction of ['rising', 'falling'] as const) {
    const { bench, process, state, back } = tripped(direction, false)
    for (const capacity of [Number.POSITIVE_INFINITY, Number.NaN, Number.POSITIVE_INFINITY, 200])
      bench.capacity(process, 'fds', capacity)
    expect([state(), bench.takeEvents()]).toEqual(['tripped', []])
    bench.observe(process, 'fds', back)
    expect([state(), bench.takeEvents()]).toEqual(['armed', ['threshold.cleared /sys/proc/42/fds rearmed']])
  }
})

test('a tripped percentage without a capacity is cleared when it is deleted', () => {
  const { bench, process } = tripped('rising', false)
  bench.capacity(process, 'fds', Number.POSITIVE_INFINITY)
  bench.kernel.notifier.delete(bench.kernel.notifier.find(process, bench.index('fds'), 'hog')!)
  expect(bench.takeEvents()).toEqual(['threshold.cleared /sys/proc/42/fds deleted'])
})

test('a falling percentage of a value that is lost with its capacity stays tripped until both return', () => {
  const { bench, process, state, back, lose } = tripped('falling', false)
  bench.capacity(process, 'fds', Number.POSITIVE_INFINITY)
  lose('no maximum')
  expect([state(), bench.takeEvents()]).toEqual(['tripped', []])
  bench.observe(process, 'fds', back)
  expect([state(), bench.takeEvents()]).toEqual(['tripped', []])
  bench.capacity(process, 'fds', 200)
  expect([state(), bench.takeEvents()]).toEqual(['armed', ['threshold.cleared /sys/proc/42/fds rearmed']])
})

test('with per, a node that has tripped and then lost its capacity stays tripped until it is judged again', () => {
  const bench = new Bench()
  const process = bench.process(42)
  bench.capacity(process, 'fds', 20)
  bench.observe(process, 'fds', 10)
  bench.put(bench.kernel.system, 'fds', 'each', { at: '50%', per: 'process' })
  bench.takeEvents()
  bench.capacity(process, 'fds', Number.POSITIVE_INFINITY)
  bench.observe(process, 'fds', 11)
  expect(bench.takeEvents()).toEqual([])
  bench.capacity(process, 'fds', 100)
  expect(bench.takeEvents()).toEqual(['threshold.cleared /sys/proc/42/fds rearmed'])
})

test('a percentage that was set before the first reading is reported if there turns out to be no capacity', () => {
  const bench = new Bench()
  const process = bench.process(42)
  bench.put(process, 'fds', 'hog', { at: '80%' })
  bench.observe(process, 'fds', 10)
  expect(bench.takeEvents('threshold')).toEqual([])
  bench.capacity(process, 'fds', Number.POSITIVE_INFINITY)
  bench.observe(process, 'fds', 11)
  expect(bench.takeEvents()).toEqual(['threshold.unknown /sys/proc/42/fds it has no finite capacity'])
  bench.capacity(process, 'fds', 100)
  expect(bench.takeEvents()).toEqual(['threshold.known /sys/proc/42/fds'])
})

test('with per, a node without a capacity is skipped, also by a falling percentage', () => {
  const bench = new Bench()
  const process = bench.process(42)
  bench.capacity(process, 'fds', Number.POSITIVE_INFINITY)
  bench.observe(process, 'fds', 10)
  bench.put(bench.kernel.system, 'fds', 'few', { at: '10%', direction: 'falling', per: 'process' })
  bench.observe(process, 'fds', 0)
  expect(bench.takeEvents('threshold')).toEqual([])
})

test('a threshold on any change becomes unknown too', () => {
  const { bench, process, lose } = armed({ on: 'change' })
  lose('EACCES')
  bench.observe(process, 'fds', 11)
  expect(bench.takeEvents()).toEqual([
    'threshold.unknown /sys/proc/42/fds EACCES',
    'threshold.known /sys/proc/42/fds',
    'limit.changed /sys/proc/42/fds',
  ])
})

test('a newborn process that is not read yet makes no threshold of its partition unknown', () => {
  const bench = new Bench()
  bench.process(42, { partition: ['web'] })
  bench.put(bench.kernel.partition(['web'])!, 'fds', 'sum', { at: 100 })
  bench.process(43, { partition: ['web'] })
  expect(bench.takeEvents('threshold')).toEqual([])
})
