/** Threads: made, joined, ended. */

import { assert, KernelError } from '../../kernel/errno.ts'
import type { LimitName } from '../../kernel/limits/table.ts'
import type { Newborn } from '../../kernel/limits/thresholds/deny.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import { threadDied, threadEntered, threadLeft } from '../../kernel/observations.ts'
import type { Machine } from '../machine.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { charge, chargeMemory, needRoom } from './charging.ts'
import { dropPending } from './delivery.ts'
import { defaultStackBytes, firstStackBytes, pagesOf } from './memory.ts'
import { endService } from './priority.ts'
import { endProcess } from './process.ts'
import { abandonWait, block, die, release, stop } from './scheduling.ts'
import { endTimeout } from './timeouts.ts'

const unlimited = Number.POSITIVE_INFINITY
export const priorityMax = 255
/** What a process without privilege may give. */
const unprivilegedMax = 63
export const defaultPriority = 10

export interface ThreadMaking {
  readonly name?: string
  readonly priority?: number
  readonly detached?: boolean
  /** Bytes. */
  readonly stackSize?: number
}

/**
 * ThreadCreate: makes a thread in the caller's process; it is READY (or STOPPED with its process). Does not block. QNX:
 * ThreadCreate().
 * @param name what it is called; thread-TID where it is left out
 * @param priority 1 to 255, above 63 for user 0 only; the caller's own, without what is lent to it, where it is left
 * out
 * @param detached nobody will join it
 * @param stackSize bytes reserved, 262,144 where it is left out
 * @returns tid, the lowest that is free
 * @throws EAGAIN RLIMIT_NTHR, or no room for a thread; ENOMEM RLIMIT_AS or RLIMIT_RSS, or no room for its stack; EPERM
 * the priority needs user 0
 */
export function threadCreate(machine: Machine, thread: ModelThread, making: ThreadMaking): Progress {
  const made = makeThread(machine, thread.parent, { priority: thread.realPriority, ...making })
  return { tid: made.tid }
}

/** @throws EAGAIN, ENOMEM, EPERM */
export function makeThread(machine: Machine, process: ModelProcess, making: ThreadMaking): ModelThread {
  const { priority = defaultPriority, detached = false, stackSize = defaultStackBytes } = making
  checkPriority(process.uid, priority)
  const used = Math.min(firstStackBytes, stackSize)
  const isMain = process.threads.size === 0
  const newborn = [newThread(process, { stackSize, isMain })]
  const reserving: Newborn[] = [{ level: 'thread', process, capacity: unlimited }]
  needRoom(
    machine,
    { limit: 'threads', node: process, delta: 1 },
    { limit: 'stack-size', node: process, delta: stackSize, newborn: reserving },
    { limit: 'stack', node: process, delta: used, newborn },
    { limit: 'address-space', node: process, delta: stackSize },
    { limit: 'memory', node: process, delta: pagesOf(used) },
  )
  const tid = process.ids.tid.take()
  const condition = machine.conditionOf('READY')
  const name = making.name ?? (isMain ? process.name : `thread-${tid}`)
  const thread = new ModelThread(process, { tid, name, priority, isMain, detached, condition })
  threadEntered(machine.kernel, thread)
  process.living++
  machine.setCapacity(thread, 'stack', stackSize)
  charge(machine, thread, 'stack-size', stackSize)
  if (isMain) limitMainStack(machine, process)
  charge(machine, thread, 'stack', used)
  for (const limit of ['cpu-time', 'cpu', 'mutexes'] as const) charge(machine, thread, limit, 0)
  charge(machine, process, 'address-space', stackSize)
  chargeMemory(machine, process, pagesOf(used))
  if (process.stopped) stop(machine, thread)
  return thread
}

/**
 * Room for a process and its first thread, before there is either.
 * @throws EAGAIN, ENOMEM, EPERM
 */
export function needRoomForFirst(
  machine: Machine,
  planned: Pick<ModelProcess, 'name' | 'container' | 'rlimits' | 'uid'> & { parent: Node | null },
  { stackSize = defaultStackBytes, priority = defaultPriority }: ThreadMaking,
): void {
  const { container, rlimits, uid, parent } = planned
  checkPriority(uid, priority)
  const used = Math.min(firstStackBytes, stackSize)
  const thread = newThread(planned, { stackSize, isMain: true })
  const need = (limit: LimitName, delta: number, ...newborn: Newborn[]) => ({ limit, node: container, delta, newborn })
  const process = (capacity: number): Newborn => ({ level: 'process', process: planned, capacity })
  needRoom(
    machine,
    ...(parent === null ? [] : [{ limit: 'children', node: parent, delta: 1 } as const]),
    need('processes', 1),
    need('threads', 1, process(rlimits.nthr.soft)),
    need('stack-size', stackSize, { level: 'thread', process: planned, capacity: unlimited }, process(unlimited)),
    need('stack', used, thread, process(unlimited)),
    need('address-space', stackSize, process(rlimits.as.soft)),
    need('memory', pagesOf(used), process(rlimits.rss.soft)),
  )
}

/** What the stack of a thread may be at the most. RLIMIT_STACK is for the main thread alone. */
function newThread(
  process: Pick<ModelProcess, 'name' | 'uid' | 'rlimits'>,
  { stackSize, isMain }: { stackSize: number; isMain: boolean },
): Newborn {
  return {
    level: 'thread',
    process,
    capacity: isMain ? Math.min(stackSize, process.rlimits.stack.soft) : stackSize,
  }
}

/** RLIMIT_STACK is for the main thread alone. */
export function limitMainStack(machine: Machine, { threads, rlimits }: ModelProcess): void {
  const main = threads.get(1)
  if (main === undefined || !main.isMain || main.isDead) return
  machine.setCapacity(main, 'stack', Math.min(machine.usage(main, 'stack-size'), rlimits.stack.soft))
}

function checkPriority(uid: number, priority: number): void {
  if (uid !== 0 && priority > unprivilegedMax)
    throw new KernelError('EPERM', `a priority above ${unprivilegedMax} needs user 0`)
}

/** @throws ESRCH */
function threadOf(process: ModelProcess, tid: number): ModelThread {
  const thread = process.threads.get(tid)
  if (thread === undefined) throw new KernelError('ESRCH', `process ${process.pid} has no thread ${tid}`)
  return thread
}

/**
 * ThreadJoin: waits for the end of a thread of the caller's process. One that has ended already is gone with this.
 * Blocks in JOIN while that lives. Signals do not end the wait. QNX: ThreadJoin().
 * @param tid of the thread; its id is free when this returns
 * @returns tid and status of the thread that ended
 * @throws ESRCH no such thread; EDEADLK it is the caller itself; EINVAL it is detached; EBUSY another thread joins it
 * already; ETIMEDOUT after TimerTimeout
 */
export function threadJoin(machine: Machine, thread: ModelThread, { tid }: { tid: number }): Progress {
  const other = threadOf(thread.parent, tid)
  if (other === thread) throw new KernelError('EDEADLK', 'a thread cannot join itself')
  if (other.detached) throw new KernelError('EINVAL', `thread ${tid} is detached: nobody can join it`)
  if (other.joiner !== null) throw new KernelError('EBUSY', `thread ${other.joiner.tid} joins it already`)
  if (other.isDead) {
    remove(machine, other)
    return { tid, status: other.status }
  }
  other.joiner = thread
  block(machine, thread, { state: 'JOIN', thread: other })
  return 'blocked'
}

/**
 * ThreadDetach: nobody will join the thread; one that has ended is gone with this. Does not block. QNX: ThreadDetach().
 * @param tid of a thread of the caller's process, or its own
 * @throws ESRCH no such thread; EINVAL it is detached already; EBUSY another thread joins it
 */
export function threadDetach(machine: Machine, { parent }: ModelThread, { tid }: { tid: number }): Progress {
  const other = threadOf(parent, tid)
  if (other.detached) throw new KernelError('EINVAL', `thread ${tid} is detached already`)
  if (other.joiner !== null) throw new KernelError('EBUSY', `thread ${other.joiner.tid} joins it`)
  other.detached = true
  if (other.isDead) remove(machine, other)
  return success
}

/**
 * ThreadDestroy: ends a thread. The last one ends its process. Mutexes that it owns stay locked by it; clients whose
 * message it received return ESRCH; who joins it returns. Does not block, and of the caller itself does not return.
 * QNX: ThreadDestroy().
 * @param tid of a thread of the caller's process; 0 is the caller itself; -1 all threads but the caller
 * @param status what ThreadJoin returns, an integer; of the last thread its lowest eight bits are the exit code of the
 * process
 * @throws ESRCH no such thread, or it has ended
 */
export function threadDestroy(
  machine: Machine,
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

/** Preconditions: it lives. */
export function endThread(machine: Machine, thread: ModelThread, status: number): void {
  const process = thread.parent
  if (process.living === 1) {
    endProcess(machine, process, { code: status & 0xff, signal: null })
    return
  }
  stopThread(machine, thread)
  thread.status = status
  for (const client of clientsOf(thread)) release(machine, client, { errno: 'ESRCH' })
  // Told before it gives anything back: what was tripped is cleared by its death.
  threadDied(machine.kernel, thread)
  freeThread(machine, thread)
  const { joiner } = thread
  if (joiner !== null) release(machine, joiner, { value: { tid: thread.tid, status } })
  if (joiner !== null || thread.detached) remove(machine, thread)
}

/** Out of every line, and of every call. */
export function stopThread(machine: Machine, thread: ModelThread): void {
  abandonWait(machine, thread)
  endTimeout(machine, thread)
  endService(thread)
  dropPending(machine, thread)
  for (const share of thread.shares ?? []) machine.wheel.cancel(share)
  thread.shares = null
  thread.recentUs = 0
  thread.calling = null
  die(machine, thread)
}

/** Whose message it received. */
function clientsOf(thread: ModelThread): ModelThread[] {
  const messages = [...thread.parent.received.values()]
  return messages.filter(({ receiver }) => receiver === thread).map(({ client }) => client)
}

/** What it held. Its mutexes stay its own, though nobody counts them any more. */
function freeThread(machine: Machine, thread: ModelThread): void {
  const [size, used] = [machine.usage(thread, 'stack-size'), machine.usage(thread, 'stack')]
  chargeMemory(machine, thread.parent, -pagesOf(used))
  charge(machine, thread.parent, 'address-space', -size)
  for (const limit of ['stack', 'stack-size', 'mutexes', 'cpu'] as const)
    charge(machine, thread, limit, -machine.usage(thread, limit))
}

/** Its tid is free again. */
function remove(machine: Machine, thread: ModelThread): void {
  assert(thread.isDead, 'a thread that is removed has ended')
  threadLeft(machine.kernel, thread)
  thread.parent.ids.tid.giveBack(thread.tid)
}
