/** Tests how kernel calls change the usage of limits, and how pools refuse calls. */

import { describe, expect, test } from 'vitest'
import { type LimitName, limitIndex } from '../../../src/kernel/limits/table.ts'
import type { KernelCall } from '../../../src/model/calls/table.ts'
import { poolNames } from '../../../src/model/pools.ts'
import { defaults } from '../../kernel/support.ts'
import { World } from '../world.ts'
import { movements, page } from './movements.ts'

/** A process in a partition of a partition, and what of a limit is used there and in all containers. */
function nested() {
  const world = new World()
  const inner = world.machine.putPartition(['outer', 'inner'], {})
  const outer = world.kernel.partition(['outer'])!
  const elsewhere = world.machine.putPartition(['elsewhere'], {})
  const process = world.spawn('p', { container: inner })
  const nodes = { process, inner, outer, elsewhere, system: world.kernel.system }
  const usage = (limit: LimitName) =>
    Object.fromEntries(
      // Ended nodes are not counted.
      Object.entries(nodes).flatMap(([name, node]) => (node.slot < 0 ? [] : [[name, world.usage(node, limit)]])),
    )
  const run = (calls: readonly KernelCall[]) => {
    for (const call of calls) expect(world.machine.call(process.pid, 1, call)).toHaveProperty('returned')
  }
  return { world, process, inner, outer, elsewhere, usage, run }
}

describe('a limit', () => {
  for (const [limit, { by, up, down }] of Object.entries(movements) as [LimitName, (typeof movements)['fds'] & {}][]) {
    test(`${limit} rises and falls with its resource at every level, and falls when the process ends`, () => {
      const { world, process, elsewhere, usage, run } = nested()
      const before = usage(limit)
      const base = before.process!
      const risen = { process: base + by, inner: base + by, outer: base + by, elsewhere: 0, system: base + by }
      run(up)
      expect(usage(limit)).toEqual(risen)
      run(down)
      expect(usage(limit)).toEqual(before)
      run(limit === 'connections' || limit === 'server-ids' ? up.slice(1) : up.slice(-1))
      world.machine.move(process, elsewhere)
      expect(usage(limit)).toEqual({ ...risen, inner: 0, outer: 0, elsewhere: risen.process })
      world.machine.move(process, world.kernel.system)
      expect(usage(limit)).toEqual({ ...risen, inner: 0, outer: 0 })
      world.machine.move(process, elsewhere)
      world.machine.call(process.pid, 1, { name: 'exit', args: {} })
      expect(usage(limit)).toMatchObject({ inner: 0, outer: 0, elsewhere: 0, system: 0 })
    })
  }

  test('processes counts living processes in their partition and above', () => {
    const { world, process, elsewhere, usage } = nested()
    world.machine.call(process.pid, 1, { name: 'spawn', args: { name: 'child' } })
    expect(usage('processes')).toMatchObject({ inner: 2, outer: 2, elsewhere: 0, system: 2 })
    world.machine.move(process, elsewhere)
    expect(usage('processes')).toMatchObject({ inner: 1, outer: 1, elsewhere: 1, system: 2 })
    world.machine.call(2, 1, { name: 'exit', args: {} })
    expect(usage('processes')).toMatchObject({ inner: 0, outer: 0, elsewhere: 1, system: 1 })
  })

  test('cpu-time stays in the sums of the containers where it was used after a process moves or ends', () => {
    const { world, process, elsewhere, usage, run } = nested()
    run([{ name: 'compute', args: { us: 100 } }])
    world.machine.move(process, elsewhere)
    run([{ name: 'compute', args: { us: 10 } }])
    const expected = { process: 110, inner: 100, outer: 100, elsewhere: 10, system: 110 }
    expect(usage('cpu-time')).toEqual(expected)
    run([{ name: 'exit', args: {} }])
    const { process: _, ...left } = expected
    expect(usage('cpu-time')).toEqual(left)
  })

  test('cpu moves with the process, and expires a second after its use', () => {
    const { world, process, elsewhere, usage, run } = nested()
    run([{ name: 'compute', args: { us: 100_000 } }])
    world.machine.move(process, elsewhere)
    expect(usage('cpu')).toEqual({ process: 100, inner: 0, outer: 0, elsewhere: 100, system: 100 })
    world.pass(1000)
    expect(usage('cpu')).toEqual({ process: 0, inner: 0, outer: 0, elsewhere: 0, system: 0 })
  })

  test('memory-free is the unused part of the memory pool, and changes when a process moves', () => {
    const { world, process, elsewhere, usage, run } = nested()
    world.machine.putPartition(['outer'], { memory: 100 * page })
    world.machine.putPartition(['elsewhere'], { memory: 50 * page })
    run([{ name: 'mmap', args: { pages: 9 } }])
    const machine = 16 * 2 ** 30
    expect(usage('memory-free')).toMatchObject({ outer: 90 * page, elsewhere: 50 * page, system: machine - 10 * page })
    world.machine.move(process, elsewhere)
    expect(usage('memory-free')).toMatchObject({ outer: 100 * page, elsewhere: 40 * page, system: machine - 10 * page })
    world.machine.putPartition(['elsewhere'], { memory: 5 * page })
    expect(usage('memory-free').elsewhere).toBe(0)
    run([{ name: 'exit', args: {} }])
    expect(usage('memory-free')).toMatchObject({ outer: 100 * page, elsewhere: 5 * page, system: machine })
  })

  test('server-ids falls when the client ends, not when the server ends', () => {
    const { world, process, usage, run } = nested()
    run([{ name: 'ChannelCreate', args: {} }])
    const client = world.thread(world.spawn('client'))
    world.call(client, 'ConnectAttach', { pid: process.pid, chid: 1 })
    expect(usage('server-ids')).toMatchObject({ process: 1, inner: 1, system: 1 })
    expect(usage('connections')).toMatchObject({ process: 0, system: 1 })
    world.call(client, 'exit', {})
    expect(usage('server-ids')).toMatchObject({ process: 0, inner: 0, system: 0 })
    expect(usage('connections')).toMatchObject({ process: 0, system: 0 })
  })
})

describe('a pool', () => {
  test('refuses usage beyond it, at any level above, with the errno of the limit', () => {
    const errnos = {
      'address-space': 'ENOMEM',
      channels: 'EAGAIN',
      connections: 'EAGAIN',
      'data-pages': 'ENOMEM',
      fds: 'EMFILE',
      memlock: 'ENOMEM',
      memory: 'ENOMEM',
      'server-ids': 'EAGAIN',
      signals: 'EAGAIN',
      stack: 'ENOMEM',
      'stack-size': 'ENOMEM',
      threads: 'EAGAIN',
      timers: 'EAGAIN',
    } as const
    for (const names of [['outer', 'inner'], ['outer']])
      for (const [limit, errno] of Object.entries(errnos) as [keyof typeof errnos, string][]) {
        const { world, process, usage, run } = nested()
        const { by, up } = movements[limit]!
        run(up.slice(0, -1))
        const room = limit === 'server-ids' ? 0 : usage(limit).process! + (limit === 'connections' ? 0 : by - 1)
        world.machine.putPartition(names, { [limit]: room })
        const last = limit === 'server-ids' ? { name: 'ConnectAttach', args: { pid: 0, chid: 2 } } : up.at(-1)!
        if (limit === 'server-ids') run([{ name: 'ChannelCreate', args: {} }])
        const { name, args } = last as KernelCall
        expect([limit, world.call(world.thread(process), name, args)]).toEqual([limit, errno])
      }
  })

  test('can be set exactly for the limits at which a call can be refused', () => {
    expect(new Set(poolNames)).toEqual(new Set([...Object.keys(movements), 'processes'].filter((x) => x !== 'mutexes')))
  })

  test('set below the present usage refuses only new usage', () => {
    const { world, process } = nested()
    const main = world.thread(process)
    world.call(main, 'ChannelCreate', {})
    world.call(main, 'ChannelCreate', {})
    world.machine.putPartition(['outer'], { channels: 1 })
    expect(world.call(main, 'ChannelCreate', {})).toBe('EAGAIN')
    world.call(main, 'ChannelDestroy', { chid: 2 })
    expect(world.call(main, 'ChannelCreate', {})).toBe('EAGAIN')
    world.call(main, 'ChannelDestroy', { chid: 1 })
    expect(world.call(main, 'ChannelCreate', {})).toEqual({ chid: 1 })
  })

  test('is checked for the whole usage of a process that moves into its container, and only then', () => {
    for (const [limit, { up }] of Object.entries(movements) as [LimitName, (typeof movements)['fds'] & {}][]) {
      if (limit === 'mutexes' || limit === 'file-size') continue
      const { world, process, inner, elsewhere, usage, run } = nested()
      run(up)
      world.machine.putPartition(['elsewhere'], { [limit]: usage(limit).process! - 1 })
      const before = JSON.stringify(usage(limit))
      expect(() => world.machine.move(process, elsewhere)).toThrow(`/sys/part/elsewhere/${limit} is at most`)
      expect([process.container, JSON.stringify(usage(limit))]).toEqual([inner, before])
      world.machine.putPartition(['elsewhere'], { [limit]: usage(limit).process! })
      world.machine.move(process, elsewhere)
      expect(process.container).toBe(elsewhere)
    }
    const { world, process, outer } = nested()
    world.machine.putPartition(['outer'], { threads: 0, processes: 0, memory: 0 })
    world.machine.move(process, outer)
    expect(process.container).toBe(outer)
  })

  test('can be exhausted for every process of the machine by a single one', () => {
    const world = new World({ processes: 3, channels: 2, threads: 5 })
    const [hog, other] = [world.thread(world.spawn('hog')), world.thread(world.spawn('other'))]
    world.call(hog, 'ChannelCreate', {})
    world.call(hog, 'ChannelCreate', {})
    expect(world.call(other, 'ChannelCreate', {})).toBe('EAGAIN')
    world.call(hog, 'spawn', { name: 'third' })
    expect(world.call(other, 'spawn', { name: 'fourth' })).toBe('EAGAIN')
    expect(() => world.spawn('fourth')).toThrow('/sys/processes is at most 3 count')
    world.call(other, 'kill', { pid: hog.parent.pid, signal: 'SIGKILL' })
    expect(world.call(other, 'ChannelCreate', {})).toEqual({ chid: 1 })
  })
})

describe('a sum', () => {
  test('counts processes correctly in nested partitions, wherever the next one is created', () => {
    const world = new World()
    const inner = world.machine.putPartition(['a', 'b', 'c'], {})
    const read = () => {
      const nodes = [
        world.kernel.system,
        ...['a', 'a b', 'a b c'].map((names) => world.kernel.partition(names.split(' '))!),
      ]
      return nodes.map((node) => world.kernel.notifier.read(node, limitIndex.processes).value)
    }
    world.spawn('p')
    world.spawn('q', { container: inner })
    world.spawn('r', { container: world.kernel.partition(['a'])! })
    world.spawn('s')
    expect(read()).toEqual([4, 2, 1, 1])
  })

  test('over threads returns to zero and clears its threshold when the last process of a partition ends', () => {
    const world = new World()
    const partition = world.machine.putPartition(['a'], {})
    const process = world.spawn('p', { container: partition })
    world.kernel.notifier.put(partition, limitIndex.mutexes, 'any', {
      definition: { ...defaults, at: 1 },
      owner: null,
    })
    world.call(world.thread(process), 'SyncMutexLock', { mutex: 'm' })
    world.takeEvents()
    world.call(world.thread(process), 'exit', {})
    expect(world.takeEvents('threshold')).toEqual(['threshold.cleared /sys/part/a/mutexes rearmed'])
    expect(world.kernel.notifier.read(partition, limitIndex.mutexes).value).toBe(0)
  })
})
