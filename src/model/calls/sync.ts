/** Mutexes and condition variables. Each is named, as semaphores are; one that begins with / is shared by all processes. */

import { KernelError } from '../../kernel/errno.ts'
import type { Machine } from '../machine.ts'
import type { AfterMutex, Blocker } from '../objects/blocker.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { Condvar, Mutex, type MutexKind, Semaphore, type Sync, type SyncType } from '../objects/sync.ts'
import { type Progress, success } from './call.ts'
import { charge } from './charging.ts'
import { refreshPriority } from './priority.ts'
import { block, release } from './scheduling.ts'

const countMax = 65_535
export const semaphoreMax = 2 ** 31 - 1
/** Shared ones outlive their makers: there is an end to them. */
const sharedMax = 65_536

function isShared(name: string): boolean {
  return name.startsWith('/')
}

function homeOf(machine: Machine, process: ModelProcess, name: string): Map<string, Sync> {
  return isShared(name) ? machine.shared : process.syncs
}

function find<T extends Sync>(machine: Machine, { parent }: ModelThread, name: string, type: T['type']): T | null {
  const found = homeOf(machine, parent, name).get(name)
  if (found === undefined) return null
  if (found.type !== type) throw new KernelError('EINVAL', `${name} is a ${found.type}, not a ${type}`)
  return found as T
}

/** @throws EINVAL there is none of that name, or it is of another type */
export function need<T extends Sync>(machine: Machine, thread: ModelThread, name: string, type: T['type']): T {
  const found = find<T>(machine, thread, name, type)
  if (found === null) throw new KernelError('EINVAL', `there is no ${type} ${name}`)
  return found
}

/** @throws EAGAIN */
function checkShared(machine: Machine, name: string): void {
  if (isShared(name) && machine.shared.size >= sharedMax)
    throw new KernelError('EAGAIN', `there are ${sharedMax} shared objects, which is the most`)
}

/**
 * SyncTypeCreate: makes a mutex, a condition variable or a semaphore. Mutexes and condition variables need not be made:
 * the first call that names one makes it, as a static initialiser does. Does not block. QNX: SyncTypeCreate().
 * @param name local to the process; one that begins with / is shared by all
 * @param type mutex, condvar or semaphore
 * @param kind of mutexes: plain, recursive or error-checking
 * @param value of semaphores: what it begins with, a count
 * @throws EBUSY there is one of that name; EINVAL the value is too large, a kind of what is no mutex, or a value of what
 * is no semaphore; EAGAIN there are 65,536 shared objects
 */
export function syncTypeCreate(
  machine: Machine,
  { parent }: ModelThread,
  { name, type, kind, value }: { name: string; type: SyncType; kind?: MutexKind; value?: number },
): Progress {
  const home = homeOf(machine, parent, name)
  if (home.has(name)) throw new KernelError('EBUSY', `there is a ${home.get(name)!.type} ${name} already`)
  if (kind !== undefined && type !== 'mutex') throw new KernelError('EINVAL', `a ${type} is of no kind`)
  if (value !== undefined && type !== 'semaphore') throw new KernelError('EINVAL', `a ${type} has no value`)
  if (value !== undefined && value > semaphoreMax)
    throw new KernelError('EINVAL', `a semaphore counts to ${semaphoreMax} at the most`)
  checkShared(machine, name)
  const process = isShared(name) ? null : parent
  if (type === 'mutex') home.set(name, new Mutex(name, process, kind ?? 'plain'))
  else if (type === 'condvar') home.set(name, new Condvar(name, process))
  else home.set(name, new Semaphore(name, process, value ?? 0))
  return success
}

/**
 * SyncDestroy: removes a mutex, a condition variable or a semaphore. Does not block. QNX: SyncDestroy().
 * @param name as it was made
 * @throws EINVAL there is none of that name; EBUSY threads wait for it, it is a mutex that is owned, or one that those
 * who wait for a condition must take again
 */
export function syncDestroy(machine: Machine, { parent }: ModelThread, { name }: { name: string }): Progress {
  const home = homeOf(machine, parent, name)
  const sync = home.get(name)
  if (sync === undefined) throw new KernelError('EINVAL', `there is nothing to synchronise on named ${name}`)
  if (sync.waiters.length > 0) throw new KernelError('EBUSY', `${sync.waiters.length} threads wait for ${name}`)
  if (sync.type === 'mutex' && sync.owner !== null) throw new KernelError('EBUSY', ownedBy(sync))
  if (sync.type === 'mutex' && sync.awaited > 0)
    throw new KernelError('EBUSY', `threads that wait for a condition must take ${name} again`)
  home.delete(name)
  return success
}

function mutexOf(machine: Machine, thread: ModelThread, name: string, kind: MutexKind | undefined): Mutex {
  const found = find<Mutex>(machine, thread, name, 'mutex')
  if (found === null) {
    checkShared(machine, name)
    return new Mutex(name, isShared(name) ? null : thread.parent, kind ?? 'plain')
  }
  if (kind !== undefined && kind !== found.kind)
    throw new KernelError('EINVAL', `${name} is ${found.kind}, not ${kind}`)
  return found
}

function keep(machine: Machine, thread: ModelThread, sync: Sync): void {
  homeOf(machine, thread.parent, sync.name).set(sync.name, sync)
}

function own(machine: Machine, thread: ModelThread, mutex: Mutex, count: number): void {
  mutex.owner = thread
  mutex.count = count
  thread.owned ??= new Set()
  thread.owned.add(mutex)
  machine.kernel.deadlocks.ownerChanged(mutex)
  // They wait for another owner than before.
  for (const waiter of mutex.waiters) waiter.noteChange()
  charge(machine, thread, 'mutexes', 1)
}

/** @throws EDEADLK, EAGAIN. True where the caller has it now. */
function tryLock(machine: Machine, thread: ModelThread, mutex: Mutex): boolean {
  if (mutex.owner === null) {
    own(machine, thread, mutex, 1)
    return true
  }
  if (mutex.owner !== thread || mutex.kind === 'plain') return false
  if (mutex.kind === 'error-checking') throw new KernelError('EDEADLK', `the caller owns ${mutex.name} already`)
  if (mutex.count >= countMax)
    throw new KernelError('EAGAIN', `${mutex.name} is locked ${countMax} times, which is the most`)
  mutex.count++
  return true
}

/**
 * SyncMutexLock: takes a mutex. Waiters have it by priority, of equals in the order in which they came, and lend theirs
 * to the owner. A plain mutex that the caller owns already blocks it for ever, and so does one whose owner has ended.
 * Blocks in MUTEX until its owner unlocks it. Signals do not end the wait. QNX: SyncMutexLock().
 * @param mutex its name; the first call that names it makes it
 * @param kind plain, recursive or error-checking; of one that exists it must agree
 * @throws EDEADLK error-checking, and the caller owns it; EAGAIN recursive, and locked 65,535 times, or there are
 * 65,536 shared objects; EINVAL it is none, or of another kind; ETIMEDOUT after TimerTimeout
 */
export function syncMutexLock(
  machine: Machine,
  thread: ModelThread,
  { mutex: name, kind }: { mutex: string; kind?: MutexKind | undefined },
): Progress {
  const mutex = mutexOf(machine, thread, name, kind)
  if (!tryLock(machine, thread, mutex)) {
    block(machine, thread, { state: 'MUTEX', mutex, after: { outcome: 'locked', count: 1 } })
    return 'blocked'
  }
  keep(machine, thread, mutex)
  return success
}

/**
 * SyncMutexTryLock: takes a mutex that nobody owns, or a recursive one that the caller owns. Does not block. QNX:
 * pthread_mutex_trylock().
 * @param mutex its name; the first call that names it makes it
 * @param kind plain, recursive or error-checking; of one that exists it must agree
 * @throws EBUSY it is owned; EAGAIN recursive, and locked 65,535 times, or there are 65,536 shared objects; EINVAL it
 * is none, or of another kind
 */
export function syncMutexTryLock(
  machine: Machine,
  thread: ModelThread,
  { mutex: name, kind }: { mutex: string; kind?: MutexKind | undefined },
): Progress {
  const mutex = mutexOf(machine, thread, name, kind)
  const isOwn = mutex.owner === thread && mutex.kind === 'error-checking'
  if (isOwn || !tryLock(machine, thread, mutex)) throw new KernelError('EBUSY', ownedBy(mutex))
  keep(machine, thread, mutex)
  return success
}

/**
 * SyncMutexUnlock: gives a mutex up; the first of its waiters owns it then. Does not block. QNX: SyncMutexUnlock().
 * @param mutex its name
 * @throws EPERM the caller does not own it; EINVAL it is none
 */
export function syncMutexUnlock(machine: Machine, thread: ModelThread, { mutex: name }: { mutex: string }): Progress {
  const mutex = need<Mutex>(machine, thread, name, 'mutex')
  checkOwner(thread, mutex)
  if (mutex.count > 1) mutex.count--
  else giveUp(machine, thread, mutex)
  return success
}

function checkOwner(thread: ModelThread, mutex: Mutex): void {
  if (mutex.owner === thread) return
  throw new KernelError('EPERM', ownedBy(mutex))
}

/** The id of an owner that has ended may be another thread's by now. */
function ownedBy({ name, owner }: Mutex): string {
  if (owner === null) return `${name} is owned by nobody`
  return `${name} is owned by ${owner.isDead ? `a thread that has ended, once ${owner.path}` : owner.path}`
}

function disown(machine: Machine, thread: ModelThread, mutex: Mutex): void {
  mutex.owner = null
  mutex.count = 0
  thread.owned?.delete(mutex)
  machine.kernel.deadlocks.ownerChanged(mutex)
  charge(machine, thread, 'mutexes', -1)
}

function giveUp(machine: Machine, thread: ModelThread, mutex: Mutex): void {
  disown(machine, thread, mutex)
  const heir = mutex.waiters.first
  if (heir?.blocker?.state === 'MUTEX') {
    const { after } = heir.blocker
    own(machine, heir, mutex, after.count)
    releaseWithMutex(machine, heir, after)
    // Those that wait on lend to the new owner.
    refreshPriority(heir)
  }
  refreshPriority(thread)
}

function releaseWithMutex(machine: Machine, thread: ModelThread, { outcome }: AfterMutex): void {
  release(machine, thread, outcome === 'timed-out' ? { errno: 'ETIMEDOUT' } : { value: success })
}

/**
 * SyncCondvarWait: gives a mutex up and waits for a condition. However the wait ends, it takes the mutex again before
 * it returns: of a recursive one all that it had. Blocks in CONDVAR until it is signalled or timed out, then in MUTEX
 * while another owns the mutex. Signals do not end it. QNX: SyncCondvarWait().
 * @param condvar its name; the first call that names it makes it
 * @param mutex its name
 * @throws EPERM the caller does not own the mutex; EINVAL it is none, or others wait for the condition with another
 * mutex; EAGAIN there are 65,536 shared objects; ETIMEDOUT after TimerTimeout
 */
export function syncCondvarWait(
  machine: Machine,
  thread: ModelThread,
  { condvar: name, mutex: mutexName }: { condvar: string; mutex: string },
): Progress {
  const mutex = need<Mutex>(machine, thread, mutexName, 'mutex')
  checkOwner(thread, mutex)
  const known = find<Condvar>(machine, thread, name, 'condvar')
  const other = known?.waiters.first?.blocker
  if (other?.state === 'CONDVAR' && other.mutex !== mutex)
    throw new KernelError('EINVAL', `threads wait for ${name} with the mutex ${other.mutex.name}`)
  if (known === null) checkShared(machine, name)
  const condvar = known ?? new Condvar(name, isShared(name) ? null : thread.parent)
  keep(machine, thread, condvar)
  const { count } = mutex
  giveUp(machine, thread, mutex)
  block(machine, thread, { state: 'CONDVAR', condvar, mutex, count })
  return 'blocked'
}

/**
 * SyncCondvarSignal: the first of those that wait for a condition takes its mutex again, or waits for it; with `all`
 * every one does. Where nobody waits nothing happens. Does not block. QNX: SyncCondvarSignal().
 * @param condvar its name
 * @param all all that wait, not only the first
 * @throws EINVAL it is no condition variable
 */
export function syncCondvarSignal(
  machine: Machine,
  thread: ModelThread,
  { condvar: name, all = false }: { condvar: string; all?: boolean },
): Progress {
  const condvar = find<Condvar>(machine, thread, name, 'condvar')
  const chosen = all ? [...(condvar?.waiters ?? [])] : [condvar?.waiters.first ?? null]
  for (const waiter of chosen)
    if (waiter?.blocker?.state === 'CONDVAR') takeAgain(machine, waiter, waiter.blocker, 'signalled')
  return success
}

/** The wait for a condition is over; the mutex is to be had first. */
export function takeAgain(
  machine: Machine,
  thread: ModelThread,
  { mutex, count }: Extract<Blocker, { state: 'CONDVAR' }>,
  outcome: AfterMutex['outcome'],
): void {
  const after: AfterMutex = { outcome, count }
  if (mutex.owner !== null) block(machine, thread, { state: 'MUTEX', mutex, after })
  else {
    own(machine, thread, mutex, count)
    releaseWithMutex(machine, thread, after)
  }
}
