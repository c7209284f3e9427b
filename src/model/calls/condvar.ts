/**
 * Implements the calls which wait for a condition variable and signal it. The first call which names one creates it.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { Condvar, type Mutex } from '../objects/sync.ts'
import { type Progress, success } from './call.ts'
import { checkOwner, giveUp, takeAgain } from './mutex-ownership.ts'
import { addSync, checkShared, findSync, getSync, isShared } from './sync-names.ts'
import { wait } from './waits.ts'

/**
 * SyncCondvarWait: gives a mutex up and waits for a condition. However the wait ends, the caller takes the mutex again
 * before it returns; a recursive mutex is then locked as often as before. Blocks in CONDVAR until it is signalled or
 * timed out, then in MUTEX while another thread owns the mutex. Signals do not end it. QNX: SyncCondvarWait().
 * @param condvar its name; the first call that names it creates it
 * @param mutex its name
 * @throws EPERM the caller does not own the mutex; EINVAL there is no such mutex, or other threads wait for the
 * condition with another mutex; EAGAIN there are 65,536 shared objects; ETIMEDOUT after TimerTimeout
 */
export function syncCondvarWait(
  machine: MachineCore,
  thread: ModelThread,
  { condvar: name, mutex: mutexName }: { condvar: string; mutex: string },
): Progress {
  const mutex = getSync<Mutex>(machine, thread, mutexName, 'mutex')
  checkOwner(thread, mutex)
  const known = findSync<Condvar>(machine, thread, name, 'condvar')
  const other = known?.waiters.first?.blocker
  if (other?.state === 'CONDVAR' && other.mutex !== mutex)
    throw new KernelError('EINVAL', `threads wait for ${name} with the mutex ${other.mutex.name}`)
  if (known === null) checkShared(machine, name)
  const condvar = known ?? new Condvar(name, isShared(name) ? null : thread.parent)
  addSync(machine, thread, condvar)
  const { count } = mutex
  giveUp(machine, thread, mutex)
  return wait(machine, thread, { state: 'CONDVAR', condvar, mutex, count })
}

/**
 * SyncCondvarSignal: lets the first thread that waits for a condition take its mutex again, or wait for the mutex; with
 * `all`, every such thread. Nothing happens when no thread waits. Does not block. QNX: SyncCondvarSignal().
 * @param condvar its name
 * @param all every thread that waits, not only the first
 * @throws EINVAL it is no condition variable
 */
export function syncCondvarSignal(
  machine: MachineCore,
  thread: ModelThread,
  { condvar: name, all = false }: { condvar: string; all?: boolean },
): Progress {
  const condvar = findSync<Condvar>(machine, thread, name, 'condvar')
  const chosen = all ? [...(condvar?.waiters ?? [])] : [condvar?.waiters.first ?? null]
  for (const waiter of chosen)
    if (waiter?.blocker?.state === 'CONDVAR') takeAgain(machine, waiter, waiter.blocker, 'signalled')
  return success
}
