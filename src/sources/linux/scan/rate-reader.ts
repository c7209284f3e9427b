/**
 * Reads the limits on demand of processes and threads: page faults, context switches, and bytes of storage. A process
 * of which none is wanted has no state for them.
 */

import type { ScannedLimit } from '../linux-limits.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import { parseFaults, parseStorageBytes } from '../parse/activity.ts'
import { reasonOf, unknownForm } from '../reasons.ts'
import { ProcessRates } from '../tracked/process-rates.ts'
import { Rate } from '../tracked/rate.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import type { ReportBuilder } from './report-builder.ts'
import { bitOf, faultsMask, ioMask, switchMask } from './scan-plan.ts'

const noSwitches = 'schedstat cannot be read, or the kernel collects no scheduling statistics'

export class RateReader {
  /** ms of the clock since boot, which cannot be set. */
  bootMs = 0
  readonly #files: ProcFiles
  readonly #report: ReportBuilder

  constructor(files: ProcFiles, report: ReportBuilder) {
    this.#files = files
    this.#report = report
  }

  /**
   * Reports the limits in the mask.
   * @param ran One of its threads ran, or probably did. Otherwise the totals of the last reading still hold.
   */
  read(process: TrackedProcess, mask: number, ran: boolean): void {
    if ((mask & (ioMask | faultsMask)) !== 0) this.#readProcess(process, mask, ran)
    if ((mask & switchMask) !== 0) for (const thread of process.threads) this.#readThread(thread)
  }

  /** Ends the readings of limits that are no longer wanted. */
  end(process: TrackedProcess, mask: number): void {
    if ((mask & (ioMask | faultsMask)) === 0 && process.rates !== null) {
      this.#files.release(process.rates.io)
      process.rates = null
    }
    if ((mask & switchMask) === 0) for (const thread of process.threads) thread.switches = null
  }

  #readProcess(process: TrackedProcess, mask: number, ran: boolean): void {
    process.rates ??= new ProcessRates(process.path)
    const { rates } = process
    const due = ran ? mask : mask & ~rates.known
    if ((due & ioMask) !== 0) this.#readIo(process, rates)
    if ((due & faultsMask) !== 0) this.#readFaults(process, rates)
    const known = mask & rates.known
    this.#reportRate(process, 'io-read', known, rates.read)
    this.#reportRate(process, 'io-write', known, rates.written)
    this.#reportRate(process, 'page-faults', known, rates.faults)
  }

  #reportRate(process: TrackedProcess, limit: ScannedLimit, mask: number, rate: Rate): void {
    if ((mask & bitOf(limit)) === 0) return
    const perSecond = rate.perSecond(this.bootMs)
    if (perSecond !== null) this.#report.value(process, limit, perSecond)
  }

  #readIo(process: TrackedProcess, rates: ProcessRates): void {
    const length = this.#files.read(rates.io, true)
    if (length < 0 && this.#files.hasEnded(length, rates.io)) return
    const bytes = length < 0 ? null : parseStorageBytes(this.#files.bytes.toString('latin1', 0, length))
    if (bytes === null) {
      const reason = length < 0 ? reasonOf(process, length) : unknownForm
      for (const [limit, rate] of [['io-read', rates.read] as const, ['io-write', rates.written] as const])
        this.#lose(process, rates, limit, rate, reason)
      return
    }
    rates.read.note(this.bootMs, bytes.read)
    rates.written.note(this.bootMs, bytes.written)
    rates.known |= ioMask
  }

  #readFaults(process: TrackedProcess, rates: ProcessRates): void {
    const length = this.#files.read(process.stat, true)
    if (length < 0 && this.#files.hasEnded(length, process.stat)) return
    const faults = length < 0 ? Number.NaN : parseFaults(this.#files.bytes, length)
    if (Number.isNaN(faults)) {
      const reason = length < 0 ? reasonOf(process, length) : unknownForm
      this.#lose(process, rates, 'page-faults', rates.faults, reason)
      return
    }
    rates.faults.note(this.bootMs, faults)
    rates.known |= faultsMask
  }

  #lose(process: TrackedProcess, rates: ProcessRates, limit: ScannedLimit, rate: Rate, reason: string): void {
    rates.known &= ~bitOf(limit)
    rate.forget()
    this.#report.unreadable(process, limit, reason)
  }

  #readThread(thread: TrackedThread): void {
    if (thread.gone || thread.dead) return
    if (thread.timesRun < 0) {
      thread.switches = null
      this.#report.unreadable(thread, 'context-switches', noSwitches)
      return
    }
    thread.switches ??= new Rate()
    thread.switches.note(this.bootMs, thread.timesRun)
    const perSecond = thread.switches.perSecond(this.bootMs)
    if (perSecond !== null) this.#report.value(thread, 'context-switches', perSecond)
  }
}
