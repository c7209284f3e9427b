/** Tests descriptors and file sizes of the model. */

import { describe, expect, test } from 'vitest'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { World } from '../world.ts'

function one(): { world: World; main: ModelThread } {
  const world = new World()
  return { world, main: world.thread(world.spawn('p')) }
}

describe('a descriptor', () => {
  test('is the lowest free number from 0', () => {
    const { world, main } = one()
    for (const fd of [0, 1, 2]) expect(world.call(main, 'open', { path: '/f' })).toEqual({ fd })
    expect(world.usage(main.parent, 'fds')).toBe(3)
    world.call(main, 'close', { fd: 1 })
    world.call(main, 'close', { fd: 0 })
    expect(world.call(main, 'open', { path: '/f' })).toEqual({ fd: 0 })
    expect(world.call(main, 'open', { path: '/f' })).toEqual({ fd: 1 })
    expect(world.call(main, 'close', { fd: 9 })).toBe('EBADF')
  })

  test('beyond RLIMIT_NOFILE or the pool is refused with EMFILE', () => {
    const { world, main } = one()
    world.call(main, 'setrlimit', { rlimit: 'nofile', soft: 100 })
    for (let fd = 0; fd < 100; fd++) world.machine.call(1, 1, { name: 'open', args: { path: '/f' } })
    expect(world.call(main, 'open', { path: '/f' })).toBe('EMFILE')
    world.machine.move(main.parent, world.machine.putPartition(['p'], { fds: 100 }))
    world.call(main, 'close', { fd: 99 })
    world.call(main, 'setrlimit', { rlimit: 'nofile', soft: 1000 })
    expect(world.call(main, 'open', { path: '/f' })).toEqual({ fd: 99 })
    expect(world.call(main, 'open', { path: '/f' })).toBe('EMFILE')
  })
})

describe('file-size', () => {
  test('is the size of the largest file open for writing, in a container among its processes', () => {
    const { world, main } = one()
    const other = world.thread(world.spawn('other'))
    const sizes = () => [main.parent, other.parent, world.kernel.system].map((node) => world.usage(node, 'file-size'))
    world.call(main, 'open', { path: '/read', size: 9000 })
    world.call(main, 'open', { path: '/a', write: true, size: 100 })
    world.call(main, 'open', { path: '/b', write: true })
    world.call(other, 'open', { path: '/c', write: true, size: 70 })
    expect(sizes()).toEqual([100, 70, 100])
    expect(world.call(main, 'write', { fd: 2, bytes: 300 })).toEqual({ bytes: 300 })
    expect(sizes()).toEqual([300, 70, 300])
    world.call(main, 'close', { fd: 2 })
    expect(sizes()).toEqual([100, 70, 100])
    world.call(main, 'exit', {})
    expect(world.usage(world.kernel.system, 'file-size')).toBe(70)
    expect(world.call(other, 'write', { fd: 9, bytes: 1 })).toBe('EBADF')
  })

  test('needs the descriptor to be open for writing', () => {
    const { world, main } = one()
    world.call(main, 'open', { path: '/f' })
    expect(world.call(main, 'write', { fd: 0, bytes: 1 })).toBe('EBADF')
    expect(world.call(main, 'write', { fd: 1, bytes: 1 })).toBe('EBADF')
  })

  test('beyond the pool of any container is refused with EFBIG for each file', () => {
    const { world, main } = one()
    world.call(main, 'open', { path: '/large', write: true, size: 5000 })
    world.call(main, 'open', { path: '/small', write: true, size: 10 })
    world.machine.move(main.parent, world.machine.putPartition(['a', 'b'], {}))
    world.machine.putPartition(['a'], { 'file-size': 100 })
    expect(world.call(main, 'write', { fd: 1, bytes: 91 })).toBe('EFBIG')
    expect(world.call(main, 'write', { fd: 1, bytes: 90 })).toEqual({ bytes: 90 })
    expect(world.call(main, 'write', { fd: 0, bytes: 1 })).toBe('EFBIG')
    expect(world.call(main, 'write', { fd: 0, bytes: 0 })).toEqual({ bytes: 0 })
  })

  test('beyond a pool prevents opening for writing, and moving the process there', () => {
    const { world, main } = one()
    const a = world.machine.putPartition(['a'], { 'file-size': 100 })
    world.call(main, 'open', { path: '/large', write: true, size: 101 })
    expect(() => world.machine.move(main.parent, a)).toThrow('/sys/part/a/file-size is at most 100 bytes')
    expect([main.parent.container, world.usage(a, 'file-size')]).toEqual([world.kernel.system, 0])
    world.call(main, 'close', { fd: 0 })
    world.machine.move(main.parent, a)
    expect(world.call(main, 'open', { path: '/large', write: true, size: 101 })).toBe('EFBIG')
    expect(world.call(main, 'open', { path: '/large', size: 101 })).toEqual({ fd: 0 })
    expect(world.call(main, 'open', { path: '/full', write: true, size: 100 })).toEqual({ fd: 1 })
    expect(world.usage(a, 'file-size')).toBe(100)
  })
})
