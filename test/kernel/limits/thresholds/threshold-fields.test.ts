/** The fields of a threshold beyond its trip point: any change, durations, filters; and the switches of limits. */

import { describe, expect, test } from 'vitest'
import { KernelError } from '../../../../src/kernel/errno.ts'
import { checkWatches, thresholdsMax, watchesMax } from '../../../../src/kernel/limits/maxima.ts'
import { limitIndex } from '../../../../src/kernel/limits/table.ts'
import type { ThresholdDefinition } from '../../../../src/kernel/limits/thresholds/threshold.ts'
import { globMatches } from '../../../../src/kernel/limits/thresholds/where.ts'
import type { Node } from '../../../../src/kernel/nodes/node.ts'
import * as seen from '../../../../src/kernel/observations.ts'
import * as measured from '../../../../src/kernel/observed-usage.ts'
import type { ModelProcess } from '../../../../src/model/objects/model-process.ts'
import { exportState, importState } from '../../../../src/model/state/state.ts'
import { World } from '../../../model/world.ts'
import { Bench, defaults } from '../../support.ts'

const put = (
  world: World,
  node: Node,
  limit: keyof typeof limitIndex,
  definition: Partial<ThresholdDefinition>,
  name = 'x',
) =>
  world.kernel.notifier.put(node, limitIndex[limit], name, { definition: { ...defaults, ...definition }, owner: null })

const channel = (world: World, process: ModelProcess): void => {
  world.call(world.thread(process), 'ChannelCreate', {})
}

/** Destroys the first channel of the process. */
const noChannel = (world: World, process: ModelProcess): void => {
  const [chid] = process.channels.keys()
  world.call(world.thread(process), 'ChannelDestroy', { chid: chid! })
}

const changes = (world: World) => {
  const events = world.events.filter(({ type }) => type === 'limit.changed')
  world.events = []
  return events.map(({ at, subject, data }) => ({
    at,
    subject,
    from: data.from,
    value: data.value,
    changes: data.changes,
  }))
}

describe('on any change', () => {
  test('without `every` each birth and each death is one event', () => {
    const world = new World()
    put(world, world.kernel.system, 'processes', { on: 'change' })
    world.spawn('one')
    const two = world.spawn('two')
    world.call(world.thread(two), 'exit', {})
    expect(changes(world).map(({ from, value, changes: count }) => [from, value, count])).toEqual([
      [0, 1, 1],
      [1, 2, 1],
      [2, 1, 1],
    ])
  })

  test('one birth and one death within `every` are one event of two changes, when that time is over', () => {
    const world = new World()
    world.spawn('first')
    put(world, world.kernel.system, 'processes', { on: 'change', every: '100ms' })
    world.spawn('reported at once')
    expect(changes(world)).toEqual([{ at: 0, subject: '/sys/processes', from: 1, value: 2, changes: 1 }])
    world.pass(10)
    const brief = world.spawn('brief')
    world.pass(10)
    world.call(world.thread(brief), 'exit', {})
    world.pass(79)
    expect(changes(world)).toEqual([])
    world.pass(1)
    expect(changes(world)).toEqual([{ at: 100, subject: '/sys/processes', from: 2, value: 2, changes: 2 }])
    world.pass(1_000)
    expect(changes(world)).toEqual([])
  })

  test('a birth and a death in one change count as two changes', () => {
    const bench = new Bench()
    bench.put(bench.kernel.system, 'processes', 'any', { on: 'change' })
    bench.at(() => {
      const birth = { pid: 1, identity: 'x', started: 0, name: 'p', parentProcess: null, executable: null, uid: 0 }
      const process = seen.processAppeared(bench.kernel, { ...birth, container: bench.kernel.system })
      bench.kernel.processes.delete(1)
      bench.kernel.processes.set(1, process)
      bench.kernel.usage.charge(bench.kernel.system, limitIndex.processes, -1)
    })
    expect(bench.events.filter(({ type }) => type === 'limit.changed').map(({ data }) => data.changes)).toEqual([2])
  })

  test('`delta` is compared with the last reported value', () => {
    const bench = new Bench()
    const process = bench.process(1)
    bench.observe(process, 'fds', 10)
    bench.put(process, 'fds', 'any', { on: 'change', delta: 5 })
    for (const value of [14, 12, 15, 19, 11, 10]) bench.observe(process, 'fds', value)
    const events = bench.events.filter(({ type }) => type === 'limit.changed')
    expect(events.map(({ data }) => [data.from, data.value, data.changes])).toEqual([
      [10, 15, 3],
      [15, 10, 3],
    ])
  })

  test('the first reading is no change, and neither is the same value after an unreadable one', () => {
    const bench = new Bench()
    const process = bench.process(1)
    bench.put(process, 'fds', 'any', { on: 'change' })
    bench.observe(process, 'fds', 5)
    bench.at(() => measured.unreadable(bench.kernel, process, 'fds', 'denied'))
    bench.observe(process, 'fds', 5)
    expect(bench.takeEvents('limit')).toEqual([])
    bench.at(() => measured.unreadable(bench.kernel, process, 'fds', 'denied'))
    bench.observe(process, 'fds', 6)
    expect(bench.takeEvents('limit')).toEqual(['limit.changed /sys/proc/1/fds'])
  })

  test('a process that moves is no change for the containers it stays in', () => {
    const bench = new Bench()
    const process = bench.process(1, { partition: ['a', 'b'] })
    bench.thread(process, 1)
    bench.observe(process, 'fds', 5)
    const { system } = bench.kernel
    for (const limit of ['processes', 'threads', 'fds'] as const) {
      bench.put(system, limit, 'any', { on: 'change' })
      bench.put(bench.kernel.partition(['a'])!, limit, 'any', { on: 'change' })
      bench.put(system, limit, 'each', { on: 'change', per: 'partition' })
    }
    const to = bench.at(() => seen.partitionAppeared(bench.kernel, ['a', 'c']))
    bench.takeEvents()
    bench.at(() => seen.processMoved(bench.kernel, process, to))
    expect(bench.takeEvents('limit').sort()).toEqual(
      ['b', 'c'].flatMap((name) =>
        ['fds', 'processes', 'threads'].map((limit) => `limit.changed /sys/part/a/part/${name}/${limit}`),
      ),
    )
  })

  test('`once` emits one event until it is put again', () => {
    const world = new World()
    const once = { on: 'change', once: true } as const
    put(world, world.kernel.system, 'processes', once)
    for (const name of ['a', 'b']) world.spawn(name)
    expect(changes(world).map(({ value }) => value)).toEqual([1])
    expect(put(world, world.kernel.system, 'processes', once).created).toBe(false)
    for (const name of ['c', 'd']) world.spawn(name)
    expect(changes(world).map(({ from, value }) => [from, value])).toEqual([[2, 3]])
  })
})

describe('for', () => {
  const tripped = (world: World) => {
    const events = world.events.filter(({ type }) => type.startsWith('threshold.'))
    world.events = []
    return events.map(({ type, at, data }) => [
      type.slice('threshold.'.length),
      at,
      data.value,
      data.initial ?? data.reason,
    ])
  }

  test('a value that stays past the point for the whole duration trips then, and not a ms earlier', () => {
    const world = new World()
    const process = world.spawn('p')
    put(world, process, 'channels', { at: 1, for: '500ms' })
    world.pass(100)
    channel(world, process)
    world.pass(499)
    expect(tripped(world)).toEqual([])
    world.pass(1)
    expect(tripped(world)).toEqual([['tripped', 600, 1, false]])
    noChannel(world, process)
    expect(tripped(world)).toEqual([['cleared', 600, 0, 'rearmed']])
  })

  test('a process that ends at the very moment of tripping does not trip', () => {
    const world = new World()
    const process = world.spawn('p')
    const thread = world.thread(process)
    put(world, process, 'channels', { at: 1, for: '500ms' })
    channel(world, process)
    // This timer is set after the threshold, for the same ms.
    const { timerid } = world.call(thread, 'TimerCreate', { notify: { signal: 'SIGTERM' } }) as { timerid: number }
    world.call(thread, 'TimerSettime', { timerid, after: 500 })
    world.pass(1_000)
    expect([world.machine.processes.find(process.pid), tripped(world)]).toEqual([null, []])
  })

  test('a value that returns meanwhile starts the duration again', () => {
    const world = new World()
    const process = world.spawn('p')
    put(world, process, 'channels', { at: 1, for: '500ms' })
    channel(world, process)
    world.pass(300)
    noChannel(world, process)
    channel(world, process)
    world.pass(499)
    expect(tripped(world)).toEqual([])
    world.pass(1)
    expect(tripped(world)).toEqual([['tripped', 800, 1, false]])
  })

  test('a value already past the point trips as `initial` when the duration is over', () => {
    const world = new World()
    const process = world.spawn('p')
    channel(world, process)
    const { threshold } = put(world, process, 'channels', { at: 1, for: '1s' })
    expect([...threshold.watches.values()].map(({ state }) => state)).toEqual(['armed'])
    world.pass(1_000)
    expect(tripped(world)).toEqual([['tripped', 1_000, 1, true]])
  })

  test('an unknown value ends the duration', () => {
    const bench = new Bench()
    const process = bench.process(1)
    bench.observe(process, 'fds', 5)
    bench.put(process, 'fds', 'x', { at: 1, for: '1s' })
    bench.at(() => measured.unreadable(bench.kernel, process, 'fds', 'denied'))
    expect(bench.kernel.notifier.nextAt()).toBe(null)
  })

  test('the death of the process and the deletion of the threshold end the wait silently', () => {
    const world = new World()
    const process = world.spawn('p')
    const other = world.spawn('q')
    channel(world, process)
    channel(world, other)
    put(world, process, 'channels', { at: 1, for: '1s' })
    const { threshold } = put(world, other, 'channels', { at: 1, for: '1s' })
    world.call(world.thread(process), 'exit', {})
    world.kernel.notifier.delete(threshold)
    expect(world.machine.nextAt()).toBe(null)
    world.pass(2_000)
    expect(tripped(world)).toEqual([])
  })
})

describe('ttl', () => {
  test('a threshold is removed when its time is over, and cleared as `expired` if it is tripped', () => {
    const world = new World()
    const [process, other] = [world.spawn('p'), world.spawn('q')]
    channel(world, process)
    put(world, world.kernel.system, 'channels', { at: 1, per: 'process', ttl: '1h' })
    world.takeEvents()
    world.pass(3_600_000 - 1)
    expect(world.kernel.notifier.size).toBe(1)
    world.pass(1)
    expect(world.takeEvents()).toEqual([`threshold.cleared ${process.path}/channels expired`])
    expect(world.kernel.notifier.size).toBe(0)
    channel(world, other)
    expect(world.takeEvents('threshold')).toEqual([])
    expect(process.guards).toBe(null)
  })

  test('a put without changes restarts the time, and a put with changes applies the new time', () => {
    const world = new World()
    const process = world.spawn('p')
    put(world, process, 'channels', { at: 1, ttl: '1s' })
    world.pass(900)
    expect(put(world, process, 'channels', { at: 1, ttl: '1s' }).created).toBe(false)
    world.pass(999)
    expect(world.kernel.notifier.size).toBe(1)
    put(world, process, 'channels', { at: 1, ttl: null })
    world.pass(10_000)
    expect(world.kernel.notifier.size).toBe(1)
  })
})

describe('the filter `where`', () => {
  const where = (some: Partial<NonNullable<ThresholdDefinition['where']>>) => ({
    name: null,
    uid: null,
    partition: null,
    ...some,
  })

  test.each([
    ['httpd*', 'httpd', true],
    ['httpd*', 'httpd-worker', true],
    ['httpd*', 'xhttpd', false],
    ['*', '', true],
    ['', '', true],
    ['?', '', false],
    ['a?c', 'abc', true],
    ['*a*b', 'xxaxxb', true],
    ['*a*b', 'xxaxxbc', false],
    ['a*b*c', 'abbbc', true],
    ['[ab]', 'a', false],
    ['a.c', 'abc', false],
  ])('the pattern %j matches the name %j: %s', (pattern, name, is) => {
    expect(globMatches(pattern, name)).toBe(is)
  })

  test('a pattern of many stars is matched quickly', () => {
    expect(globMatches(`${'*a'.repeat(60)}b`, 'a'.repeat(10_000))).toBe(false)
  })

  test('an exec that leaves the filter clears as `filtered` before its own event; one that enters trips as `initial`', () => {
    const bench = new Bench()
    const process = bench.process(1, { name: 'sh' })
    bench.observe(process, 'fds', 10)
    bench.put(bench.kernel.system, 'fds', 'web', { at: 5, per: 'process', where: where({ name: 'httpd*' }) })
    bench.takeEvents()
    const exec = (name: string) => bench.at(() => seen.processChanged(bench.kernel, process, 'exec', { name }))
    exec('httpd')
    expect(bench.takeEvents()).toEqual(['process.changed /sys/proc/1', 'threshold.tripped /sys/proc/1/fds initial'])
    exec('httpd2')
    expect(bench.takeEvents()).toEqual(['process.changed /sys/proc/1'])
    exec('sh')
    expect(bench.takeEvents()).toEqual(['threshold.cleared /sys/proc/1/fds filtered', 'process.changed /sys/proc/1'])
    bench.observe(process, 'fds', 100)
    expect(bench.takeEvents()).toEqual([])
    expect(process.guards).toBe(null)
  })

  test('matches the base name of the executable, also when it is longer than a name or the program has changed its name', () => {
    const bench = new Bench()
    const { system } = bench.kernel
    const node = bench.process(1, { name: 'MainThread' })
    bench.observe(node, 'fds', 10)
    bench.put(system, 'fds', 'node', { at: 5, per: 'process', where: where({ exe: 'node' }) })
    bench.put(system, 'fds', 'long', { at: 5, per: 'process', where: where({ exe: 'a-very-long-program*' }) })
    expect(bench.takeEvents('threshold')).toEqual([])
    const exec = (executable: string | null) =>
      bench.at(() => seen.processChanged(bench.kernel, node, null, { executable }))
    exec('/usr/local/bin/node')
    expect(bench.takeEvents()).toEqual(['threshold.tripped /sys/proc/1/fds initial'])
    exec('/opt/node/a-very-long-program-name')
    expect(bench.takeEvents()).toEqual([
      'threshold.cleared /sys/proc/1/fds filtered',
      'threshold.tripped /sys/proc/1/fds initial',
    ])
    exec(null)
    expect(bench.takeEvents()).toEqual(['threshold.cleared /sys/proc/1/fds filtered'])
  })

  test('later processes and threads are included, by name, user and partition', () => {
    const bench = new Bench()
    const { system } = bench.kernel
    const { threshold: byName } = bench.put(system, 'fds', 'n', { at: 5, per: 'process', where: where({ name: 'b*' }) })
    const { threshold: byUser } = bench.put(system, 'fds', 'u', { at: 5, per: 'process', where: where({ uid: 7 }) })
    const inWeb = where({ partition: '/sys/part/web' })
    const { threshold: byPart } = bench.put(system, 'stack', 'p', { at: 5, per: 'thread', where: inWeb })
    const { threshold: parts } = bench.put(system, 'fds', 'parts', { at: 5, per: 'partition', where: inWeb })
    const one = bench.process(1, { name: 'bash', partition: ['web', 'a'] })
    const two = bench.process(2, { name: 'cat', partition: ['webs'] })
    for (const process of [one, two]) bench.thread(process, process.pid)
    const paths = ({ watches }: typeof byName) => [...watches.keys()].map(({ path }) => path)
    expect(paths(byName)).toEqual(['/sys/proc/1'])
    expect(paths(byUser)).toEqual([])
    expect(paths(byPart)).toEqual(['/sys/proc/1/thread/1'])
    expect(paths(parts)).toEqual(['/sys/part/web', '/sys/part/web/part/a'])
    bench.at(() => seen.processChanged(bench.kernel, two, 'uid', { uid: 7 }))
    expect(paths(byUser)).toEqual(['/sys/proc/2'])
    bench.at(() => seen.processMoved(bench.kernel, two, bench.kernel.partition(['web'])!))
    bench.at(() => seen.processMoved(bench.kernel, one, system))
    expect(paths(byPart)).toEqual(['/sys/proc/2/thread/2'])
  })
})

describe('a definition that contradicts itself', () => {
  test.each([
    [{}, 'at'],
    [{ at: 1, every: '1s' }, 'every'],
    [{ at: 1, delta: 2 }, 'delta'],
    [{ on: 'change', at: 1 }, 'at'],
    [{ on: 'change', rearm: 1 }, 'rearm'],
    [{ on: 'change', for: '1s' }, 'for'],
    [{ on: 'change', direction: 'falling' }, 'direction'],
    [{ on: 'change', delta: 0 }, 'delta'],
    [{ at: 1, for: '0ms' }, 'for'],
    [{ at: 1, ttl: '999999999h' }, 'ttl'],
    [{ at: 1, where: { name: 'a', uid: null, partition: null } }, 'where'],
    [{ at: 1, per: 'partition', where: { name: 'a', uid: null, partition: null } }, 'where'],
    [{ at: 1, per: 'process', where: { name: null, uid: null, partition: 'web' } }, 'where/partition'],
  ] as const)('%j is refused for its %s', (definition, field) => {
    const bench = new Bench()
    try {
      bench.put(bench.kernel.system, 'fds', 'x', definition)
      expect.fail('it was taken')
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      expect([error.errno, error.field]).toEqual(['EINVAL', field])
    }
    expect(bench.kernel.notifier.size).toBe(0)
  })
})

describe('a limit that is switched off', () => {
  test('clears its thresholds as `disabled` and needs no guard; switched on, it is evaluated as if just put', () => {
    const bench = new Bench()
    const { system, notifier } = bench.kernel
    const [one, two] = [bench.process(1), bench.process(2)]
    for (const process of [one, two]) bench.observe(process, 'fds', 10)
    bench.put(system, 'fds', 'each', { at: 10, per: 'process' })
    bench.put(system, 'threads', 'few', { at: 1 })
    bench.takeEvents()
    notifier.switch(limitIndex.fds, false)
    const places = ['/sys/proc/1/fds', '/sys/proc/2/fds']
    expect(bench.takeEvents()).toEqual(places.map((place) => `threshold.cleared ${place} disabled`))
    expect([one.guards, two.guards, system.guards?.length]).toEqual([null, null, 1])
    expect([notifier.isArmed(limitIndex.fds), notifier.isArmed(limitIndex.threads)]).toEqual([false, true])
    bench.observe(bench.process(3), 'fds', 10)
    bench.thread(one, 1)
    expect(bench.takeEvents('threshold')).toEqual(['threshold.tripped /sys/threads'])
    notifier.switch(null, false)
    expect(bench.takeEvents()).toEqual(['threshold.cleared /sys/threads disabled'])
    notifier.switch(limitIndex.fds, true)
    expect(bench.takeEvents()).toEqual([])
    notifier.switch(null, true)
    expect(bench.takeEvents()).toEqual([
      ...[...places, '/sys/proc/3/fds', '/sys/threads'].map((place) => `threshold.tripped ${place} initial`),
    ])
    notifier.switch(null, true)
    expect(bench.takeEvents()).toEqual([])
  })

  test('accepts puts, changes and deletions of thresholds, lets them expire, and trips none that waits', () => {
    const world = new World()
    const process = world.spawn('p')
    const { notifier } = world.kernel
    channel(world, process)
    put(world, process, 'channels', { at: 1, for: '10ms' }, 'waits')
    notifier.switch(null, false)
    const { threshold } = put(world, process, 'channels', { at: 1 }, 'deleted')
    put(world, process, 'channels', { at: 1 }, 'changed')
    put(world, process, 'channels', { at: 2 }, 'changed')
    put(world, world.kernel.system, 'channels', { at: 1, ttl: '5ms' }, 'expires')
    notifier.delete(threshold)
    world.pass(100)
    expect(notifier.size).toBe(2)
    world.call(world.thread(process), 'exit', {})
    expect([notifier.size, world.takeEvents('threshold')]).toEqual([0, []])
  })
})

test('a preview shows the watches that a put would trip now, and sets and emits nothing', () => {
  const bench = new Bench()
  const { system, notifier } = bench.kernel
  for (const [pid, value] of [
    [1, 9],
    [2, 10],
  ] as const)
    bench.observe(bench.process(pid), 'fds', value)
  bench.process(3)
  bench.takeEvents()
  const request = { definition: { ...defaults, at: 10, per: 'process' }, owner: null } as const
  const { watches } = notifier.preview(system, limitIndex.fds, 'x', request)
  expect([...watches.values()].map(({ node, state }) => [node.path, state])).toEqual([
    ['/sys/proc/1', 'armed'],
    ['/sys/proc/2', 'tripped'],
    ['/sys/proc/3', 'unknown'],
  ])
  expect([bench.takeEvents(), notifier.size, bench.kernel.processes.get(2)!.guards]).toEqual([[], 0, null])
  expect(() => notifier.preview(system, limitIndex.channels, 'x', request)).toThrow('cannot be measured here')
})

test('a threshold per partition below a partition includes nested and later partitions', () => {
  const bench = new Bench()
  const process = bench.process(1, { partition: ['a', 'b', 'c'] })
  bench.process(2, { partition: ['z'] })
  bench.observe(process, 'fds', 5)
  const { threshold } = bench.put(bench.kernel.partition(['a'])!, 'fds', 'x', { at: 5, per: 'partition' })
  const paths = () => [...threshold.watches.keys()].map(({ path }) => path)
  expect(paths()).toEqual(['/sys/part/a/part/b', '/sys/part/a/part/b/part/c'])
  expect(bench.takeEvents('threshold')).toEqual([
    'threshold.tripped /sys/part/a/part/b/part/c/fds initial',
    'threshold.tripped /sys/part/a/part/b/fds initial',
  ])
  const later = bench.process(3, { partition: ['a', 'later'] })
  expect(paths()).toContain('/sys/part/a/part/later')
  bench.observe(later, 'fds', 5)
  expect(bench.takeEvents('threshold')).toEqual(['threshold.tripped /sys/part/a/part/later/fds'])
  bench.at(() => seen.processEnded(bench.kernel, later, { code: 0, signal: null }))
  bench.at(() => seen.partitionEnded(bench.kernel, bench.kernel.partition(['a', 'later'])!))
  expect(bench.takeEvents()).toEqual([
    'process.died /sys/proc/3',
    'threshold.cleared /sys/part/a/part/later/fds rearmed',
    'partition.died /sys/part/a/part/later',
  ])
})

test('thresholds of a removed partition wait: what is tripped there is cleared as `gone`', () => {
  const world = new World()
  const partition = world.machine.putPartition(['a'], {})
  put(world, partition, 'processes', { at: 0, direction: 'falling' }, 'own')
  put(world, world.kernel.system, 'processes', { at: 0, direction: 'falling', per: 'partition' }, 'each')
  put(world, partition, 'processes', { on: 'change', every: '1s', ttl: '1h' }, 'any')
  expect(world.takeEvents('threshold')).toEqual(Array(2).fill('threshold.tripped /sys/part/a/processes'))
  world.machine.removePartition(partition)
  expect(world.takeEvents()).toEqual([
    'threshold.cleared /sys/part/a/processes gone',
    'threshold.cleared /sys/part/a/processes died',
    'partition.died /sys/part/a',
  ])
  expect(world.kernel.notifier.size).toBe(3)
  world.machine.putPartition(['a'], {})
  expect(world.takeEvents('threshold')).toEqual(Array(2).fill('threshold.tripped /sys/part/a/processes'))
  // The end of its `ttl` did not wait.
  expect(world.machine.nextAt()).not.toBeNull()
})

test(`${thresholdsMax} thresholds at once: one more is refused, one counter passes them all, and all switch off`, () => {
  const bench = new Bench()
  const process = bench.process(1)
  bench.observe(process, 'fds', 0)
  for (let at = 1; at <= thresholdsMax; at++) bench.put(process, 'fds', `t${at}`, { at })
  expect(() => bench.put(process, 'fds', 'more', { at: 1 })).toThrow(`there are ${thresholdsMax} thresholds already`)
  bench.takeEvents()
  for (let value = 1; value <= 10; value++) bench.observe(process, 'fds', value)
  expect(bench.takeEvents().length).toBe(10)
  bench.observe(process, 'fds', thresholdsMax)
  expect(bench.takeEvents().length).toBe(thresholdsMax - 10)
  bench.kernel.notifier.switch(null, false)
  expect(bench.takeEvents().length).toBe(thresholdsMax)
  expect(process.guards).toBe(null)
}, 60_000)

test('a state saved with every kind of wait emits the same events after it is loaded', () => {
  const world = new World()
  const process = world.spawn('p')
  put(world, process, 'channels', { at: 1, for: '100ms', ttl: '1s' }, 'for')
  put(world, world.kernel.system, 'processes', { on: 'change', every: '100ms' }, 'any')
  world.kernel.notifier.switch(limitIndex.fds, false)
  put(world, process, 'fds', { at: 0 }, 'off')
  channel(world, process)
  for (const name of ['a', 'b', 'c']) world.spawn(name)
  world.pass(50)
  const { machine, kernel } = importState(JSON.parse(JSON.stringify(exportState(world.machine))))
  const events: unknown[] = []
  kernel.onEvent((event) => events.push(event))
  world.events = []
  for (const each of [world.machine, machine]) each.advance(2_000)
  expect(events).toEqual(world.events)
  expect(world.takeEvents()).toEqual([
    `threshold.tripped ${process.path}/channels`,
    'limit.changed /sys/processes',
    `threshold.cleared ${process.path}/channels expired`,
  ])
})

test('a put that would watch too many nodes is refused', () => {
  const node = new Bench().process(1)
  expect(() => checkWatches(watchesMax - 1, [node])).not.toThrow()
  expect(() => checkWatches(watchesMax, [node])).toThrow(`${watchesMax} are the most that thresholds may watch`)
})
