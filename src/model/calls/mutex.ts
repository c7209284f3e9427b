/** Implements the calls which lock and unlock mutexes. The first call which names a mutex creates it. */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { Mutex, type MutexKind } from '../objects/sync.ts'
import { type Progress, success } from './call.ts'
import { checkOwner, describeOwner, giveUp, tryLock } from './mutex-ownership.ts'
import { addSync, checkShared, findSync, getSync, isShared } from './sync-names.ts'
import { wait } from './waits.ts'

/** Finds a mutex, or creates one which is not in the table yet: a refused call leaves none behind. */
function mutexNamed(machine: MachineCore, thread: ModelThread, name: string, kind: MutexKind | undefined): Mutex {
  const found = findSync<Mutex>(machine, thread, name, 'mutex')
  if (found === null) {
    checkShared(machine, name)
    return new Mutex(name, isShared(name) ? null : thread.parent, kind ?? 'plain')
  }
  if (kind !== undefined && kind !== found.kind)
    throw new KernelError('EINVAL', `${name} is ${found.kind}, not ${kind}`)
  return found
}

/**
 * SyncMutexLock: takes a mutex. Waiters get it by priority, and at equal priority in the order in which they came. They
 * lend their priority to the owner. A plain mutex which the caller owns already blocks the caller for ever, and so does
 * a mutex whose owner has ended. Blocks in MUTEX until its owner unlocks it. Signals do not end the wait. QNX:
 * SyncMutexLock().
 * @param mutex its name; the first call that names it creates it
 * @param kind plain, recursive or error-checking; for a mutex that exists it must be the same
 * @throws EDEADLK it is error-checking, and the caller owns it; EAGAIN it is recursive and locked 65,535 times, or
 * there are 65,536 shared objects; EINVAL it is no mutex, or of another kind; ETIMEDOUT after TimerTimeout
 */
export function syncMutexLock(
  machine: MachineCore,
  thread: ModelThread,
  { mutex: name, kind }: { mutex: string; kind?: MutexKind | undefined },
): Progress {
  const mutex = mutexNamed(machine, thread, name, kind)
  if (!tryLock(machine, thread, mutex))
    return wait(machine, thread, { state: 'MUTEX', mutex, after: { outcome: 'locked', count: 1 } })
  addSync(machine, thread, mutex)
  return success
}

/**
 * SyncMutexTryLock: takes a mutex which nobody owns, or a recursive one which the caller owns. Does not block. QNX:
 * pthread_mutex_trylock().
 * @param mutex its name; the first call that names it creates it
 * @param kind plain, recursive or error-checking; for a mutex that exists it must be the same
 * @throws EBUSY it is owned; EAGAIN it is recursive and locked 65,535 times, or there are 65,536 shared objects; EINVAL
 * it is no mutex, or of another kind
 */
export function syncMutexTryLock(
  machine: MachineCore,
  thread: ModelThread,
  { mutex: name, kind }: { mutex: string; kind?: MutexKind | undefined },
): Progress {
  const mutex = mutexNamed(machine, thread, name, kind)
  const isOwn = mutex.owner === thread && mutex.kind === 'error-checking'
  if (isOwn || !tryLock(machine, thread, mutex)) throw new KernelError('EBUSY', describeOwner(mutex))
  addSync(machine, thread, mutex)
  return success
}

/**
 * SyncMutexUnlock: gives a mutex up. The first of its waiters owns it then. Does not block. QNX: SyncMutexUnlock().
 * @param mutex its name
 * @throws EPERM the caller does not own it; EINVAL there is no such mutex
 */
export function syncMutexUnlock(
  machine: MachineCore,
  thread: ModelThread,
  { mutex: name }: { mutex: string },
): Progress {
  const mutex = getSync<Mutex>(machine, thread, name, 'mutex')
  checkOwner(thread, mutex)
  if (mutex.count > 1) mutex.count--
  else giveUp(machine, thread, mutex)
  return success
}
