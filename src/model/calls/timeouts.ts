/** TimerTimeout: an end for the next wait. */

import type { ThreadState } from '../../kernel/states.ts'
import type { Machine } from '../machine.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { release } from './scheduling.ts'
import { takeAgain } from './sync.ts'

/**
 * The thread is in this state from now on. In one that is listed the time counts, until the same moment however often it
 * goes from one such state to another; in any other it does not.
 */
export function followTimeout(machine: Machine, thread: ModelThread, state: ThreadState): void {
  const { timeout } = thread
  if (timeout === null) return
  if (!timeout.states.has(state)) machine.wheel.cancel(timeout)
  else if (timeout.due <= machine.kernel.now) timeOut(machine, thread)
  else if (!timeout.isArmed) machine.wheel.arm(timeout, timeout.due)
}

/** The call returns: what was set for it is over. */
export function endTimeout(machine: Machine, thread: ModelThread): void {
  if (thread.timeout === null) return
  machine.wheel.cancel(thread.timeout)
  thread.timeout = null
}

/** The time of a wait is over. */
export function timeOut(machine: Machine, thread: ModelThread): void {
  const { blocker } = thread
  endTimeout(machine, thread)
  // Whoever waited for a condition returns with the mutex, however the wait ended, and however long it takes to have it.
  if (blocker?.state === 'CONDVAR') takeAgain(machine, thread, blocker, 'timed-out')
  else if (blocker?.state === 'MUTEX' && blocker.after.outcome !== 'locked')
    thread.blocker = { ...blocker, after: { ...blocker.after, outcome: 'timed-out' } }
  else release(machine, thread, { errno: 'ETIMEDOUT' })
}
