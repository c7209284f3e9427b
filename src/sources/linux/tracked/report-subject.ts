/** Identifies the process or thread that a row of a scan report is about. */

import { type ScannedLimit, scannedLimits } from '../linux-limits.ts'

/** The subject of a row, and what was last reported about it. */
export interface Subject {
  readonly pid: number
  /** 0 is the process itself. */
  readonly subjectTid: number
  /**
   * The value last reported, by index in `scannedLimits`. A value that is not exact is encoded as a number below zero;
   * NaN before the first.
   */
  readonly lastReported: number[]
  failureReasons: Map<ScannedLimit, string> | null
}

/** Preset for `sent`: nothing was reported yet. */
export function nothingReported(): number[] {
  return scannedLimits.map(() => Number.NaN)
}
