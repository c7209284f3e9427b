/**
 * Changes the states of threads, which no other file does. Each function returns what has changed; `state-changes.ts`
 * passes that on to the kernel.
 */

import { assert, type Errno } from '../../kernel/errno.ts'
import { mayFollow, type ThreadState } from '../../kernel/states.ts'
import type { MachineCore } from '../machine-core.ts'
import type { Blocker } from '../objects/blocker.ts'
import type { Message } from '../objects/channel.ts'
import type { ModelThread, Returned } from '../objects/model-thread.ts'
import type { WaitQueue } from '../objects/wait-queue.ts'
import type { Value } from './call.ts'
import { borrowers, refreshBorrowers } from './priority.ts'
import { endTimeout, followTimeout } from './timeouts.ts'

/** Return value of a call, or the errno with which it fails. */
export type CallResult = { readonly value: Value } | { readonly errno: Errno }

/** A change of the state of a thread. */
export interface StateChange {
  readonly thread: ModelThread
  readonly from: ThreadState
  readonly to: ThreadState
}

/** A thread has begun to wait. */
export interface WaitBegun extends StateChange {
  /** The time which TimerTimeout has set for the wait has passed already. The caller ends the wait. */
  readonly isOverdue: boolean
}

/** The call in which a thread was blocked has returned. */
export interface CallReturned extends StateChange {
  readonly returned: Returned
}

export function stateOf({ condition }: ModelThread): ThreadState {
  assert(condition.state !== null, 'the state of a thread of the model is known')
  return condition.state
}

/** Preconditions: no other field of the thread says what it does. */
function enter(machine: MachineCore, thread: ModelThread, state: ThreadState): StateChange {
  const from = stateOf(thread)
  assert(mayFollow(from, state), `a thread does not go from ${from} to ${state}`)
  thread.condition = machine.conditionOf(state)
  thread.noteChange()
  return { thread, from, to: state }
}

/**
 * Gives the CPU to a thread which makes a call. The thread which had it becomes READY.
 * @returns a function which undoes this when the call is refused
 */
export function dispatch(machine: MachineCore, thread: ModelThread): () => void {
  const { running } = machine
  if (running === thread) return () => {}
  const restorers = [thread, ...(running === null ? [] : [running])].map(rememberState)
  if (running !== null) enter(machine, running, 'READY')
  machine.running = thread
  enter(machine, thread, 'RUNNING')
  return () => {
    machine.running = running
    for (const restore of restorers.reverse()) restore()
  }
}

/** @returns a function which sets the state of the thread back to its present one */
function rememberState(thread: ModelThread): () => void {
  const { condition, revision, parent } = thread
  const parentRevision = parent.revision
  return () => {
    thread.condition = condition
    thread.revision = revision
    parent.revision = parentRevision
  }
}

/** The queue in which a blocked thread waits; null when it waits in none. */
export function queueOf(blocker: Blocker): WaitQueue | null {
  switch (blocker.state) {
    case 'SEND':
      return blocker.message.connection.channel.senders
    case 'RECEIVE':
      return blocker.channel.receivers
    case 'MUTEX':
      return blocker.mutex.waiters
    case 'CONDVAR':
      return blocker.condvar.waiters
    case 'SEM':
      return blocker.semaphore.waiters
    default:
      return null
  }
}

/** Blocks a thread for one reason. The timeout which TimerTimeout has set starts to count, or continues. */
export function block(machine: MachineCore, thread: ModelThread, blocker: Blocker): WaitBegun {
  const former = thread.blocker === null ? null : thread.condition
  if (former !== null) leaveQueue(machine, thread)
  const { from, to } = enter(machine, thread, blocker.state)
  thread.former = former
  if (machine.running === thread) machine.running = null
  thread.blocker = blocker
  if (blocker.state === 'CONDVAR') blocker.mutex.awaited++
  const queue = queueOf(blocker)
  if (queue !== null) {
    thread.arrival = machine.nextArrival()
    queue.insert(thread)
  }
  refreshBorrowers(borrowers(thread))
  return { thread, from, to, isOverdue: followTimeout(machine, thread, blocker.state) }
}

/** Takes a thread out of its queue. Threads to which it lent its priority lose it. */
function leaveQueue(machine: MachineCore, thread: ModelThread): void {
  const lentTo = [...borrowers(thread)]
  const { blocker } = thread
  if (blocker !== null) undoWait(machine, thread, blocker)
  thread.queue?.remove(thread)
  thread.blocker = null
  thread.former = null
  refreshBorrowers(lentTo)
}

/** Ends the wait of a thread without a return of its call, because the thread ends. */
export function abandonWait(machine: MachineCore, thread: ModelThread): void {
  if (thread.blocker === null) return
  leaveQueue(machine, thread)
  machine.kernel.deadlocks.unblocked(thread, { what: 'abandoned' })
}

/** Lets the call of a blocked thread return. In a stopped process the thread becomes STOPPED, else READY. */
export function release(machine: MachineCore, thread: ModelThread, result: CallResult): CallReturned {
  const { calling } = thread
  assert(calling !== null && thread.blocker !== null, 'a thread that is released is blocked in a call')
  const from = stateOf(thread)
  leaveQueue(machine, thread)
  const returned: Returned = { call: calling, ...result }
  thread.returned = returned
  thread.calling = null
  endTimeout(machine, thread)
  const { to } = thread.parent.stopped ? stop(machine, thread) : enter(machine, thread, 'READY')
  return { thread, from, to, returned }
}

export function stop(machine: MachineCore, thread: ModelThread): StateChange {
  const change = enter(machine, thread, 'STOPPED')
  if (machine.running === thread) machine.running = null
  thread.blocker = { state: 'STOPPED' }
  return change
}

export function resume(machine: MachineCore, thread: ModelThread): StateChange {
  assert(thread.blocker?.state === 'STOPPED', 'a thread that is continued was stopped')
  thread.blocker = null
  return enter(machine, thread, 'READY')
}

/** Preconditions: the thread does not wait any more. */
export function die(machine: MachineCore, thread: ModelThread): void {
  assert(thread.blocker === null, 'a thread that ends has left its queue')
  enter(machine, thread, 'DEAD')
  thread.parent.living--
  machine.kernel.timers.ended(thread)
  // Threads which wait for its mutexes now wait for a dead owner.
  for (const { waiters } of thread.owned ?? []) for (const waiter of waiters) waiter.noteChange()
  if (machine.running === thread) machine.running = null
}

/** Undoes what a wait has changed in other objects. */
function undoWait(machine: MachineCore, thread: ModelThread, blocker: Blocker): void {
  switch (blocker.state) {
    case 'CONDVAR':
      blocker.mutex.awaited--
      break
    case 'REPLY':
      forgetMessage(blocker.message)
      break
    case 'JOIN':
      blocker.thread.joiner = null
      break
    case 'NANOSLEEP':
      machine.wheel.cancel(blocker.sleep)
      break
    case 'SIGSUSPEND':
      thread.mask = blocker.formerMask
      break
    default:
      break
  }
}

/**
 * Nobody waits for a reply to the message any more. Its receiver continues at the priority of the message. Its rcvid is
 * no longer valid, so that a late reply reaches no other client.
 */
function forgetMessage(message: Message): void {
  const { connection, rcvid, receiver } = message
  connection.channel.owner.received.delete(rcvid)
  if (receiver?.serving === message) receiver.serving = null
}
