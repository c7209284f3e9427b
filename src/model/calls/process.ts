/** Processes: made, ended, waited for, moved. */

import { KernelError } from '../../kernel/errno.ts'
import { type RlimitName, rlimitNames } from '../../kernel/limits/rlimits.ts'
import { emitDenied } from '../../kernel/limits/thresholds/deny.ts'
import { containers } from '../../kernel/nodes/node.ts'
import type { Partition } from '../../kernel/nodes/partition.ts'
import type { Rlimit } from '../../kernel/nodes/process.ts'
import type { System } from '../../kernel/nodes/system.ts'
import { processEnded, processEntered, processMoved, threadLeft } from '../../kernel/observations.ts'
import type { Machine } from '../machine.ts'
import { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { destroyChannel, detach } from './channel.ts'
import { chargeMemory, moveMemory, needRoomToMove } from './charging.ts'
import { deliver } from './delivery.ts'
import { applyRlimit, firstRlimits } from './rlimits.ts'
import { makeThread, needRoomForFirst, stopThread, type ThreadMaking } from './thread.ts'

export const pidMax = 4_194_304

/** What is left out is the parent's; of a process without one it is user 0, no partition, and the first rlimits. */
export interface ProcessMaking {
  readonly name: string
  readonly uid?: number
  readonly parent?: ModelProcess | null
  readonly container?: Partition | System
  readonly rlimits?: Readonly<Record<RlimitName, Rlimit>>
  readonly thread?: Omit<ThreadMaking, 'detached'>
}

/** @throws EAGAIN, ENOMEM, EPERM; then nothing has changed */
export function makeProcess(machine: Machine, making: ProcessMaking): ModelProcess {
  const { kernel } = machine
  const { name, parent = null, thread = {} } = making
  const uid = making.uid ?? parent?.uid ?? 0
  const container = making.container ?? parent?.container ?? kernel.system
  const rlimits = making.rlimits ?? parent?.rlimits ?? firstRlimits
  needRoomForFirst(machine, { name, container, rlimits, uid, parent }, thread)
  const pid = nextPid(machine)
  const process = new ModelProcess(
    {
      pid,
      identity: `model-${pid}-${++machine.births}`,
      started: kernel.now,
      name,
      uid,
      parentProcess: parent,
      executable: null,
      container,
    },
    rlimits,
  )
  machine.lastPid = pid
  machine.pids.add(pid)
  processEntered(kernel, process)
  machine.count(process)
  for (const rlimit of rlimitNames) applyRlimit(machine, process, rlimit)
  makeThread(machine, process, thread)
  return process
}

/** All pids are used before one comes again. @throws EAGAIN */
function nextPid({ pids, lastPid }: Machine): number {
  if (pids.size >= pidMax) throw new KernelError('EAGAIN', `all ${pidMax} pids are in use`)
  let pid = lastPid
  do pid = pid >= pidMax ? 1 : pid + 1
  while (pids.has(pid))
  return pid
}

/**
 * spawn: makes a child of the caller's process, with one thread, that is READY. It inherits user, partition and
 * rlimits. Does not block. QNX: posix_spawn().
 * @param name what it is called
 * @param uid another user, which only user 0 may give
 * @param thread priority and stackSize of its thread, as for ThreadCreate
 * @returns pid
 * @throws EAGAIN RLIMIT_NPROC of the caller's process, RLIMIT_NTHR, or no room for a process or a thread; ENOMEM
 * RLIMIT_AS, RLIMIT_RSS or RLIMIT_STACK, or no room for its stack; EPERM another user, or a priority above 63, and the
 * caller (or for the priority the child) is not user 0
 */
export function spawn(
  machine: Machine,
  thread: ModelThread,
  { name, uid, thread: making = {} }: { name: string; uid?: number; thread?: Omit<ThreadMaking, 'detached'> },
): Progress {
  const { parent } = thread
  if (uid !== undefined && uid !== parent.uid && parent.uid !== 0)
    throw new KernelError('EPERM', `process ${parent.pid} is not user 0: its children have its own user`)
  const made = makeProcess(machine, {
    name,
    uid: uid ?? parent.uid,
    parent,
    thread: { priority: thread.realPriority, ...making },
  })
  return { pid: made.pid }
}

/**
 * exit: ends the caller's process with all that it has: clients that wait for it return ESRCH, its children live on
 * without a parent. Does not block, and does not return. QNX: exit().
 * @param status its exit code, 0 to 255
 */
export function exit(machine: Machine, { parent }: ModelThread, { status = 0 }: { status?: number }): Progress {
  endProcess(machine, parent, { code: status, signal: null })
  return success
}

/**
 * waitpid: takes the end of a child, whose pid is free then. Does not block, as with WNOHANG: mask SIGCHLD, and sleep
 * for it with SignalWaitinfo. QNX: waitpid().
 * @param pid of the child; -1 is any
 * @returns pid, code (null where a signal ended it) and signal; pid 0 where the child lives
 * @throws ECHILD no such child
 */
export function waitpid(machine: Machine, { parent }: ModelThread, { pid = -1 }: { pid?: number }): Progress {
  const zombie = pid === -1 ? parent.zombies.values().next().value : parent.zombies.get(pid)
  if (zombie !== undefined) {
    parent.zombies.delete(zombie.pid)
    machine.pids.delete(zombie.pid)
    return { ...zombie }
  }
  const lives = pid === -1 ? parent.children.size > 0 : machine.find(pid)?.parentProcess === parent
  if (!lives) throw new KernelError('ECHILD', pid === -1 ? 'it has no children' : `${pid} is no child of it`)
  return { pid: 0, code: null, signal: null }
}

/** The process ends, with all that it has. Preconditions: it lives. */
export function endProcess(
  machine: Machine,
  process: ModelProcess,
  ending: { readonly code: number | null; readonly signal: string | null },
): void {
  const { pid, threads, channels, connections, timers, zombies } = process
  const parent = process.parentProcess
  // What was tripped is cleared by the death, not by what the dying give back.
  machine.kernel.settle()
  for (const node of [...threads.values(), process]) machine.kernel.notifier.removeNode(node)
  for (const thread of [...threads.values()]) if (thread.isDead) threadLeft(machine.kernel, thread)
  // Its threads first: none of them returns from anything any more.
  for (const thread of threads.values()) stopThread(machine, thread)
  for (const channel of [...channels.values()]) destroyChannel(machine, channel)
  for (const connection of [...connections.values()]) detach(machine, connection)
  for (const timer of timers.values()) machine.wheel.cancel(timer)
  chargeMemory(machine, process, -process.resident)
  processEnded(machine.kernel, process, ending)
  for (const zombie of zombies.values()) machine.pids.delete(zombie.pid)
  if (parent === null || !awaitsChildren(parent)) machine.pids.delete(pid)
  else {
    parent.zombies.set(pid, { pid, ...ending })
    tellParent(machine, parent, pid)
  }
}

/** Who ignores SIGCHLD has no zombies. */
function awaitsChildren({ dispositions }: ModelProcess): boolean {
  for (const [{ name }, disposition] of dispositions) if (name === 'SIGCHLD') return disposition !== 'ignore'
  return true
}

function tellParent(machine: Machine, parent: ModelProcess, pid: number): void {
  const signal = machine.childSignal
  try {
    deliver(machine, parent, null, { signal, code: 0, value: pid, from: pid })
  } catch (error) {
    // A parent whose queue is full finds its zombie all the same, when it asks.
    if (!(error instanceof KernelError)) throw error
    emitDenied(machine.kernel, error, { cause: `/sys/proc/${pid}`, call: null })
  }
}

/**
 * move: the process is of another partition from now on.
 * @param partition pathname of a partition; /sys is none
 * @throws ENOENT no such partition; EAGAIN, EMFILE, ENOMEM or EFBIG it has no room for what the process uses
 */
export function move(machine: Machine, process: ModelProcess, container: Partition | System): void {
  if (process.container === container) return
  const { resident } = process
  const before = new Set(containers(process))
  const after = new Set([container, ...containers(container)])
  const entered = after.difference(before)
  needRoomToMove(machine, process, { container, entered })
  for (const node of before.difference(after)) moveMemory(machine, node, -resident)
  for (const node of entered) moveMemory(machine, node, resident)
  processMoved(machine.kernel, process, container)
}
