/** What calls take and give back. All that a call takes is looked at before it takes any: a refused call has changed nothing. */

import { KernelError } from '../errno.ts'
import { type LimitName, type LimitRow, limitIndex, limits } from '../limits/table.ts'
import type { Machine } from '../machine.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import { containers, type Node } from '../objects/node.ts'

export interface Need {
  readonly limit: LimitName
  readonly node: Node
  readonly delta: number
}

/** What takes nothing new is never refused, be a capacity below what is in use. @throws the limit's errno, naming what is full */
export function needRoom(machine: Machine, ...needs: readonly Need[]): void {
  for (const { limit, node, delta } of needs) {
    if (delta <= 0) continue
    checkCountable(machine, limit, delta)
    const full = machine.kernel.usage.refusal(node, limitIndex[limit], delta)
    if (full !== null) refuse(machine, limit, full)
  }
}

/** Whether `needRoom` would find it. */
export function hasRoom(machine: Machine, { limit, node, delta }: Need): boolean {
  return machine.kernel.usage.refusal(node, limitIndex[limit], delta) === null
}

function refuse(machine: Machine, limit: LimitName, full: Node): never {
  const row: LimitRow = limits[limitIndex[limit]]!
  const most = Math.min(machine.capacity(full, limit), Number.MAX_SAFE_INTEGER)
  throw new KernelError(row.errno ?? 'EINVAL', `${full.path}/${limit} is at most ${most} ${row.unit}`)
}

/** Sums are exact up to 2^53; without a pool nothing else would end them there. @throws the limit's errno, or EINVAL where it has none */
export function checkCountable(machine: Machine, limit: LimitName, delta: number): void {
  const { system } = machine.kernel
  if (machine.usage(system, limit) + delta > Number.MAX_SAFE_INTEGER) refuse(machine, limit, system)
}

/** Room for all that a process has, in containers that it is not in yet. @throws the errno of what is full */
export function needRoomToMove(machine: Machine, process: ModelProcess, into: Iterable<Node>): void {
  const largest = machine.usage(process, 'file-size')
  for (const node of into) {
    if (largest > machine.capacity(node, 'file-size')) refuse(machine, 'file-size', node)
    for (const { name, errno, at } of limits as readonly LimitRow[]) {
      const isPooled = errno !== null && at.includes('partition') && name !== 'file-size'
      if (!isPooled) continue
      const limit = name as LimitName
      const delta = limit === 'processes' ? 1 : limit === 'memory' ? process.resident : machine.usage(process, limit)
      if (delta > 0 && machine.usage(node, limit) + delta > machine.capacity(node, limit)) refuse(machine, limit, node)
    }
  }
}

export function charge(machine: Machine, node: Node, limit: LimitName, delta: number): void {
  machine.kernel.usage.charge(node, limitIndex[limit], delta)
}

/** Bytes of memory that a process is about to take, there and above: each container has a reading of its own. @throws ENOMEM */
export function needMemory(machine: Machine, from: Node, delta: number): void {
  if (delta <= 0) return
  checkCountable(machine, 'memory', delta)
  for (const node of [from, ...containers(from)])
    if (machine.usage(node, 'memory') + delta > machine.capacity(node, 'memory')) refuse(machine, 'memory', node)
}

/** A file is about to be this large: each container has a maximum of its own. @throws EFBIG */
export function needSize(machine: Machine, process: ModelProcess, bytes: number): void {
  for (const node of [process, ...containers(process)])
    if (bytes > Math.min(machine.capacity(node, 'file-size'), Number.MAX_SAFE_INTEGER))
      refuse(machine, 'file-size', node)
}

/** Resident memory is not summed up by the counters, since a live machine's is not: here it is, level by level. */
export function chargeMemory(machine: Machine, process: ModelProcess, delta: number): void {
  if (delta === 0) return
  process.resident += delta
  charge(machine, process, 'memory', delta)
  for (const container of containers(process)) moveMemory(machine, container, delta)
}

export function moveMemory(machine: Machine, container: Node, delta: number): void {
  charge(machine, container, 'memory', delta)
  const most = machine.capacity(container, 'memory')
  if (!Number.isFinite(most)) return
  // A maximum may be below what is in use: then nothing is free.
  const free = Math.max(0, most - machine.usage(container, 'memory'))
  charge(machine, container, 'memory-free', free - machine.usage(container, 'memory-free'))
}
