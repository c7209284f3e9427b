/**
 * Changes the owners of mutexes: takes a mutex, gives it up, or passes it on to the first thread which waits for it.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { AfterMutex, Blocker } from '../objects/blocker.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import type { Mutex } from '../objects/sync.ts'
import { success } from './call.ts'
import { charge } from './charging.ts'
import { refreshPriority } from './priority.ts'
import { block } from './scheduling.ts'
import { announceWait, wake } from './state-changes.ts'
import { endTimeout } from './timeouts.ts'

const countMax = 65_535

function own(machine: MachineCore, thread: ModelThread, mutex: Mutex, count: number): void {
  mutex.owner = thread
  mutex.count = count
  thread.owned ??= new Set()
  thread.owned.add(mutex)
  machine.kernel.deadlocks.ownerChanged(mutex)
  // The waiters now wait for another owner, which clients see.
  for (const waiter of mutex.waiters) waiter.noteChange()
  charge(machine, thread, 'mutexes', 1)
}

function disown(machine: MachineCore, thread: ModelThread, mutex: Mutex): void {
  mutex.owner = null
  mutex.count = 0
  thread.owned?.delete(mutex)
  machine.kernel.deadlocks.ownerChanged(mutex)
  charge(machine, thread, 'mutexes', -1)
}

/**
 * Takes a mutex if that is possible without waiting.
 * @returns whether the caller owns it now
 * @throws KernelError EDEADLK when it is error-checking and the caller owns it already; EAGAIN when it is recursive and
 * was locked as often as possible
 */
export function tryLock(machine: MachineCore, thread: ModelThread, mutex: Mutex): boolean {
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

/** Gives a mutex up completely, however often it is locked. Its first waiter owns it then, and returns. */
export function giveUp(machine: MachineCore, thread: ModelThread, mutex: Mutex): void {
  disown(machine, thread, mutex)
  const heir = mutex.waiters.first
  if (heir?.blocker?.state === 'MUTEX') {
    const { after } = heir.blocker
    own(machine, heir, mutex, after.count)
    wakeWithMutex(machine, heir, after)
    // The remaining waiters lend their priority to the new owner.
    refreshPriority(heir)
  }
  refreshPriority(thread)
}

function wakeWithMutex(machine: MachineCore, thread: ModelThread, { outcome }: AfterMutex): void {
  wake(machine, thread, outcome === 'timed-out' ? { errno: 'ETIMEDOUT' } : { value: success })
}

/**
 * The wait for a condition is over: the thread takes its mutex again before it returns, and waits for it if necessary.
 */
export function takeAgain(
  machine: MachineCore,
  thread: ModelThread,
  { mutex, count }: Extract<Blocker, { state: 'CONDVAR' }>,
  outcome: 'signalled' | 'timed-out',
): void {
  const after: AfterMutex = { outcome, count }
  if (mutex.owner === null) {
    own(machine, thread, mutex, count)
    wakeWithMutex(machine, thread, after)
    return
  }
  const blocker = { state: 'MUTEX', mutex, after } as const
  const begun = block(machine, thread, blocker)
  announceWait(machine, begun)
  if (begun.isOverdue) returnTimedOut(machine, thread, blocker)
}

/** Changes what a thread which takes its mutex again will return: ETIMEDOUT. It waits for the mutex all the same. */
export function returnTimedOut(
  machine: MachineCore,
  thread: ModelThread,
  blocker: Extract<Blocker, { state: 'MUTEX' }>,
): void {
  endTimeout(machine, thread)
  thread.blocker = { ...blocker, after: { ...blocker.after, outcome: 'timed-out' } }
}

/** @throws KernelError EPERM when the thread does not own the mutex */
export function checkOwner(thread: ModelThread, mutex: Mutex): void {
  if (mutex.owner === thread) return
  throw new KernelError('EPERM', describeOwner(mutex))
}

/** Says who owns a mutex. The tid of an owner which has ended may belong to another thread by now. */
export function describeOwner({ name, owner }: Mutex): string {
  if (owner === null) return `${name} is owned by nobody`
  return `${name} is owned by ${owner.isDead ? `a thread that has ended, once ${owner.path}` : owner.path}`
}
