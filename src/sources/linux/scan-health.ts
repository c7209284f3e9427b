/** Tracks how well scanning works: the age, cost and period of the last scans. */

import { durationText } from '../../base/duration.ts'
import type { ScanFigures, SourceCheck } from '../source.ts'
import type { Periods } from './abilities.ts'
import type { SourceDegradations } from './degradations.ts'
import type { ScanOptions, ScanReport } from './protocol.ts'

/** A period beyond the first multiple of the configured one counts as lag; below the second one it has recovered. */
const lagFactor = 4
const recoveredFactor = 2

export interface ScanHealthOptions extends Pick<ScanOptions, 'periodMs' | 'fullPeriodMs'> {
  readonly periods: Periods
  /** ms of Unix time. */
  readonly now: () => number
}

export class ScanHealth {
  readonly #options: ScanHealthOptions
  readonly #degradations: SourceDegradations
  /** The last full scan that saw all processes. */
  #lastFull: ScanReport | null = null
  #lastFast: ScanReport | null = null

  constructor(options: ScanHealthOptions, degradations: SourceDegradations) {
    this.#options = options
    this.#degradations = degradations
  }

  /** @param armedBy What makes the fast scan necessary, for the reason of a lag; null if nothing is armed. */
  note(report: ScanReport, armedBy: string | null): void {
    if (report.kind === 'full') {
      // A scan that could not see all processes is not reliable.
      if (report.inventory !== null) this.#lastFull = report
      this.#degradations.recover('scan')
    } else this.#lastFast = report
    this.#notePeriods(report, armedBy)
  }

  /** ms since the last full scan; null before the first. */
  ageMs(): number | null {
    return this.#lastFull === null ? null : Math.max(0, this.#options.now() - this.#lastFull.finishedAt)
  }

  isReady(): boolean {
    const age = this.ageMs()
    return age !== null && age < 5_000 + 5 * this.#options.periods.fullMs
  }

  figures({ isArmed }: { isArmed: boolean }): readonly ScanFigures[] {
    const { periodMs, fullPeriodMs, now } = this.#options
    const figuresOf = (kind: ScanFigures['kind'], report: ScanReport | null, configuredMs: number): ScanFigures[] => {
      if (report === null) return []
      const { cpuMs, finishedAt } = report
      const lagMs = Math.max(0, report.periodMs - configuredMs)
      return [{ kind, ageMs: Math.max(0, now() - finishedAt), periodMs: report.periodMs, lagMs, cpuMs }]
    }
    const armed = isArmed ? figuresOf('armed', this.#lastFast, periodMs) : []
    return [...figuresOf('full', this.#lastFull, fullPeriodMs), ...armed]
  }

  checks({ isArmed }: { isArmed: boolean }): SourceCheck[] {
    const scans = this.figures({ isArmed }).map(({ kind, ageMs, periodMs, cpuMs }) => ({
      name: `${kind} scan`,
      ok: kind === 'armed' || this.isReady(),
      detail: `${durationText(ageMs)} ago, took ${cpuMs.toFixed(1)}ms of CPU, every ${durationText(periodMs)}`,
    }))
    if (this.#lastFull === null) return [{ name: 'full scan', ok: false, detail: 'none yet' }]
    return scans.length > 1 ? scans : [...scans, { name: 'armed scan', ok: true, detail: 'nothing is armed' }]
  }

  /** Over its CPU budget, a scan runs less often. Beyond a factor this is reported as a degradation. */
  #notePeriods({ kind, periodMs }: ScanReport, armedBy: string | null): void {
    const { periodMs: fastMs, fullPeriodMs, periods } = this.#options
    const configuredMs = kind === 'full' ? fullPeriodMs : fastMs
    if (kind === 'full') periods.fullMs = periodMs
    else periods.fastMs = periodMs
    const name = kind === 'full' ? 'full-scan-lag' : 'armed-scan-lag'
    // With nothing armed, a fast scan reads only new processes, and nobody waits for it.
    if (kind === 'fast' && armedBy === null) this.#degradations.recover(name)
    else if (periodMs > configuredMs * lagFactor) {
      this.#degradations.degrade(
        name,
        `reading ${kind === 'fast' ? `for ${armedBy} ` : ''}takes more CPU than budgeted: every ${durationText(periodMs)} instead of ${durationText(configuredMs)}`,
      )
    } else if (periodMs < configuredMs * recoveredFactor) this.#degradations.recover(name)
  }
}
