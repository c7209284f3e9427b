/** Threads change their states here and nowhere else. */

import { assert, type Errno } from '../../kernel/errno.ts'
import type { EventData } from '../../kernel/events.ts'
import { mayFollow, type ThreadState } from '../../kernel/states.ts'
import type { Machine } from '../machine.ts'
import type { Blocker } from '../objects/blocker.ts'
import { describeBlocker } from '../objects/blocker.ts'
import type { Message } from '../objects/channel.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import type { WaitQueue } from '../objects/wait-queue.ts'
import type { Value } from './call.ts'
import { borrowers, refreshBorrowers } from './priority.ts'
import { endTimeout, followTimeout } from './timeouts.ts'

const returned = { what: 'returned' } as const

export function stateOf({ condition }: ModelThread): ThreadState {
  assert(condition.state !== null, 'the state of a thread of the model is known')
  return condition.state
}

/** Preconditions: nothing else of the thread says what it does. */
function enter(machine: Machine, thread: ModelThread, state: ThreadState): void {
  const from = stateOf(thread)
  assert(mayFollow(from, state), `a thread does not go from ${from} to ${state}`)
  thread.condition = machine.conditionOf(state)
  thread.noteChange()
}

/** The thread makes a call: it has the CPU. Who had it before is ready. What undoes it where the call is refused. */
export function dispatch(machine: Machine, thread: ModelThread): () => void {
  const { running } = machine
  if (running === thread) return () => {}
  const undone = [thread, ...(running === null ? [] : [running])].map(remember)
  if (running !== null) enter(machine, running, 'READY')
  machine.running = thread
  enter(machine, thread, 'RUNNING')
  return () => {
    machine.running = running
    for (const undo of undone.reverse()) undo()
  }
}

/** What sets a thread's state back to what it is now. */
function remember(thread: ModelThread): () => void {
  const { condition, revision, parent } = thread
  const parents = parent.revision
  return () => {
    thread.condition = condition
    thread.revision = revision
    parent.revision = parents
  }
}

/** Where a blocked thread waits in line, if it does. */
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

/** The thread waits from now on, for one reason. What TimerTimeout set begins to count, or goes on. */
export function block(machine: Machine, thread: ModelThread, blocker: Blocker): void {
  const before = thread.blocker === null ? null : thread.condition
  if (before !== null) leaveLine(machine, thread)
  enter(machine, thread, blocker.state)
  thread.former = before
  if (machine.running === thread) machine.running = null
  thread.blocker = blocker
  if (blocker.state === 'CONDVAR') blocker.mutex.awaited++
  const queue = queueOf(blocker)
  if (queue !== null) {
    thread.arrival = machine.nextArrival()
    queue.insert(thread)
  }
  refreshBorrowers(borrowers(thread))
  tellState(machine, thread)
  machine.kernel.timers.follow(thread)
  machine.kernel.deadlocks.blocked(thread)
  followTimeout(machine, thread, blocker.state)
}

/** Out of its line; whoever it lent its priority to gets it back. */
function leaveLine(machine: Machine, thread: ModelThread): void {
  const lentTo = [...borrowers(thread)]
  const { blocker } = thread
  if (blocker !== null) undo(machine, thread, blocker)
  thread.queue?.remove(thread)
  thread.blocker = null
  thread.former = null
  refreshBorrowers(lentTo)
}

/** Its wait ends without a return: the thread ends itself, or waits for something else from now on. */
export function abandonWait(machine: Machine, thread: ModelThread): void {
  if (thread.blocker === null) return
  leaveLine(machine, thread)
  machine.kernel.deadlocks.unblocked(thread, { what: 'abandoned' })
}

/** Its call returns. In a stopped process it goes on only when that is continued. */
export function release(machine: Machine, thread: ModelThread, result: { value: Value } | { errno: Errno }): void {
  const { calling } = thread
  assert(calling !== null && thread.blocker !== null, 'a thread that is released is blocked in a call')
  const from = stateOf(thread)
  leaveLine(machine, thread)
  machine.kernel.deadlocks.unblocked(thread, 'errno' in result ? { what: 'returned', errno: result.errno } : returned)
  thread.returned = { call: calling, ...result }
  thread.calling = null
  endTimeout(machine, thread)
  if (thread.parent.stopped) stop(machine, thread)
  else {
    enter(machine, thread, 'READY')
    tellState(machine, thread, { from, call: calling, ...('errno' in result && { errno: result.errno }) })
  }
  machine.kernel.timers.follow(thread)
  machine.onReturn(thread)
}

export function stop(machine: Machine, thread: ModelThread): void {
  enter(machine, thread, 'STOPPED')
  if (machine.running === thread) machine.running = null
  thread.blocker = { state: 'STOPPED' }
  tellState(machine, thread)
}

export function go(machine: Machine, thread: ModelThread): void {
  assert(thread.blocker?.state === 'STOPPED', 'a thread that is continued was stopped')
  thread.blocker = null
  enter(machine, thread, 'READY')
  tellState(machine, thread, { from: 'STOPPED' })
}

/** Preconditions: it waits for nothing any more. */
export function die(machine: Machine, thread: ModelThread): void {
  assert(thread.blocker === null, 'a thread that ends has left its line')
  enter(machine, thread, 'DEAD')
  thread.parent.living--
  machine.kernel.timers.ended(thread)
  // Who waits for its mutexes waits for a dead owner now.
  for (const { waiters } of thread.owned ?? []) for (const waiter of waiters) waiter.noteChange()
  if (machine.running === thread) machine.running = null
}

/** What its wait had put elsewhere. */
function undo(machine: Machine, thread: ModelThread, blocker: Blocker): void {
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
 * Nobody waits for a reply to it any more. Who works for it does so on at its priority; its rcvid is nobody's again, so
 * that a late reply finds no other client.
 */
function forgetMessage(message: Message): void {
  const { connection, rcvid, receiver } = message
  connection.channel.owner.received.delete(rcvid)
  if (receiver?.serving === message) receiver.serving = null
}

type ReturnedCall = Pick<EventData['thread.changed'], 'from' | 'call' | 'errno'>

function tellState(machine: Machine, thread: ModelThread, more: ReturnedCall = {}): void {
  const { kernel } = machine
  const process = thread.parent
  const { partition } = process
  const { blocker } = thread
  kernel.emit('thread.changed', {
    subject: thread.path,
    about: partition === null ? [] : [partition.path],
    data: {
      what: 'state',
      pid: process.pid,
      tid: thread.tid,
      name: thread.name,
      identity: process.identity,
      state: thread.condition.state,
      ...(blocker !== null && { on: describeBlocker(blocker) }),
      ...more,
    },
  })
}
