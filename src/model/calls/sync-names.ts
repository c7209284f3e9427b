/**
 * Finds synchronisation objects by name. A name is local to its process, except that names which begin with / are
 * shared by all processes.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import type { Sync } from '../objects/sync.ts'

/** Shared objects outlive the processes which create them, so their number is bounded. */
const sharedMax = 65_536

export function isShared(name: string): boolean {
  return name.startsWith('/')
}

/** The objects of the process, or the shared ones: where the name belongs. */
export function syncsFor(machine: MachineCore, process: ModelProcess, name: string): Map<string, Sync> {
  return isShared(name) ? machine.shared : process.syncs
}

/**
 * Finds an object; null when there is none of that name.
 * @throws KernelError EINVAL when it is of another type
 */
export function findSync<T extends Sync>(
  machine: MachineCore,
  { parent }: ModelThread,
  name: string,
  type: T['type'],
): T | null {
  const found = syncsFor(machine, parent, name).get(name)
  if (found === undefined) return null
  if (found.type !== type) throw new KernelError('EINVAL', `${name} is a ${found.type}, not a ${type}`)
  return found as T
}

/** @throws KernelError EINVAL when there is none of that name, or it is of another type */
export function getSync<T extends Sync>(machine: MachineCore, thread: ModelThread, name: string, type: T['type']): T {
  const found = findSync<T>(machine, thread, name, type)
  if (found === null) throw new KernelError('EINVAL', `there is no ${type} ${name}`)
  return found
}

/** @throws KernelError EAGAIN when the name is shared and there are as many shared objects as there may be */
export function checkShared(machine: MachineCore, name: string): void {
  if (isShared(name) && machine.shared.size >= sharedMax)
    throw new KernelError('EAGAIN', `there are ${sharedMax} shared objects, which is the most`)
}

export function addSync(machine: MachineCore, { parent }: ModelThread, sync: Sync): void {
  syncsFor(machine, parent, sync.name).set(sync.name, sync)
}
