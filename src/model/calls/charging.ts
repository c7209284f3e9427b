/** What calls take and give back. All that a call takes is looked at before it takes any: a refused call has changed nothing. */

import { KernelError } from '../../kernel/errno.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { type LimitName, type LimitRow, limitIndex, limits } from '../../kernel/limits/table.ts'
import { Denied, type Need, type Refuser, refusersOf } from '../../kernel/limits/thresholds/deny.ts'
import { containers, type Node } from '../../kernel/nodes/node.ts'
import type { Machine } from '../machine.ts'
import type { ModelProcess } from '../objects/model-process.ts'

/**
 * All of them are asked, so that whoever refuses is told of; the first that is refused decides.
 * @throws Denied with the limit's errno, naming what is full
 */
export function needRoom({ kernel }: Machine, ...needs: readonly Need[]): void {
  let all: readonly Refuser[] | null = null
  for (const need of needs) {
    if (need.delta <= 0) continue
    checkCountable(kernel, need)
    const refusers = refusersOf(kernel, need)
    if (refusers.length > 0) all = all === null ? refusers : [...all, ...refusers]
  }
  if (all !== null) throw new Denied(all)
}

/** Whether `needRoom` would find it. */
export function hasRoom({ kernel }: Machine, need: Need): boolean {
  return refusersOf(kernel, need).length === 0
}

/** Numbers are exact up to 2^53; without a pool nothing else would end them there. @throws the limit's errno, or EINVAL where it has none */
export function checkCountable({ usage, system }: Kernel, { limit, delta, size }: Omit<Need, 'node'>): void {
  if ((size ?? usage.value(system, limitIndex[limit]) + delta) <= Number.MAX_SAFE_INTEGER) return
  const { errno, unit }: LimitRow = limits[limitIndex[limit]]!
  throw new KernelError(errno ?? 'EINVAL', `${system.path}/${limit} is at most ${Number.MAX_SAFE_INTEGER} ${unit}`)
}

/**
 * Room for all that a process has, in the containers that it is not in yet.
 * @param container where it goes
 * @throws Denied with the errno of what is full
 */
export function needRoomToMove(
  { kernel }: Machine,
  process: ModelProcess,
  { container, entered }: { container: Node; entered: ReadonlySet<Node> },
): void {
  const refusers = (limits as readonly LimitRow[]).flatMap(({ name, errno, at, adds }) => {
    if (errno === null || !at.includes('partition')) return []
    const limit = name as LimitName
    const held = limit === 'memory' ? process.resident : kernel.usage.value(process, limitIndex[limit])
    const delta = limit === 'processes' ? 1 : held
    const need = { limit, node: container, delta, ...(adds === 'maximum' && { size: held }) }
    return refusersOf(kernel, need).filter(({ node }) => entered.has(node))
  })
  if (refusers.length > 0) throw new Denied(refusers)
}

export function charge(machine: Machine, node: Node, limit: LimitName, delta: number): void {
  machine.kernel.usage.charge(node, limitIndex[limit], delta)
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
