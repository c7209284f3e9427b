/**
 * Counts the timeout which TimerTimeout sets for the waits of a thread's next call, and removes it when the call
 * returns.
 */

import type { ThreadState } from '../../kernel/states.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelThread } from '../objects/model-thread.ts'

/**
 * Starts or stops the timeout when its thread enters a state. Time counts only in the states which are listed, and ends
 * at the same moment however often the thread goes from one of them to another.
 * @returns whether that moment has passed already: then the caller ends the wait
 */
export function followTimeout(machine: MachineCore, thread: ModelThread, state: ThreadState): boolean {
  const { timeout } = thread
  if (timeout === null) return false
  if (!timeout.states.has(state)) machine.wheel.cancel(timeout)
  else if (timeout.due <= machine.kernel.now) return true
  else if (!timeout.isArmed) machine.wheel.arm(timeout, timeout.due)
  return false
}

/** Removes the timeout: the call for which it was set returns. */
export function endTimeout(machine: MachineCore, thread: ModelThread): void {
  if (thread.timeout === null) return
  machine.wheel.cancel(thread.timeout)
  thread.timeout = null
}
