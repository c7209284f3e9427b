/**
 * Makes the calls of blocked threads return, and reports changes of thread states to the kernel: to its events, its
 * default timers, and its graph of waits.
 */

import type { EventData } from '../../kernel/events.ts'
import type { MachineCore } from '../machine-core.ts'
import { describeBlocker } from '../objects/blocker.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type CallResult, release, type StateChange, type WaitBegun } from './scheduling.ts'

const returnedWell = { what: 'returned' } as const

/** Emits the event of a thread which was stopped or continued. */
export function announce(machine: MachineCore, change: StateChange): void {
  emitState(machine, change.thread, change.to === 'STOPPED' ? {} : { from: change.from })
}

/** A thread waits: passes that on. */
export function announceWait(machine: MachineCore, { thread }: WaitBegun): void {
  emitState(machine, thread)
  machine.kernel.timers.follow(thread)
  machine.kernel.deadlocks.blocked(thread)
}

/** Lets the call of a blocked thread return, and passes that on. */
export function wake(machine: MachineCore, thread: ModelThread, result: CallResult): void {
  const { from, to, returned } = release(machine, thread, result)
  const { deadlocks, timers } = machine.kernel
  const errno = 'errno' in result ? { errno: result.errno } : null
  deadlocks.unblocked(thread, errno === null ? returnedWell : { what: 'returned', ...errno })
  emitState(machine, thread, to === 'STOPPED' ? {} : { from, call: returned.call, ...errno })
  timers.follow(thread)
  machine.notifyReturn(thread)
}

type ReturnedCall = Pick<EventData['thread.changed'], 'from' | 'call' | 'errno'>

function emitState({ kernel }: MachineCore, thread: ModelThread, more: ReturnedCall = {}): void {
  const { parent: process, blocker } = thread
  const { partition } = process
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
