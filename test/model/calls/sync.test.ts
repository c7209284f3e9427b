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
  test('is made by the first that names it, and waited for in MUTEX while another owns it', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm' })).toEqual({})
    expect(world.usage(main, 'mutexes')).toBe(1)
    expect(world.call(one, 'SyncMutexLock', { mutex: 'm' })).toBe('MUTEX')
    expect(one.waitsOn).toEqual({ mutex: 'm', owner: '/sys/proc/1/thread/1' })
    expect(world.call(main, 'SyncMutexUnlock', { mutex: 'm' })).toEqual({})
    expect([state(one), returned(one)]).toEqual(['READY', {}])
    expect([world.usage(main, 'mutexes'), world.usage(one, 'mutexes')]).toEqual([0, 1])
  })

  test('is unlocked by its owner alone', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'SyncMutexUnlock', { mutex: 'm' })).toBe('EINVAL')
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(one, 'SyncMutexUnlock', { mutex: 'm' })).toBe('EPERM')
    world.call(main, 'SyncMutexUnlock', { mutex: 'm' })
    expect(world.call(main, 'SyncMutexUnlock', { mutex: 'm' })).toBe('EPERM')
  })

  test('that is plain blocks its owner for ever who locks it again', () => {
    const { world, main } = three()
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(main, 'SyncMutexTryLock', { mutex: 'm' })).toBe('EBUSY')
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm' })).toBe('MUTEX')
    world.pass(1e9)
    expect(state(main)).toBe('MUTEX')
  })

  test('that is recursive is unlocked as often as it was locked, 65,535 times at the most', () => {
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

  test('that checks for errors refuses its owner who locks it again with EDEADLK, and a try with EBUSY', () => {
    const { world, main } = three()
    world.call(main, 'SyncMutexLock', { mutex: 'm', kind: 'error-checking' })
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm' })).toBe('EDEADLK')
    expect(world.call(main, 'SyncMutexTryLock', { mutex: 'm' })).toBe('EBUSY')
  })

  test('tells of an owner that has ended, whose id is another thread’s by now', () => {
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

  test('alone is of a kind, and a semaphore alone has a value', () => {
    const { world, main } = three()
    const make = (args: CallArguments<'SyncTypeCreate'>) => world.call(main, 'SyncTypeCreate', args)
    expect(make({ name: 'x', type: 'semaphore', kind: 'recursive' })).toBe('EINVAL')
    expect(make({ name: 'x', type: 'condvar', kind: 'plain' })).toBe('EINVAL')
    expect(make({ name: 'x', type: 'mutex', value: 1 })).toBe('EINVAL')
    expect(make({ name: 'x', type: 'mutex', kind: 'plain' })).toEqual({})
    expect(make({ name: 'y', type: 'semaphore', value: 0 })).toEqual({})
  })

  test('is tried without waiting', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'SyncMutexTryLock', { mutex: 'm' })).toEqual({})
    expect(world.call(one, 'SyncMutexTryLock', { mutex: 'm' })).toBe('EBUSY')
    world.call(main, 'SyncMutexUnlock', { mutex: 'm' })
    expect(world.call(one, 'SyncMutexTryLock', { mutex: 'm' })).toEqual({})
  })

  test('whose owner ends stays locked by it: who waits goes on waiting, and nobody else can unlock it', () => {
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
    // Another thread of that tid is not its owner.
    const later = world.more(main.parent)
    expect([later.tid, world.call(later, 'SyncMutexUnlock', { mutex: 'm' })]).toEqual([2, 'EPERM'])
    expect(world.call(main, 'SyncDestroy', { name: 'm' })).toBe('EBUSY')
  })

  test('is of the kind that it was made with', () => {
    const { world, main } = three()
    world.call(main, 'SyncTypeCreate', { name: 'm', type: 'mutex', kind: 'recursive' })
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm', kind: 'plain' })).toBe('EINVAL')
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm', kind: 'recursive' })).toEqual({})
    expect(world.call(main, 'SyncMutexLock', { mutex: 'm' })).toEqual({})
  })
})

describe('a name', () => {
  test('is the process’s own, unless it begins with /', () => {
    const { world, main } = three()
    const stranger = world.thread(world.spawn('stranger'))
    for (const mutex of ['m', '/m']) world.call(main, 'SyncMutexLock', { mutex })
    expect(world.call(stranger, 'SyncMutexLock', { mutex: 'm' })).toEqual({})
    expect(world.call(stranger, 'SyncMutexLock', { mutex: '/m' })).toBe('MUTEX')
    world.call(main, 'SyncMutexUnlock', { mutex: '/m' })
    expect(state(stranger)).toBe('READY')
  })

  test('that is shared outlives its maker, locked by the one that ended', () => {
    const { world, main } = three()
    world.call(main, 'SyncMutexLock', { mutex: '/m' })
    world.call(main, 'exit', {})
    const stranger = world.thread(world.spawn('stranger'))
    expect(world.call(stranger, 'SyncMutexLock', { mutex: '/m' })).toBe('MUTEX')
    expect(stranger.waitsOn).toEqual({ mutex: '/m', owner: '/sys/proc/1/thread/1', ownerState: 'DEAD' })
  })

  test('is of one type', () => {
    const { world, main } = three()
    world.call(main, 'SyncTypeCreate', { name: 'x', type: 'semaphore', value: 1 })
    expect(world.call(main, 'SyncTypeCreate', { name: 'x', type: 'mutex' })).toBe('EBUSY')
    expect(world.call(main, 'SyncMutexLock', { mutex: 'x' })).toBe('EINVAL')
    expect(world.call(main, 'SyncCondvarSignal', { condvar: 'x' })).toBe('EINVAL')
    expect(world.call(main, 'SyncDestroy', { name: 'x' })).toEqual({})
    expect(world.call(main, 'SyncDestroy', { name: 'x' })).toBe('EINVAL')
    expect(world.call(main, 'SyncMutexLock', { mutex: 'x' })).toEqual({})
  })

  test('that is in use is not removed', () => {
    const { world, main, one } = three()
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(main, 'SyncDestroy', { name: 'm' })).toBe('EBUSY')
    world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    expect(world.call(one, 'SyncDestroy', { name: 'c' })).toBe('EBUSY')
    // Who waits for the condition takes it again.
    expect(world.call(one, 'SyncDestroy', { name: 'm' })).toBe('EBUSY')
    world.call(one, 'SyncCondvarSignal', { condvar: 'c' })
    world.call(main, 'SyncMutexUnlock', { mutex: 'm' })
    expect(world.call(one, 'SyncDestroy', { name: 'c' })).toEqual({})
    expect(world.call(one, 'SyncDestroy', { name: 'm' })).toEqual({})
  })
})

describe('a condition variable', () => {
  test('gives the mutex up while it is waited for, and the waiter has it again when it returns', () => {
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

  test('hands the mutex on to who waits for it', () => {
    const { world, main, one } = three()
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    expect([state(main), state(one)]).toEqual(['CONDVAR', 'READY'])
  })

  test('wakes the first by priority, and with `all` every one, one after the other as the mutex comes free', () => {
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

  test('gives a recursive mutex up whole, and takes it again as often', () => {
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

  test('signalled while nobody waits does nothing', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'SyncCondvarSignal', { condvar: 'c', all: true })).toEqual({})
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(one, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })).toBe('CONDVAR')
  })

  test('needs a mutex that the caller owns, the same for all who wait', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })).toBe('EINVAL')
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    expect(world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })).toBe('EPERM')
    world.call(one, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    world.call(main, 'SyncMutexLock', { mutex: 'n' })
    expect(world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'n' })).toBe('EINVAL')
  })

  test('whose waiter ends keeps nothing of it', () => {
    const { world, main, one } = three()
    world.call(one, 'SyncMutexLock', { mutex: 'm' })
    world.call(one, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    world.call(main, 'ThreadDestroy', { tid: one.tid })
    expect(world.call(main, 'SyncDestroy', { name: 'c' })).toEqual({})
    expect(world.call(main, 'SyncDestroy', { name: 'm' })).toEqual({})
  })
})

describe('a semaphore', () => {
  test('lets as many pass as it counts; the others wait in SEM and go by priority', () => {
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

  test('must be there, and does not count past its maximum', () => {
    const { world, main } = three()
    expect(world.call(main, 'SyncSemWait', { semaphore: 's' })).toBe('EINVAL')
    expect(world.call(main, 'SyncSemPost', { semaphore: 's' })).toBe('EINVAL')
    expect(world.call(main, 'SyncTypeCreate', { name: 's', type: 'semaphore', value: 2 ** 31 })).toBe('EINVAL')
    world.call(main, 'SyncTypeCreate', { name: 's', type: 'semaphore', value: 2 ** 31 - 1 })
    expect(world.call(main, 'SyncSemPost', { semaphore: 's' })).toBe('EAGAIN')
  })
})
