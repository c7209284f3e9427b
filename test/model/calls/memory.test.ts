/** Tests memory and stacks of the model. */

import { describe, expect, test } from 'vitest'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { state, World } from '../world.ts'

const page = 4096

function one(): { world: World; main: ModelThread; usage: (...limits: Parameters<World['usage']>[1][]) => number[] } {
  const world = new World()
  const main = world.thread(world.spawn('p'))
  return { world, main, usage: (...limits) => limits.map((limit) => world.usage(main.parent, limit)) }
}

describe('mmap and munmap', () => {
  test('change data pages, address space, resident and locked memory', () => {
    const { world, main, usage } = one()
    const all = ['data-pages', 'address-space', 'memory', 'memlock'] as const
    const [, space, resident] = usage(...all) as [number, number, number]
    expect([space, resident]).toEqual([64 * page, page])
    world.call(main, 'mmap', { pages: 10 })
    world.call(main, 'mmap', { pages: 5, locked: true })
    expect(usage(...all)).toEqual([15, space + 15 * page, resident + 15 * page, 5 * page])
    world.call(main, 'munmap', { pages: 9 })
    expect(usage(...all)).toEqual([6, space + 6 * page, resident + 6 * page, 5 * page])
    // Locked pages are unmapped last.
    world.call(main, 'munmap', { pages: 3 })
    expect(usage(...all)).toEqual([3, space + 3 * page, resident + 3 * page, 3 * page])
    expect(world.call(main, 'munmap', { pages: 4 })).toBe('EINVAL')
    world.call(main, 'munmap', { pages: 3 })
    expect(usage(...all)).toEqual([0, space, resident, 0])
  })

  test('are refused with ENOMEM by each full rlimit and pool', () => {
    const { world, main } = one()
    const full = (expected = 'ENOMEM') => expect(world.call(main, 'mmap', { pages: 2, locked: true })).toBe(expected)
    for (const [rlimit, soft] of [
      ['data', 2 * page - 1],
      ['as', 66 * page - 1],
      ['rss', 3 * page - 1],
    ] as const) {
      world.call(main, 'setrlimit', { rlimit, soft })
      full()
      world.call(main, 'setrlimit', { rlimit, soft: null })
    }
    const pools = { 'data-pages': 1, 'address-space': 65 * page, memlock: page, memory: 2 * page } as const
    const partition = world.machine.putPartition(['p'], {})
    world.machine.move(main.parent, partition)
    for (const [pool, most] of Object.entries(pools)) {
      world.machine.putPartition(['p'], { [pool]: most })
      full()
      world.machine.putPartition(['p'], { [pool]: null })
    }
    expect(world.call(main, 'mmap', { pages: 2, locked: true })).toEqual({})
  })

  test('are not refused by a pool from which they take nothing, even if that is below its usage', () => {
    const { world, main } = one()
    world.call(main, 'mmap', { pages: 2, locked: true })
    world.machine.move(main.parent, world.machine.putPartition(['p'], {}))
    world.machine.putPartition(['p'], { memlock: 1 })
    expect(world.call(main, 'mmap', { pages: 1 })).toEqual({})
    expect(world.call(main, 'mmap', { pages: 1, locked: true })).toBe('ENOMEM')
    world.machine.putPartition(['p'], { memory: 1 })
    expect(world.call(main, 'mmap', { pages: 1 })).toBe('ENOMEM')
    expect(world.call(main, 'enter', { bytes: 0 })).toEqual({})
    expect(world.call(main, 'munmap', { pages: 1 })).toEqual({})
  })

  test('count up to 2^53 without a pool', () => {
    const world = new World({})
    const main = world.thread(world.spawn('p'))
    expect(world.call(main, 'mmap', { pages: Number.MAX_SAFE_INTEGER })).toBe('ENOMEM')
    expect(world.call(main, 'mmap', { pages: 2 ** 40 })).toEqual({})
    expect(world.call(main, 'munmap', { pages: 2 ** 40 })).toEqual({})
    expect([world.usage(main.parent, 'data-pages'), world.usage(main.parent, 'memory')]).toEqual([0, page])
  })
})

describe('a stack', () => {
  test('grows and shrinks with function calls, and takes a page of memory when that is first touched', () => {
    const { world, main } = one()
    const usage = () => [world.usage(main, 'stack'), world.usage(main.parent, 'memory')]
    expect(usage()).toEqual([page, page])
    world.call(main, 'enter', { bytes: 1 })
    expect(usage()).toEqual([page + 1, 2 * page])
    world.call(main, 'enter', { bytes: page - 1 })
    expect(usage()).toEqual([2 * page, 2 * page])
    world.call(main, 'leave', { bytes: page })
    expect(usage()).toEqual([page, page])
    expect(world.call(main, 'leave', { bytes: page + 1 })).toBe('EINVAL')
    world.call(main, 'leave', { bytes: page })
    expect(usage()).toEqual([0, 0])
  })

  test('beyond its size causes SIGSEGV, even if that is masked or ignored', () => {
    for (const prepare of [
      () => {},
      (world: World, main: ModelThread) => world.call(main, 'SignalProcmask', { how: 'set', signals: ['SIGSEGV'] }),
      (world: World, main: ModelThread) => world.call(main, 'SignalAction', { signal: 'SIGSEGV', action: 'ignore' }),
    ]) {
      const { world, main } = one()
      prepare(world, main)
      expect(world.call(main, 'enter', { bytes: 63 * page })).toEqual({})
      expect(state(main)).toBe('RUNNING')
      world.call(main, 'enter', { bytes: 1 })
      expect(world.events.at(-1)).toMatchObject({ type: 'process.died', data: { code: null, signal: 'SIGSEGV' } })
    }
  })

  test('beyond its size does not grow if SIGSEGV is handled, and the process survives', () => {
    const { world, main } = one()
    world.call(main, 'SignalAction', { signal: 'SIGSEGV', action: 'handle' })
    world.call(main, 'enter', { bytes: 64 * page })
    expect([state(main), world.usage(main, 'stack')]).toEqual(['RUNNING', page])
  })

  test('is limited by RLIMIT_STACK only for the main thread', () => {
    const { world, main } = one()
    const other = world.more(main.parent)
    world.call(main, 'setrlimit', { rlimit: 'stack', soft: 2 * page })
    expect(world.call(other, 'enter', { bytes: 10 * page })).toEqual({})
    expect(world.call(main, 'enter', { bytes: page })).toEqual({})
    world.call(main, 'enter', { bytes: 1 })
    expect(world.machine.processes.find(1)).toBe(null)
  })

  test('is refused memory with ENOMEM if a pool is full', () => {
    const { world, main } = one()
    world.machine.move(main.parent, world.machine.putPartition(['p'], { memory: 2 * page }))
    expect(world.call(main, 'enter', { bytes: page + 1 })).toBe('ENOMEM')
    world.machine.putPartition(['p'], { memory: null, stack: 2 * page })
    expect(world.call(main, 'enter', { bytes: page + 1 })).toBe('ENOMEM')
    expect(world.call(main, 'enter', { bytes: page })).toEqual({})
  })

  test('is freed when its thread ends, even before the join', () => {
    const { world, main, usage } = one()
    const other = world.more(main.parent)
    world.call(other, 'enter', { bytes: 3 * page })
    expect(usage('stack', 'stack-size', 'memory', 'address-space')).toEqual([
      5 * page,
      128 * page,
      5 * page,
      128 * page,
    ])
    world.call(other, 'ThreadDestroy', {})
    expect(usage('stack', 'stack-size', 'memory', 'address-space')).toEqual([page, 64 * page, page, 64 * page])
  })
})
