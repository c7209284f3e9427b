/** Implements the calls which create, join, detach and end threads. */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { endThread, removeThread } from './ending.ts'
import { makeThread, type ThreadMaking } from './thread-creation.ts'
import { wait } from './waits.ts'

/**
 * ThreadCreate: creates a thread in the caller's process. It is READY, or STOPPED in a stopped process. It inherits the
 * caller's signal mask, and the priority if none is given. It inherits nothing else: no queued signals, no mutexes, and
 * no priority that is lent to the caller. Does not block. QNX: ThreadCreate().
 * @param name its name; without it thread-TID
 * @param priority 1 to 255, above 63 for user 0 only; without it the caller's own, without what is lent to the caller
 * @param detached no thread will join it
 * @param stackSize bytes reserved; without it 262,144
 * @returns tid, the lowest that is free
 * @throws EAGAIN RLIMIT_NTHR, or no room for a thread; ENOMEM RLIMIT_AS or RLIMIT_RSS, or no room for its stack; EPERM
 * the priority needs user 0
 */
export function threadCreate(machine: MachineCore, thread: ModelThread, making: ThreadMaking): Progress {
  const { tid } = makeThread(machine, thread.parent, { priority: thread.realPriority, ...making }, thread.mask)
  return { tid }
}

/** @throws KernelError ESRCH when the process has no such thread */
function threadOf(process: ModelProcess, tid: number): ModelThread {
  const thread = process.threads.get(tid)
  if (thread === undefined) throw new KernelError('ESRCH', `process ${process.pid} has no thread ${tid}`)
  return thread
}

/**
 * ThreadJoin: waits for the end of a thread of the caller's process, and removes the thread. Returns at once when it
 * has ended already. Blocks in JOIN until the thread ends. Signals do not end the wait. QNX: ThreadJoin().
 * @param tid of the thread; it is free again when this returns
 * @returns tid and status of the thread that ended
 * @throws ESRCH no such thread; EDEADLK it is the caller itself; EINVAL it is detached; EBUSY another thread joins it
 * already; ETIMEDOUT after TimerTimeout
 */
export function threadJoin(machine: MachineCore, thread: ModelThread, { tid }: { tid: number }): Progress {
  const other = threadOf(thread.parent, tid)
  if (other === thread) throw new KernelError('EDEADLK', 'a thread cannot join itself')
  if (other.detached) throw new KernelError('EINVAL', `thread ${tid} is detached: nobody can join it`)
  if (other.joiner !== null) throw new KernelError('EBUSY', `thread ${other.joiner.tid} joins it already`)
  if (other.isDead) {
    removeThread(machine, other)
    return { tid, status: other.status }
  }
  other.joiner = thread
  return wait(machine, thread, { state: 'JOIN', thread: other })
}

/**
 * ThreadDetach: declares that no thread will join a thread. One that has ended is removed. Does not block. QNX:
 * ThreadDetach().
 * @param tid of a thread of the caller's process, or its own
 * @throws ESRCH no such thread; EINVAL it is detached already; EBUSY another thread joins it
 */
export function threadDetach(machine: MachineCore, { parent }: ModelThread, { tid }: { tid: number }): Progress {
  const other = threadOf(parent, tid)
  if (other.detached) throw new KernelError('EINVAL', `thread ${tid} is detached already`)
  if (other.joiner !== null) throw new KernelError('EBUSY', `thread ${other.joiner.tid} joins it`)
  other.detached = true
  if (other.isDead) removeThread(machine, other)
  return success
}

/**
 * ThreadDestroy: ends a thread. The last one ends its process. Mutexes that the thread owns stay locked. Clients whose
 * message it received return ESRCH. A thread that joins it returns. Does not block, and does not return to a caller
 * that ends itself. QNX: ThreadDestroy().
 * @param tid of a thread of the caller's process; 0 is the caller itself; -1 all threads but the caller
 * @param status integer that ThreadJoin returns; the process exits with the low 8 bits of its last thread's status
 * @throws ESRCH no such thread, or it has ended
 */
export function threadDestroy(
  machine: MachineCore,
  thread: ModelThread,
  { tid = 0, status = 0 }: { tid?: number; status?: number },
): Progress {
  const { parent } = thread
  if (tid === -1) {
    const others = [...parent.threads.values()].filter((other) => other !== thread && !other.isDead)
    for (const other of others) endThread(machine, other, status)
    return success
  }
  const other = tid === 0 ? thread : threadOf(parent, tid)
  if (other.isDead) throw new KernelError('ESRCH', `thread ${tid} has ended`)
  endThread(machine, other, status)
  return success
}
