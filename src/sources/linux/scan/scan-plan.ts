/** Builds masks of the limits that a reading covers, and the plan of the fast scan. */

import type { LinuxFeed, LinuxReading } from '../../../kernel/limits/linux-reading.ts'
import { linuxReading, type ScannedLimit, scannedLimits } from '../linux-limits.ts'
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

export class ScanPlan {
  #everyMask = 0
  #masks: ReadonlyMap<number, number> = new Map()
  system = false

  replace(plan: Plan): void {
    this.#everyMask = plan.everyMask
    this.#masks = plan.masks
    this.system = plan.system
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
