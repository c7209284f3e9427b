/** Tests setrlimit of the model. */

import { describe, expect, test } from 'vitest'
import { World } from '../world.ts'

describe('setrlimit', () => {
  test('sets the soft limit as the capacity of the resource', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    const capacities = {
      as: ['address-space', 8192],
      cpu: ['cpu-time', 8192 * 1e6],
      data: ['data-pages', 2],
      nofile: ['fds', 8192],
      nproc: ['children', 8192],
      nthr: ['threads', 8192],
      rss: ['memory', 8192],
    } as const
    world.call(main, 'setrlimit', { rlimit: 'nofile', soft: 8192, hard: 8192 })
    for (const [rlimit, [limit, capacity]] of Object.entries(capacities)) {
      world.call(main, 'setrlimit', { rlimit: rlimit as keyof typeof capacities, soft: 8192 })
      expect([rlimit, world.machine.pools.capacity(main.parent, limit)]).toEqual([rlimit, capacity])
    }
    world.call(main, 'setrlimit', { rlimit: 'as', soft: null, hard: null })
    expect(world.machine.pools.capacity(main.parent, 'address-space')).toBe(Number.POSITIVE_INFINITY)
  })

  test('refuses a soft limit above the hard one, below the usage or below the minimum', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    world.more(main.parent)
    expect(world.call(main, 'setrlimit', { rlimit: 'nofile', soft: 1001 })).toBe('EINVAL')
    expect(world.call(main, 'setrlimit', { rlimit: 'nofile', soft: 99 })).toBe('EINVAL')
    expect(world.call(main, 'setrlimit', { rlimit: 'nthr', soft: 1 })).toBe('EINVAL')
    expect(world.call(main, 'setrlimit', { rlimit: 'nthr', soft: 2 })).toEqual({})
    for (let fd = 0; fd < 150; fd++) world.machine.call(1, 1, { name: 'open', args: { path: '/f' } })
    expect(world.call(main, 'setrlimit', { rlimit: 'nofile', soft: 149 })).toBe('EINVAL')
    expect(world.call(main, 'setrlimit', { rlimit: 'nofile', soft: 150 })).toEqual({})
  })

  test('refuses fsize and memlock, which QNX Neutrino does not support', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    for (const rlimit of ['fsize', 'memlock'] as const)
      expect(world.call(main, 'setrlimit', { rlimit, soft: null })).toBe('EINVAL')
  })

  test('lets only user 0 raise a hard limit, and every user lower it', () => {
    const world = new World()
    const [root, user] = [world.thread(world.spawn('root')), world.thread(world.spawn('user', { uid: 1000 }))]
    expect(world.call(user, 'setrlimit', { rlimit: 'nofile', soft: 500, hard: 600 })).toEqual({})
    expect(world.call(user, 'setrlimit', { rlimit: 'nofile', soft: 500, hard: 601 })).toBe('EPERM')
    expect(world.call(root, 'setrlimit', { rlimit: 'nofile', soft: 2000, hard: 2000 })).toEqual({})
  })

  test('limits a new process to 1,000 descriptors and leaves all other resources unlimited', () => {
    const world = new World()
    const { rlimits } = world.spawn('p')
    for (const [name, rlimit] of Object.entries(rlimits)) {
      const most = name === 'nofile' ? 1000 : Number.POSITIVE_INFINITY
      expect([name, rlimit]).toEqual([name, { soft: most, hard: most }])
    }
  })

  test('sends SIGXCPU again when another limit is passed', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    world.call(main, 'SignalAction', { signal: 'SIGXCPU', action: 'handle' })
    world.call(main, 'setrlimit', { rlimit: 'cpu', soft: 1 })
    world.call(main, 'compute', { us: 1e6 })
    expect(main.parent.overCpu).toBe(true)
    world.call(main, 'setrlimit', { rlimit: 'cpu', soft: 2 })
    expect(main.parent.overCpu).toBe(false)
    world.call(main, 'SignalAction', { signal: 'SIGXCPU', action: 'default' })
    world.call(main, 'compute', { us: 1e6 })
    expect(world.events.at(-1)).toMatchObject({ type: 'process.died', data: { signal: 'SIGXCPU' } })
  })
})
