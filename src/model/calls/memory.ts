/**
 * Implements the calls which map and unmap data pages, and which use and give back stack. Resident memory is the mapped
 * pages, and the pages of stacks in use.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { charge, chargeMemory, needRoom } from './charging.ts'
import { pageBytes, wholePages } from './pages.ts'
import { raiseFault } from './sending.ts'

/**
 * mmap: maps data pages. Does not block. QNX: mmap().
 * @param pages number of pages, of 4,096 bytes each
 * @param locked they are locked in memory as well (MAP_LOCKED)
 * @throws ENOMEM no room in RLIMIT_DATA, RLIMIT_AS, RLIMIT_RSS, or in a pool
 */
export function mmap(
  machine: MachineCore,
  { parent }: ModelThread,
  { pages, locked = false }: { pages: number; locked?: boolean },
): Progress {
  const bytes = pages * pageBytes
  const lockedBytes = locked ? bytes : 0
  needRoom(
    machine,
    { limit: 'data-pages', node: parent, delta: pages },
    { limit: 'address-space', node: parent, delta: bytes },
    { limit: 'memlock', node: parent, delta: lockedBytes },
    { limit: 'memory', node: parent, delta: bytes },
  )
  parent.dataPages += pages
  if (locked) parent.lockedPages += pages
  charge(machine, parent, 'data-pages', pages)
  charge(machine, parent, 'address-space', bytes)
  charge(machine, parent, 'memlock', lockedBytes)
  chargeMemory(machine, parent, bytes)
  return success
}

/**
 * munmap: gives data pages back, locked ones last. Does not block. QNX: munmap().
 * @param pages number of pages, of 4,096 bytes each
 * @throws EINVAL more pages than are mapped
 */
export function munmap(machine: MachineCore, { parent }: ModelThread, { pages }: { pages: number }): Progress {
  if (pages > parent.dataPages)
    throw new KernelError('EINVAL', `process ${parent.pid} has ${parent.dataPages} pages mapped`)
  const unlocked = Math.max(0, parent.lockedPages - (parent.dataPages - pages))
  parent.dataPages -= pages
  parent.lockedPages -= unlocked
  charge(machine, parent, 'data-pages', -pages)
  charge(machine, parent, 'address-space', -pages * pageBytes)
  charge(machine, parent, 'memlock', -unlocked * pageBytes)
  chargeMemory(machine, parent, -pages * pageBytes)
  return success
}

/**
 * enter: calls functions, which take stack. The kernel raises SIGSEGV on a thread that passes its stack, or on a main
 * thread that passes RLIMIT_STACK. Does not block. Not in QNX: the model runs no programs, and a client says what they
 * use.
 * @param bytes of stack that the functions take
 * @throws ENOMEM no room for the stack or its pages
 */
export function enter(machine: MachineCore, thread: ModelThread, { bytes }: { bytes: number }): Progress {
  const { pools } = machine
  const before = pools.usage(thread, 'stack')
  if (before + bytes > pools.capacity(thread, 'stack')) {
    raiseFault(machine, thread, 'SIGSEGV')
    return success
  }
  const touched = wholePages(before + bytes) - wholePages(before)
  needRoom(
    machine,
    { limit: 'stack', node: thread, delta: bytes },
    { limit: 'memory', node: thread.parent, delta: touched },
  )
  charge(machine, thread, 'stack', bytes)
  chargeMemory(machine, thread.parent, touched)
  return success
}

/**
 * leave: returns from functions, which give their stack back. Does not block. Not in QNX: the model runs no programs,
 * and a client says what they use.
 * @param bytes of stack that the functions took
 * @throws EINVAL more stack than is in use
 */
export function leave(machine: MachineCore, thread: ModelThread, { bytes }: { bytes: number }): Progress {
  const before = machine.pools.usage(thread, 'stack')
  if (bytes > before) throw new KernelError('EINVAL', `${thread.path} has ${before} bytes of stack in use`)
  charge(machine, thread, 'stack', -bytes)
  chargeMemory(machine, thread.parent, wholePages(before - bytes) - wholePages(before))
  return success
}
