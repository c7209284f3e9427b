/** Blocks threads, and ends their waits by timeout. */

import type { MachineCore } from '../machine-core.ts'
import type { Blocker } from '../objects/blocker.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { returnTimedOut, takeAgain } from './mutex-ownership.ts'
import { block } from './scheduling.ts'
import { announceWait, wake } from './state-changes.ts'
import { endTimeout } from './timeouts.ts'

/** Blocks a thread. Its wait ends at once when the time which TimerTimeout has set for it has passed already. */
export function wait(machine: MachineCore, thread: ModelThread, blocker: Blocker): 'blocked' {
  const begun = block(machine, thread, blocker)
  announceWait(machine, begun)
  if (begun.isOverdue) timeOut(machine, thread)
  return 'blocked'
}

/** The time of a wait is over: its call returns ETIMEDOUT. A wait for a condition takes its mutex again before that. */
export function timeOut(machine: MachineCore, thread: ModelThread): void {
  const { blocker } = thread
  endTimeout(machine, thread)
  if (blocker?.state === 'CONDVAR') takeAgain(machine, thread, blocker, 'timed-out')
  else if (blocker?.state === 'MUTEX' && blocker.after.outcome !== 'locked') returnTimedOut(machine, thread, blocker)
  else wake(machine, thread, { errno: 'ETIMEDOUT' })
}
