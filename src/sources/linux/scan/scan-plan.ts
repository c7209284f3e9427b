/** Builds masks of the limits that a reading covers, and the plan of the fast scan. */

import type { LinuxFeed, LinuxReading } from '../../../kernel/limits/linux-reading.ts'
import { demandedLimits, linuxReading, type ScannedLimit, scannedLimits } from '../linux-limits.ts'
import { locksBit, type ScanCommand, scannedIndex } from '../protocol.ts'

export function bitOf(limit: ScannedLimit): number {
  return 1 << scannedIndex[limit]
}

function maskWhere(isIncluded: (reading: LinuxReading) => boolean): number {
  return scannedLimits.reduce((mask, limit) => (isIncluded(linuxReading(limit)!) ? mask | bitOf(limit) : mask), 0)
}

function maskFrom(...feeds: readonly LinuxFeed[]): number {
  return maskWhere(({ from }) => feeds.includes(from))
}

export const everythingMask = maskWhere(() => true)
export const statmMask = maskFrom('statm')
export const statusMask = maskFrom('status')
export const stackMask = maskFrom('stack')
export const cpuMask = maskFrom('schedstat')
export const threadMask = stackMask | cpuMask
export const ioMask = maskFrom('io')
export const faultsMask = maskFrom('faults')
export const switchMask = maskFrom('switches')
/** Limits that are read on demand only. */
export const demandMask = demandedLimits.reduce((mask, limit) => mask | bitOf(limit), 0)
/** Limits that are found by looking through the descriptors. */
export const fdTableLimits = scannedLimits.filter((limit) => linuxReading(limit)?.from === 'fd-table')
export const fdTableMask = maskFrom('fd-table')
/** Limits that can change while no thread of the process runs. */
export const restMask = maskWhere(({ changesAtRest }) => changesAtRest === true)
/**
 * Readings that a pass takes only if a thread of the process ran. To count descriptors costs less than to find that
 * out.
 */
export const ranMask = maskWhere(({ from, changesAtRest }) => !changesAtRest && from !== 'fd-size') | locksBit

type Plan = Extract<ScanCommand, { type: 'plan' }>

const noMasks: ReadonlyMap<number, number> = new Map()

export class ScanPlan {
  #everyMask = 0
  #masks: ReadonlyMap<number, number> = new Map()
  system = false
  cmdlines = false
  #requestedMask = 0
  #requestedMasks: ReadonlyMap<number, number> = noMasks
  hasDemands = false
  everyPartition = 0
  containers: ReadonlyMap<string, number> = new Map()

  replace(plan: Plan): void {
    this.#everyMask = plan.everyMask
    this.#masks = plan.masks
    this.system = plan.system
    this.cmdlines = plan.cmdlines ?? false
    const { demands } = plan
    this.#requestedMask = demands?.everyMask ?? 0
    this.#requestedMasks = demands?.masks ?? noMasks
    this.everyPartition = demands?.everyPartition ?? 0
    this.containers = demands?.containers ?? new Map()
    const masks = [plan.everyMask, this.#requestedMask, ...plan.masks.values(), ...this.#requestedMasks.values()]
    const ofContainers = this.everyPartition !== 0 || this.containers.size > 0
    this.hasDemands = ofContainers || masks.some((mask) => (mask & demandMask) !== 0)
  }

  /** The limits on demand that are wanted of a process. */
  demandOf(pid: number): number {
    if (!this.hasDemands) return 0
    return (this.maskOf(pid) | (this.#requestedMasks.get(pid) ?? this.#requestedMask)) & demandMask
  }

  maskOf(pid: number): number {
    return this.#masks.get(pid) ?? this.#everyMask
  }

  get armsProcesses(): boolean {
    if (this.#everyMask !== 0) return true
    for (const mask of this.#masks.values()) if (mask !== 0) return true
    return false
  }

  get armed(): boolean {
    return this.system || this.armsProcesses
  }

  /** The listed processes; null if every process is armed. */
  get listed(): Iterable<number> | null {
    return this.#everyMask === 0 ? this.#masks.keys() : null
  }
}
