/** What the fast period reads. */

import { locksBit, type ScanCommand, type ScannedLimit, scannedIndex, scannedLimits } from '../protocol.ts'

export function bitOf(limit: ScannedLimit): number {
  return 1 << scannedIndex[limit]
}

function maskOf(...limits: readonly ScannedLimit[]): number {
  return limits.reduce((mask, limit) => mask | bitOf(limit), 0)
}

export const everythingMask = maskOf(...scannedLimits)
export const statmMask = maskOf('memory', 'address-space', 'data-pages')
export const statusMask = maskOf('memlock', 'signals')
export const threadMask = maskOf('stack', 'stack-size', 'cpu-time', 'cpu')
export const stackMask = maskOf('stack', 'stack-size')
/** What is found by looking through the descriptors. */
export const fdTableLimits = ['channels', 'server-ids', 'connections', 'file-size'] as const
export const fdTableMask = maskOf(...fdTableLimits)
/** What cannot change while no thread of the process runs. */
export const ranMask = bitOf('memlock') | bitOf('timers') | fdTableMask | threadMask | locksBit
export const cpuMask = maskOf('cpu-time', 'cpu')

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

  /** The processes listed, or null where every process is armed. */
  get listed(): Iterable<number> | null {
    return this.#everyMask === 0 ? this.#masks.keys() : null
  }
}
