/** Memory of processes: data pages and stacks. Resident are the pages mapped, and those of the stacks in use. */

import { KernelError } from '../../kernel/errno.ts'
import type { Machine } from '../machine.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { charge, chargeMemory, needRoom } from './charging.ts'
import { raiseFault } from './delivery.ts'

export const pageBytes = 4096
/** Reserved for a thread that does not say otherwise, and touched as it begins. */
export const defaultStackBytes = 64 * pageBytes
export const firstStackBytes = pageBytes

/** Bytes, rounded up to whole pages. */
export function pagesOf(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes
}

/**
 * mmap: maps data pages. Does not block. QNX: mmap().
 * @param pages how many, of 4,096 bytes
 * @param locked they are locked in memory as well (MAP_LOCKED)
 * @throws ENOMEM no room in RLIMIT_DATA, RLIMIT_AS, RLIMIT_RSS, or in a pool
 */
export function mmap(
  machine: Machine,
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
 * munmap: gives data pages back; locked ones go last. Does not block. QNX: munmap().
 * @param pages how many, of 4,096 bytes
 * @throws EINVAL more than are mapped
 */
export function munmap(machine: Machine, { parent }: ModelThread, { pages }: { pages: number }): Progress {
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
 * enter: the thread calls functions, which take stack. Past its stack, or of the main thread past RLIMIT_STACK, the
 * kernel raises SIGSEGV on it. Does not block. Not in QNX: the model runs no programs, it is told what they use.
 * @param bytes how much stack they take
 * @throws ENOMEM no room for the stack or its pages
 */
export function enter(machine: Machine, thread: ModelThread, { bytes }: { bytes: number }): Progress {
  const before = machine.usage(thread, 'stack')
  if (before + bytes > machine.capacity(thread, 'stack')) {
    raiseFault(machine, thread, 'SIGSEGV')
    return success
  }
  const touched = pagesOf(before + bytes) - pagesOf(before)
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
 * leave: the thread returns from functions. Does not block. Not in QNX: the model runs no programs, it is told what
 * they use.
 * @param bytes how much stack they took
 * @throws EINVAL more than is in use
 */
export function leave(machine: Machine, thread: ModelThread, { bytes }: { bytes: number }): Progress {
  const before = machine.usage(thread, 'stack')
  if (bytes > before) throw new KernelError('EINVAL', `${thread.path} has ${before} bytes of stack in use`)
  charge(machine, thread, 'stack', -bytes)
  chargeMemory(machine, thread.parent, pagesOf(before - bytes) - pagesOf(before))
  return success
}
