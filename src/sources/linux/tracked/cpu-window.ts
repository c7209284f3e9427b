/** Computes the share of one CPU that a thread used over about the last second, from readings of its CPU time in ns. */

import { RateWindow } from './rate-window.ts'

export class CpuWindow extends RateWindow {
  /** Permille of one CPU; null until enough readings are known. A thread born within the last second used all of it. */
  permille(now: number, usedNs: number): number | null {
    const nsPerMs = this.perMs(now, usedNs) ?? this.perMsSinceBirth(usedNs)
    return nsPerMs === null ? null : Math.round(nsPerMs / 1000)
  }
}
