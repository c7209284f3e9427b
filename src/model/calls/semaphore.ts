/** Semaphores. */

import { KernelError } from '../../kernel/errno.ts'
import type { Machine } from '../machine.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import type { Semaphore } from '../objects/sync.ts'
import { type Progress, success } from './call.ts'
import { block, release } from './scheduling.ts'
import { need, semaphoreMax } from './sync.ts'

/**
 * SyncSemWait: takes one from a semaphore. Waiters go by priority, of equals in the order in which they came. Blocks in
 * SEM while it is zero. QNX: SyncSemWait().
 * @param semaphore its name
 * @param try do not wait
 * @throws EINVAL there is none; EAGAIN with `try`, and it is zero; EINTR a signal was handled; ETIMEDOUT after
 * TimerTimeout
 */
export function syncSemWait(
  machine: Machine,
  thread: ModelThread,
  { semaphore: name, try: tries = false }: { semaphore: string; try?: boolean },
): Progress {
  const semaphore = need<Semaphore>(machine, thread, name, 'semaphore')
  if (semaphore.value > 0) {
    semaphore.value--
    return success
  }
  if (tries) throw new KernelError('EAGAIN', `${name} is zero`)
  block(machine, thread, { state: 'SEM', semaphore })
  return 'blocked'
}

/**
 * SyncSemPost: the first that waits for a semaphore returns, or it counts one more. Does not block. QNX: SyncSemPost().
 * @param semaphore its name
 * @throws EINVAL there is none; EAGAIN it counts no further than 2,147,483,647
 */
export function syncSemPost(
  machine: Machine,
  thread: ModelThread,
  { semaphore: name }: { semaphore: string },
): Progress {
  const semaphore = need<Semaphore>(machine, thread, name, 'semaphore')
  const { first } = semaphore.waiters
  if (first !== null) release(machine, first, { value: success })
  else if (semaphore.value >= semaphoreMax)
    throw new KernelError('EAGAIN', `${name} counts to ${semaphoreMax} at the most`)
  else semaphore.value++
  return success
}
