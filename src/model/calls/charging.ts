/**
 * Charges the resources which calls take and give back. A call checks everything it will take before it takes anything:
 * a refused call has changed nothing.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { LimitRow } from '../../kernel/limits/limit-row.ts'
import { type LimitName, limitIndex, limits } from '../../kernel/limits/table.ts'
import { Denied, type Need, type Refuser, refusersOf } from '../../kernel/limits/thresholds/deny.ts'
import { containers, type Node } from '../../kernel/nodes/node.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess } from '../objects/model-process.ts'

/**
 * Checks that there is room for all needs. All are checked, so that an event names every refuser; the first decides.
 * @throws Denied with the errno of the first limit which refuses, naming what is full
 */
export function needRoom({ kernel }: MachineCore, ...needs: readonly Need[]): void {
  let all: readonly Refuser[] | null = null
  for (const need of needs) {
    if (need.delta <= 0) continue
    checkCountable(kernel, need)
    const refusers = refusersOf(kernel, need)
    if (refusers.length > 0) all = all === null ? refusers : [...all, ...refusers]
  }
  if (all !== null) throw new Denied(all)
}

/** Whether `needRoom` would not throw. */
export function hasRoom({ kernel }: MachineCore, need: Need): boolean {
  return refusersOf(kernel, need).length === 0
}

/**
 * Checks that a sum stays an exact number, up to 2^53. Without a pool nothing else would bound it.
 * @throws KernelError with the errno of the limit, or EINVAL when it has none
 */
export function checkCountable({ usage, system }: Kernel, { limit, delta, size }: Omit<Need, 'node'>): void {
  if ((size ?? usage.value(system, limitIndex[limit]) + delta) <= Number.MAX_SAFE_INTEGER) return
  const { errno, unit }: LimitRow = limits[limitIndex[limit]]!
  throw new KernelError(errno ?? 'EINVAL', `${system.path}/${limit} is at most ${Number.MAX_SAFE_INTEGER} ${unit}`)
}

/**
 * Checks that the containers which a process enters have room for everything it uses.
 * @param entered containers in which the process is not yet
 * @throws Denied with the errno of the limit which is full
 */
export function needRoomToMove(
  { kernel }: MachineCore,
  process: ModelProcess,
  { container, entered }: { container: Node; entered: ReadonlySet<Node> },
): void {
  const refusers = (limits as readonly LimitRow[]).flatMap(({ name, errno, at, adds }) => {
    if (errno === null || !at.includes('partition')) return []
    const limit = name as LimitName
    const used = limit === 'memory' ? process.resident : kernel.usage.value(process, limitIndex[limit])
    const delta = limit === 'processes' ? 1 : used
    const need = { limit, node: container, delta, ...(adds === 'maximum' && { size: used }) }
    return refusersOf(kernel, need).filter(({ node }) => entered.has(node))
  })
  if (refusers.length > 0) throw new Denied(refusers)
}

export function charge(machine: MachineCore, node: Node, limit: LimitName, delta: number): void {
  machine.kernel.usage.charge(node, limitIndex[limit], delta)
}

/**
 * Charges resident memory to a process and to each of its containers. The counters do not add it up: on a live machine
 * each level is read by itself.
 */
export function chargeMemory(machine: MachineCore, process: ModelProcess, delta: number): void {
  if (delta === 0) return
  process.resident += delta
  charge(machine, process, 'memory', delta)
  for (const container of containers(process)) moveMemory(machine, container, delta)
}

export function moveMemory(machine: MachineCore, container: Node, delta: number): void {
  const { pools } = machine
  charge(machine, container, 'memory', delta)
  const maximum = pools.capacity(container, 'memory')
  if (!Number.isFinite(maximum)) return
  // The maximum may be below the memory in use: then nothing is free.
  const free = Math.max(0, maximum - pools.usage(container, 'memory'))
  charge(machine, container, 'memory-free', free - pools.usage(container, 'memory-free'))
}
