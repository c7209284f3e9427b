/** Tests mutexes, condition variables and semaphores of the model. */

import { describe, expect, test } from 'vitest'
import type { CallArguments, KernelCall } from '../../../src/model/calls/table.ts'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { returned, state, World } from '../world.ts'

function three(): { world: World; main: ModelThread; one: ModelThread; two: ModelThread } {
  const world = new World()
  const process = world.spawn('p')
  return { world, main: world.thread(process), one: world.more(process), two: world.more(process) }
}

describe('a mutex', () => {
  test('is created on first use, and blocks a thread in MUTEX while another owns it', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm' })).toEqual({})
    expect(world.usage(main, 'mutexes')).toBe(1)
    expect(world.call(one, 'SyncMutexLock', { mutex: 'm' })).toBe('MUTEX')
    expect(one.waitsOn).toEqual({ mutex: 'm', owner: '/sys/proc/1/thread/1' })
    expect(world.call(main, 'SyncMutexUnlock', { mutex: 'm' })).toEqual({})
    expect([state(one), returned(one)]).toEqual(['READY', {}])
    expect([world.usage(main, 'mutexes'), world.usage(one, 'mutexes')]).toEqual([0, 1])
  })

  test('can be unlocked only by its owner', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'SyncMutexUnlock', { mutex: 'm' })).toBe('EINVAL')
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(one, 'SyncMutexUnlock', { mutex: 'm' })).toBe('EPERM')
    world.call(main, 'SyncMutexUnlock', { mutex: 'm' })
    expect(world.call(main, 'SyncMutexUnlock', { mutex: 'm' })).toBe('EPERM')
  })

  test('blocks its owner for ever on a second lock if it has the normal kind', () => {
    const { world, main } = three()
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(main, 'SyncMutexTryLock', { mutex: 'm' })).toBe('EBUSY')
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm' })).toBe('MUTEX')
    world.pass(1e9)
    expect(state(main)).toBe('MUTEX')
  })

  test('needs as many unlocks as locks, at most 65,535, if it is recursive', () => {
    const { world, main, one } = three()
    const lock = { mutex: 'm', kind: 'recursive' } as const
    for (let times = 0; times < 3; times++) expect(world.call(main, 'SyncMutexLock', lock)).toEqual({})
    expect(world.call(main, 'SyncMutexTryLock', { mutex: 'm' })).toEqual({})
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    for (let times = 0; times < 3; times++) world.call(main, 'SyncMutexUnlock', { mutex: 'm' })
    expect([state(one), world.usage(main, 'mutexes')]).toEqual(['MUTEX', 1])
    world.call(main, 'SyncMutexUnlock', { mutex: 'm' })
    expect(state(one)).toBe('READY')
    const { pid } = main.parent
    for (let times = 0; times < 65_535; times++)
      world.machine.call(pid, main.tid, { name: 'SyncMutexLock', args: { mutex: 'n', kind: 'recursive' } })
    expect(world.call(main, 'SyncMutexLock', { mutex: 'n' })).toBe('EAGAIN')
    expect(world.call(main, 'SyncMutexTryLock', { mutex: 'n' })).toBe('EAGAIN')
  })

  test('refuses a second lock by its owner with EDEADLK, and a try with EBUSY, if it is errorcheck', () => {
    const { world, main } = three()
    world.call(main, 'SyncMutexLock', { mutex: 'm', kind: 'error-checking' })
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm' })).toBe('EDEADLK')
    expect(world.call(main, 'SyncMutexTryLock', { mutex: 'm' })).toBe('EBUSY')
  })

  test('remembers an owner that has ended, even if another thread has its tid by now', () => {
    const { world, main, one } = three()
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    world.call(one, 'ThreadDestroy', {})
    world.call(main, 'ThreadJoin', { tid: one.tid })
    const heir = world.more(main.parent)
    expect(heir.tid).toBe(one.tid)
    for (const [name, args] of [
      ['SyncMutexUnlock', { mutex: 'm' }],
      ['SyncMutexTryLock', { mutex: 'm' }],
      ['SyncDestroy', { name: 'm' }],
    ] as const)
      expect(() => world.machine.call(1, heir.tid, { name, args } as KernelCall)).toThrow(
        'm is owned by a thread that has ended, once /sys/proc/1/thread/2',
      )
  })

  test('is the only type with a kind, and a semaphore the only one with a value', () => {
    const { world, main } = three()
    const make = (args: CallArguments<'SyncTypeCreate'>) => world.call(main, 'SyncTypeCreate', args)
    expect(make({ name: 'x', type: 'semaphore', kind: 'recursive' })).toBe('EINVAL')
    expect(make({ name: 'x', type: 'condvar', kind: 'plain' })).toBe('EINVAL')
    expect(make({ name: 'x', type: 'mutex', value: 1 })).toBe('EINVAL')
    expect(make({ name: 'x', type: 'mutex', kind: 'plain' })).toEqual({})
    expect(make({ name: 'y', type: 'semaphore', value: 0 })).toEqual({})
  })

  test('can be tried without blocking', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'SyncMutexTryLock', { mutex: 'm' })).toEqual({})
    expect(world.call(one, 'SyncMutexTryLock', { mutex: 'm' })).toBe('EBUSY')
    world.call(main, 'SyncMutexUnlock', { mutex: 'm' })
    expect(world.call(one, 'SyncMutexTryLock', { mutex: 'm' })).toEqual({})
  })

  test('stays locked when its owner ends: waiters stay blocked, and no other thread can unlock it', () => {
    const { world, main, one, two } = three()
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    world.call(two, 'SyncMutexLock', { mutex: 'm' })
    world.call(main, 'ThreadDestroy', { tid: one.tid })
    expect(state(two)).toBe('MUTEX')
    expect(two.waitsOn).toEqual({ mutex: 'm', owner: '/sys/proc/1/thread/2', ownerState: 'DEAD' })
    expect(world.usage(main.parent, 'mutexes')).toBe(0)
    expect(world.call(main, 'SyncMutexUnlock', { mutex: 'm' })).toBe('EPERM')
    expect(world.call(main, 'SyncMutexTryLock', { mutex: 'm' })).toBe('EBUSY')
    world.call(main, 'ThreadJoin', { tid: one.tid })
    // A new thread with that tid is not the owner.
    const later = world.more(main.parent)
    expect([later.tid, world.call(later, 'SyncMutexUnlock', { mutex: 'm' })]).toEqual([2, 'EPERM'])
    expect(world.call(main, 'SyncDestroy', { name: 'm' })).toBe('EBUSY')
  })

  test('has the kind with which it was created', () => {
    const { world, main } = three()
    world.call(main, 'SyncTypeCreate', { name: 'm', type: 'mutex', kind: 'recursive' })
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm', kind: 'plain' })).toBe('EINVAL')
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm', kind: 'recursive' })).toEqual({})
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm' })).toEqual({})
  })
})

describe('a name', () => {
  test('is private to the process unless it begins with /', () => {
    const { world, main } = three()
    const stranger = world.thread(world.spawn('stranger'))
    for (const mutex of ['m', '/m']) world.call(main, 'SyncMutexLock', { mutex })
    expect(world.call(stranger, 'SyncMutexLock', { mutex: 'm' })).toEqual({})
    expect(world.call(stranger, 'SyncMutexLock', { mutex: '/m' })).toBe('MUTEX')
    world.call(main, 'SyncMutexUnlock', { mutex: '/m' })
    expect(state(stranger)).toBe('READY')
  })

  test('outlives its creator if it is shared, and its mutex stays locked by the ended owner', () => {
    const { world, main } = three()
    world.call(main, 'SyncMutexLock', { mutex: '/m' })
    world.call(main, 'exit', {})
    const stranger = world.thread(world.spawn('stranger'))
    expect(world.call(stranger, 'SyncMutexLock', { mutex: '/m' })).toBe('MUTEX')
    expect(stranger.waitsOn).toEqual({ mutex: '/m', owner: '/sys/proc/1/thread/1', ownerState: 'DEAD' })
  })

  test('has one type', () => {
    const { world, main } = three()
    world.call(main, 'SyncTypeCreate', { name: 'x', type: 'semaphore', value: 1 })
    expect(world.call(main, 'SyncTypeCreate', { name: 'x', type: 'mutex' })).toBe('EBUSY')
    expect(world.call(main, 'SyncMutexLock', { mutex: 'x' })).toBe('EINVAL')
    expect(world.call(main, 'SyncCondvarSignal', { condvar: 'x' })).toBe('EINVAL')
    expect(world.call(main, 'SyncDestroy', { name: 'x' })).toEqual({})
    expect(world.call(main, 'SyncDestroy', { name: 'x' })).toBe('EINVAL')
    expect(world.call(main, 'SyncMutexLock', { mutex: 'x' })).toEqual({})
  })

  test('cannot be removed while in use', () => {
    const { world, main, one } = three()
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(main, 'SyncDestroy', { name: 'm' })).toBe('EBUSY')
    world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    expect(world.call(one, 'SyncDestroy', { name: 'c' })).toBe('EBUSY')
    // A thread that waits for the condition will lock the mutex again.
    expect(world.call(one, 'SyncDestroy', { name: 'm' })).toBe('EBUSY')
    world.call(one, 'SyncCondvarSignal', { condvar: 'c' })
    world.call(main, 'SyncMutexUnlock', { mutex: 'm' })
    expect(world.call(one, 'SyncDestroy', { name: 'c' })).toEqual({})
    expect(world.call(one, 'SyncDestroy', { name: 'm' })).toEqual({})
  })
})

describe('a condition variable', () => {
  test('releases the mutex during a wait, and the waiter owns it again when the wait returns', () => {
    const { world, main, one } = three()
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })).toBe('CONDVAR')
    expect(main.waitsOn).toEqual({ condvar: 'c', mutex: 'm' })
    expect(world.usage(main, 'mutexes')).toBe(0)
    expect(world.call(one, 'SyncMutexLock', { mutex: 'm' })).toEqual({})
    world.call(one, 'SyncCondvarSignal', { condvar: 'c' })
    expect([state(main), main.waitsOn]).toEqual(['MUTEX', { mutex: 'm', owner: '/sys/proc/1/thread/2' }])
    world.call(one, 'SyncMutexUnlock', { mutex: 'm' })
    expect([state(main), returned(main), world.usage(main, 'mutexes')]).toEqual(['READY', {}, 1])
  })

  test('passes the released mutex to a thread that waits for it', () => {
    const { world, main, one } = three()
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    expect([state(main), state(one)]).toEqual(['CONDVAR', 'READY'])
  })

  test('wakes the waiter with the highest priority, or with `all` every waiter as the mutex becomes free', () => {
    const world = new World()
    const process = world.spawn('p')
    const waiters = [10, 20, 10].map((priority) => world.more(process, { priority }))
    const main = world.thread(process)
    for (const waiter of waiters) {
      world.call(waiter, 'SyncMutexLock', { mutex: 'm' })
      world.call(waiter, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    }
    world.call(main, 'SyncCondvarSignal', { condvar: 'c' })
    expect(waiters.map(state)).toEqual(['CONDVAR', 'READY', 'CONDVAR'])
    world.call(main, 'SyncCondvarSignal', { condvar: 'c', all: true })
    expect(waiters.map(state)).toEqual(['MUTEX', 'READY', 'MUTEX'])
    world.call(waiters[1]!, 'SyncMutexUnlock', { mutex: 'm' })
    expect(waiters.map(state)).toEqual(['READY', 'RUNNING', 'MUTEX'])
    world.call(waiters[0]!, 'SyncMutexUnlock', { mutex: 'm' })
    expect(waiters.map(state)).toEqual(['RUNNING', 'READY', 'READY'])
  })

  test('releases a recursive mutex completely, and restores its count', () => {
    const { world, main, one } = three()
    for (let times = 0; times < 3; times++) world.call(main, 'SyncMutexLock', { mutex: 'm', kind: 'recursive' })
    world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    expect(world.call(one, 'SyncMutexTryLock', { mutex: 'm' })).toEqual({})
    world.call(one, 'SyncCondvarSignal', { condvar: 'c' })
    world.call(one, 'SyncMutexUnlock', { mutex: 'm' })
    for (let times = 0; times < 2; times++) world.call(main, 'SyncMutexUnlock', { mutex: 'm' })
    expect(world.call(one, 'SyncMutexTryLock', { mutex: 'm' })).toBe('EBUSY')
    world.call(main, 'SyncMutexUnlock', { mutex: 'm' })
    expect(world.call(one, 'SyncMutexTryLock', { mutex: 'm' })).toEqual({})
  })

  test('does nothing when signalled without a waiter', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'SyncCondvarSignal', { condvar: 'c', all: true })).toEqual({})
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(one, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })).toBe('CONDVAR')
  })

  test('needs a mutex that the caller owns, the same for every waiter', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })).toBe('EINVAL')
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })).toBe('EPERM')
    world.call(one, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    world.call(main, 'SyncMutexLock', { mutex: 'n' })
    expect(world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'n' })).toBe('EINVAL')
  })

  test('forgets a waiter that ends', () => {
    const { world, main, one } = three()
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    world.call(one, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    world.call(main, 'ThreadDestroy', { tid: one.tid })
    expect(world.call(main, 'SyncDestroy', { name: 'c' })).toEqual({})
    expect(world.call(main, 'SyncDestroy', { name: 'm' })).toEqual({})
  })
})

describe('a semaphore', () => {
  test('lets as many threads pass as its value; the others wait in SEM in order of priority', () => {
    const world = new World()
    const process = world.spawn('p')
    const main = world.thread(process)
    const waiters = [10, 20].map((priority) => world.more(process, { priority }))
    world.call(main, 'SyncTypeCreate', { name: 's', type: 'semaphore', value: 1 })
    expect(world.call(main, 'SyncSemWait', { semaphore: 's' })).toEqual({})
    expect(world.call(main, 'SyncSemWait', { semaphore: 's', try: true })).toBe('EAGAIN')
    for (const waiter of waiters) expect(world.call(waiter, 'SyncSemWait', { semaphore: 's' })).toBe('SEM')
    world.call(main, 'SyncSemPost', { semaphore: 's' })
    expect(waiters.map(state)).toEqual(['SEM', 'READY'])
    world.call(main, 'SyncSemPost', { semaphore: 's' })
    expect(world.call(main, 'SyncSemPost', { semaphore: 's' })).toEqual({})
    expect(world.call(main, 'SyncSemWait', { semaphore: 's' })).toEqual({})
  })

  test('must exist, and does not count past its maximum', () => {
    const { world, main } = three()
    expect(world.call(main, 'SyncSemWait', { semaphore: 's' })).toBe('EINVAL')
    expect(world.call(main, 'SyncSemPost', { semaphore: 's' })).toBe('EINVAL')
    expect(world.call(main, 'SyncTypeCreate', { name: 's', type: 'semaphore', value: 2 ** 31 })).toBe('EINVAL')
    world.call(main, 'SyncTypeCreate', { name: 's', type: 'semaphore', value: 2 ** 31 - 1 })
    expect(world.call(main, 'SyncSemPost', { semaphore: 's' })).toBe('EAGAIN')
  })
})
