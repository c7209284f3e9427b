/** Records readings of limits, capacities and rlimits in the kernel state, inside a `kernel.update`. */

import { assert } from './errno.ts'
import type { Kernel } from './kernel.ts'
import type { LimitRow } from './limits/limit-row.ts'
import { type LimitName, limitIndex, limits } from './limits/table.ts'
import type { ObservedValue } from './limits/usage.ts'
import type { Node } from './nodes/node.ts'
import type { Process, Rlimit } from './nodes/process.ts'

/** One reading of a limit, in its unit. Fractions are cut off, because usage is counted in whole units. */
export function observe(
  kernel: Kernel,
  node: Node,
  limit: LimitName,
  { value, at, estimate = false, lowerBound = false }: ObservedValue,
): void {
  const row: LimitRow = limits[limitIndex[limit]]!
  assert(row.at.includes(node.level), `${limit} is counted at the level of ${node.path}`)
  kernel.usage.observe(node, limitIndex[limit], { value: Math.trunc(value), at, estimate, lowerBound })
}

/** The limit cannot be read at this node at present. */
export function unreadable(kernel: Kernel, node: Node, limit: LimitName, reason: string): void {
  kernel.usage.lose(node, limitIndex[limit], reason)
  observeGranularity(kernel, node, limit, null)
}

/**
 * @param capacity Infinity if the node has no finite capacity; NaN if it cannot be read at present.
 * @param source The maximum that decides it, where there are several.
 */
export function observeCapacity(
  kernel: Kernel,
  node: Node,
  limit: LimitName,
  capacity: number,
  source: string | null = null,
): void {
  kernel.usage.annotations.capacitySource.set(node, limitIndex[limit], source)
  kernel.usage.observeCapacity(node, limitIndex[limit], capacity)
}

/** @param part The part of the usage that the kernel can reclaim; null if it is not known. */
export function observeReclaimable(kernel: Kernel, node: Node, limit: LimitName, part: number | null): void {
  kernel.usage.annotations.reclaimable.set(node, limitIndex[limit], part)
}

/** @param granularity What an estimate counts may exceed it by less than this. Null if it is exact to the unit. */
export function observeGranularity(kernel: Kernel, node: Node, limit: LimitName, granularity: number | null): void {
  const annotation = kernel.usage.annotations.granularity
  // Few values are estimates, and this is called for each value of a scan.
  if (granularity !== null || annotation.isInUse) annotation.set(node, limitIndex[limit], granularity)
}

export function rlimitsObserved(process: Process, rlimits: Readonly<Record<string, Rlimit>>): void {
  process.rlimits = rlimits
}

/** The readings of a process and its threads are still correct, because none of its threads has run since. */
export function confirmed(process: Process, at: number): void {
  process.confirmedAt = at
}
