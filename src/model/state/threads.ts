/** Saves and restores threads. Their waits and the messages they serve are restored once those objects exist. */

import type { TimedWaitState } from '../../kernel/deadlock/timed-wait.ts'
import { KernelError } from '../../kernel/errno.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { ThreadState as StateName } from '../../kernel/states.ts'
import { stateOf } from '../calls/scheduling.ts'
import type { Machine } from '../machine.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import { ModelThread, type Returned } from '../objects/model-thread.ts'
import { type BlockerState, exportBlocker, importBlocker } from './blockers.ts'
import { exportNode, type NodeState } from './nodes.ts'
import { there } from './references.ts'
import { exportPending, importPending, namesOf, type PendingState, signalsNamed } from './signals.ts'
import {
  type Arming,
  exportShares,
  exportTimeout,
  importShares,
  importTimeout,
  type Places,
  type SavedTimeout,
  type ShareState,
} from './timers.ts'

export interface SavedThread extends NodeState {
  readonly tid: number
  readonly name: string
  readonly isMain: boolean
  readonly detached: boolean
  readonly state: StateName
  readonly since: number
  /** The blocked state which it left directly for the present one; null when it did not. */
  readonly former: { readonly state: StateName; readonly since: number } | null
  /** State of its default timer; null when it has none. */
  readonly timed: TimedWaitState | null
  readonly status: number
  readonly priority: number
  readonly realPriority: number
  readonly servedPriority: number | null
  /** rcvid of the message which it serves. */
  readonly serving: number | null
  readonly blocker: BlockerState | null
  /** Name of the kernel call in which it is blocked. */
  readonly calling: string | null
  readonly returned: Returned | null
  readonly arrival: number
  readonly mask: readonly string[]
  readonly pending: readonly PendingState[]
  readonly timeout: SavedTimeout | null
  readonly shares: readonly ShareState[]
}

export function exportThread(kernel: Kernel, thread: ModelThread, places: Places): SavedThread {
  const { tid, name, isMain, detached, status, priority, realPriority, servedPriority } = thread
  const { serving, blocker, calling, returned, arrival } = thread
  return {
    tid,
    name,
    isMain,
    detached,
    state: stateOf(thread),
    since: thread.condition.since,
    former: exportFormer(thread),
    timed: places.timed.get(thread) ?? null,
    status,
    priority,
    realPriority,
    servedPriority,
    serving: serving === null ? null : serving.rcvid,
    blocker: blocker === null ? null : exportBlocker(blocker, places),
    calling,
    returned,
    arrival,
    mask: namesOf(thread.mask),
    pending: exportPending(thread.pending),
    timeout: exportTimeout(thread, places),
    shares: exportShares(thread, places),
    ...exportNode(kernel, thread),
  }
}

function exportFormer({ former }: ModelThread): SavedThread['former'] {
  return former === null || former.state === null ? null : { state: former.state, since: former.since }
}

export function importThread(
  { kernel }: Machine,
  process: ModelProcess,
  { state, arming }: { state: SavedThread; arming: Arming },
): void {
  const { tid, name, isMain, detached, priority, since } = state
  if (process.threads.has(tid)) throw new KernelError('EINVAL', `${process.path} has thread ${tid} twice`)
  const condition = { state: state.state, on: null, certain: true, why: null, since }
  const thread = new ModelThread(process, { tid, name, priority, isMain, detached, condition })
  if (state.former !== null) thread.former = { ...condition, ...state.former }
  thread.status = state.status
  thread.realPriority = state.realPriority
  thread.servedPriority = state.servedPriority
  thread.calling = state.calling
  thread.returned = state.returned
  thread.arrival = state.arrival
  thread.mask = signalsNamed(state.mask)
  thread.pending = importPending(state.pending)
  thread.timeout = state.timeout === null ? null : importTimeout(thread, state.timeout, arming)
  importShares(thread, state.shares, arming)
  process.threads.set(tid, thread)
  kernel.admit(thread)
  if (state.state !== 'DEAD') process.living++
}

/**
 * Restores the wait of a thread, and its message at the server. Preconditions: everything it can wait for is restored.
 */
export function importWait(machine: Machine, thread: ModelThread, state: SavedThread, arming: Arming): void {
  if (state.blocker === null) return
  const blocker = importBlocker(machine, thread, state.blocker, arming)
  thread.blocker = blocker
  if (blocker.state !== 'REPLY') return
  const { message } = blocker
  const { received } = message.connection.channel.owner
  if (received.has(message.rcvid))
    throw new KernelError('EINVAL', `rcvid ${message.rcvid} belongs to another client as well`)
  received.set(message.rcvid, message)
}

/** Preconditions: the messages which wait for replies are restored. */
export function importService(thread: ModelThread, { serving }: SavedThread): void {
  if (serving !== null) thread.serving = there(thread.parent.received.get(serving))
}
