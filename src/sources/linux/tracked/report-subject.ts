/** The process or thread that a row of a scan report is about. */

import { type ScannedLimit, scannedLimits } from '../linux-limits.ts'

/** What a row is about, and what was last told of it. */
export interface Subject {
  readonly pid: number
  /** 0 is the process itself. */
  readonly subjectTid: number
  /** The value last told, by index in scannedLimits; what is not exact as a number below zero; NaN before the first. */
  readonly sent: number[]
  reasons: Map<ScannedLimit, string> | null
}

/** Preset for `sent`: nothing was reported yet. */
export function nothingSent(): number[] {
  return scannedLimits.map(() => Number.NaN)
}
