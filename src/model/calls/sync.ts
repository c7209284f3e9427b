/**
 * Implements the calls which create and remove synchronisation objects: mutexes, condition variables and semaphores.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { Condvar, Mutex, type MutexKind, Semaphore, type SyncType, semaphoreMax } from '../objects/sync.ts'
import { type Progress, success } from './call.ts'
import { describeOwner } from './mutex-ownership.ts'
import { checkShared, isShared, syncsFor } from './sync-names.ts'

/**
 * SyncTypeCreate: creates a mutex, a condition variable or a semaphore. Mutexes and condition variables need not be
 * created: the first call that names one does it, like a static initialiser. Does not block. QNX: SyncTypeCreate().
 * @param name local to the process; a name that begins with / is shared by all processes
 * @param type mutex, condvar or semaphore
 * @param kind of a mutex: plain, recursive or error-checking
 * @param value of a semaphore: its initial count
 * @throws EBUSY the name is in use; EINVAL the value is too large, a kind for an object that is no mutex, or a value
 * for one that is no semaphore; EAGAIN there are 65,536 shared objects
 */
export function syncTypeCreate(
  machine: MachineCore,
  { parent }: ModelThread,
  { name, type, kind, value }: { name: string; type: SyncType; kind?: MutexKind; value?: number },
): Progress {
  const syncs = syncsFor(machine, parent, name)
  const known = syncs.get(name)
  if (known !== undefined) throw new KernelError('EBUSY', `there is a ${known.type} ${name} already`)
  if (kind !== undefined && type !== 'mutex') throw new KernelError('EINVAL', `a ${type} has no kind`)
  if (value !== undefined && type !== 'semaphore') throw new KernelError('EINVAL', `a ${type} has no value`)
  if (value !== undefined && value > semaphoreMax)
    throw new KernelError('EINVAL', `the count of a semaphore is at most ${semaphoreMax}`)
  checkShared(machine, name)
  const process = isShared(name) ? null : parent
  if (type === 'mutex') syncs.set(name, new Mutex(name, process, kind ?? 'plain'))
  else if (type === 'condvar') syncs.set(name, new Condvar(name, process))
  else syncs.set(name, new Semaphore(name, process, value ?? 0))
  return success
}

/**
 * SyncDestroy: removes a mutex, a condition variable or a semaphore. Does not block. QNX: SyncDestroy().
 * @param name as it was created
 * @throws EINVAL there is none of that name; EBUSY threads wait for it; EBUSY it is a mutex with an owner; EBUSY it
 * is a mutex that a thread takes again after its wait for a condition
 */
export function syncDestroy(machine: MachineCore, { parent }: ModelThread, { name }: { name: string }): Progress {
  const syncs = syncsFor(machine, parent, name)
  const sync = syncs.get(name)
  if (sync === undefined)
    throw new KernelError('EINVAL', `there is no mutex, condition variable or semaphore named ${name}`)
  if (sync.waiters.length > 0) throw new KernelError('EBUSY', `${sync.waiters.length} threads wait for ${name}`)
  if (sync.type === 'mutex' && sync.owner !== null) throw new KernelError('EBUSY', describeOwner(sync))
  if (sync.type === 'mutex' && sync.awaited > 0)
    throw new KernelError('EBUSY', `threads that wait for a condition must take ${name} again`)
  syncs.delete(name)
  return success
}
