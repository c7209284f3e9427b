/** Implements the calls which create and end processes, and which report the end of a child. None of them blocks. */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { endProcess } from './ending.ts'
import { makeProcess } from './process-creation.ts'
import type { ThreadMaking } from './thread-creation.ts'

/**
 * spawn: creates a child of the caller's process, with one thread, which is READY. The child inherits the user, the
 * partition, the rlimits, the caller's signal mask, the signals that the process ignores, and the caller's priority
 * without what is lent to the caller. It inherits nothing else: signals that the parent handles have their default
 * action, and there are no queued signals, descriptors, connections, timers or mappings. Does not block. QNX:
 * posix_spawn().
 * @param name its name
 * @param uid another user, which only user 0 may give
 * @param thread priority and stackSize of its thread, as for ThreadCreate
 * @returns pid
 * @throws EAGAIN RLIMIT_NPROC of the caller's process, RLIMIT_NTHR, or no room for a process or a thread; ENOMEM
 * RLIMIT_AS, RLIMIT_RSS or RLIMIT_STACK, or no room for its stack; EPERM `uid` is another user, and the caller is not
 * user 0; EPERM the priority is above 63, and the child is not user 0
 */
export function spawn(
  machine: MachineCore,
  thread: ModelThread,
  { name, uid, thread: making = {} }: { name: string; uid?: number; thread?: Omit<ThreadMaking, 'detached'> },
): Progress {
  const { parent } = thread
  if (uid !== undefined && uid !== parent.uid && parent.uid !== 0)
    throw new KernelError(
      'EPERM',
      `process ${parent.pid} does not belong to user 0: omit uid, or set it to ${parent.uid}`,
    )
  const { pid } = makeProcess(machine, {
    name,
    uid: uid ?? parent.uid,
    parent,
    mask: thread.mask,
    thread: { priority: thread.realPriority, ...making },
  })
  return { pid }
}

/**
 * exit: ends the caller's process with everything it has. Clients that wait for it return ESRCH, and its children
 * continue without a parent. Does not block, and does not return. QNX: exit().
 * @param status its exit code, 0 to 255
 */
export function exit(machine: MachineCore, { parent }: ModelThread, { status = 0 }: { status?: number }): Progress {
  endProcess(machine, parent, { code: status, signal: null })
  return success
}

/**
 * waitpid: reports the end of a child. Its pid is free then. Does not block, as with WNOHANG: to wait for a child, mask
 * SIGCHLD and call SignalWaitinfo. QNX: waitpid().
 * @param pid of the child; -1 is any child
 * @returns pid, code (null where a signal ended it) and signal; pid 0 while the child runs
 * @throws ECHILD no such child
 */
export function waitpid({ processes }: MachineCore, { parent }: ModelThread, { pid = -1 }: { pid?: number }): Progress {
  const zombie = pid === -1 ? parent.zombies.values().next().value : parent.zombies.get(pid)
  if (zombie !== undefined) {
    parent.zombies.delete(zombie.pid)
    processes.releasePid(zombie.pid)
    return { ...zombie }
  }
  const isRunning = pid === -1 ? parent.children.size > 0 : processes.find(pid)?.parentProcess === parent
  if (!isRunning)
    throw new KernelError(
      'ECHILD',
      pid === -1 ? `process ${parent.pid} has no children` : `process ${pid} is no child of process ${parent.pid}`,
    )
  return { pid: 0, code: null, signal: null }
}
