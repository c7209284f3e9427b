/**
 * Implements SyncSemWait and SyncSemPost, which take one from the count of a semaphore or add one to it. `sync.ts`
 * creates and removes semaphores.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Semaphore, semaphoreMax } from '../objects/sync.ts'
import { type Progress, success } from './call.ts'
import { wake } from './state-changes.ts'
import { getSync } from './sync-names.ts'
import { wait } from './waits.ts'

/**
 * SyncSemWait: takes one from the count of a semaphore. Waiters are served by priority, and at equal priority in the
 * order in which they came. Blocks in SEM while the count is zero. QNX: SyncSemWait().
 * @param semaphore its name
 * @param try do not wait
 * @throws EINVAL there is no such semaphore; EAGAIN with `try`, when the count is zero; EINTR a signal was handled;
 * ETIMEDOUT after TimerTimeout
 */
export function syncSemWait(
  machine: MachineCore,
  thread: ModelThread,
  { semaphore: name, try: tries = false }: { semaphore: string; try?: boolean },
): Progress {
  const semaphore = getSync<Semaphore>(machine, thread, name, 'semaphore')
  if (semaphore.value > 0) {
    semaphore.value--
    return success
  }
  if (tries) throw new KernelError('EAGAIN', `the count of ${name} is zero`)
  return wait(machine, thread, { state: 'SEM', semaphore })
}

/**
 * SyncSemPost: lets the first thread that waits for a semaphore return, or adds one to the count. Does not block. QNX:
 * SyncSemPost().
 * @param semaphore its name
 * @throws EINVAL there is no such semaphore; EAGAIN the count is 2,147,483,647, which is the most
 */
export function syncSemPost(
  machine: MachineCore,
  thread: ModelThread,
  { semaphore: name }: { semaphore: string },
): Progress {
  const semaphore = getSync<Semaphore>(machine, thread, name, 'semaphore')
  const { first } = semaphore.waiters
  if (first !== null) wake(machine, first, { value: success })
  else if (semaphore.value >= semaphoreMax)
    throw new KernelError('EAGAIN', `the count of ${name} is ${semaphoreMax}, which is the most`)
  else semaphore.value++
  return success
}
