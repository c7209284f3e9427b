/**
 * Finds processes in which every thread waits without timeout for something inside the process. In any language, only a
 * signal handler, a timer, or a process that shares the memory can wake them. If one of these is possible, the process
 * is not reported.
 */

import type { ProcFiles } from '../native/proc-files.ts'
import { waitsForEver } from '../parse/futex-call.ts'
import { handlesSignals } from '../parse/signals.ts'
import { countTimers } from '../parse/timers.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import type { LockReader } from './lock-reader.ts'
import type { ScheduleReader } from './scan-ports.ts'

interface Verdict {
  /** Number of times that its threads had run, all together, and number of threads. */
  readonly timesRun: number
  readonly threads: number
  readonly isClosed: boolean
  /** Another number after a time without a verdict, and when the process is read as a new one. */
  readonly series: number
}

interface ProcessInspection {
  readonly process: TrackedProcess
  readonly threads: readonly TrackedThread[]
  readonly timesRun: number
  /** The verdict if it was reached with the same numbers as now. */
  readonly former: Verdict | null
  stands: boolean
}

function timesRunOf(threads: readonly TrackedThread[]): number {
  return threads.reduce((sum, { classifiedTimesRun }) => sum + classifiedTimesRun, 0)
}

export interface ClosedSetParts {
  readonly files: ProcFiles
  readonly processes: ReadonlyMap<number, TrackedProcess>
  readonly threadReader: ScheduleReader
}

export class ClosedSetFinder {
  readonly #parts: ClosedSetParts
  readonly #reader: LockReader
  readonly #verdicts = new Map<TrackedProcess, Verdict>()
  #lastReported = ''
  #nextSeries = 0

  constructor(parts: ClosedSetParts, reader: LockReader) {
    this.#parts = parts
    this.#reader = reader
  }

  /**
   * Selects the processes in which every thread was seen in a wait without timeout. Verdicts on processes outside
   * `processes` stay.
   */
  select(processes: readonly TrackedProcess[]): ProcessInspection[] {
    const inspections: ProcessInspection[] = []
    for (const process of processes) {
      const threads = process.threads.filter(({ dead }) => !dead)
      if (!mayBeClosed(process, threads)) {
        this.#verdicts.delete(process)
        continue
      }
      const timesRun = timesRunOf(threads)
      const verdict = this.#verdicts.get(process)
      const isSame = verdict?.timesRun === timesRun && verdict.threads === threads.length
      inspections.push({ process, threads, timesRun, former: isSame ? verdict : null, stands: true })
    }
    return inspections
  }

  inspectAgain(inspections: readonly ProcessInspection[]): void {
    for (const inspection of inspections)
      if (inspection.former === null)
        inspection.stands = inspection.threads.every((thread) => this.#reader.isInSameCall(thread))
  }

  /** The pids; null if they are those of the last report. */
  settle(inspections: readonly ProcessInspection[], joins: (thread: TrackedThread) => boolean): number[] | null {
    for (const inspection of inspections) {
      const { process, threads, timesRun } = inspection
      const isClosed = inspection.former?.isClosed ?? (inspection.stands && this.#isClosed(inspection, joins))
      if (inspection.stands && this.#noneRan(inspection))
        this.#verdicts.set(process, { timesRun, threads: threads.length, isClosed, series: this.#seriesOf(process) })
      else this.#verdicts.delete(process)
    }
    const pids: number[] = []
    const sets: string[] = []
    for (const [process, { isClosed, series, threads }] of this.#verdicts) {
      if (this.#parts.processes.get(process.pid) !== process) this.#verdicts.delete(process)
      else if (isClosed) {
        pids.push(process.pid)
        sets.push(`${process.pid} ${threads} ${series}`)
      }
    }
    const reported = sets.sort().join()
    if (reported === this.#lastReported) return null
    this.#lastReported = reported
    return pids
  }

  #seriesOf(process: TrackedProcess): number {
    return this.#verdicts.get(process)?.series ?? this.#nextSeries++
  }

  #noneRan({ process, threads }: ProcessInspection): boolean {
    for (const thread of threads) {
      this.#parts.threadReader.readSchedule(thread, false)
      if (thread.ran || thread.gone) return false
    }
    const { files } = this.#parts
    return files.stat(process.taskDirectory) >= 0 && files.links - 2 === process.threads.length
  }

  #isClosed({ process, threads }: ProcessInspection, joins: (thread: TrackedThread) => boolean): boolean {
    if (!threads.every((thread) => thread.futex?.isPrivate || joins(thread))) return false
    const status = this.#textOf(`${process.livePath}/status`)
    const timers = this.#textOf(process.timers.path)
    if (status === null || timers === null) return false
    return handlesSignals(status) === false && countTimers(timers) === 0 && this.#reader.hasOwnMemory(process)
  }

  #textOf(path: string): string | null {
    const length = this.#parts.files.readWhole(path)
    return length < 0 ? null : this.#parts.files.bytes.toString('latin1', 0, length)
  }
}

function mayBeClosed({ denied, zombie, listStale }: TrackedProcess, threads: readonly TrackedThread[]): boolean {
  if (denied || zombie || listStale || threads.length === 0) return false
  return threads.every(({ futex, gone, timesRun }) => !gone && timesRun >= 0 && futex !== null && waitsForEver(futex))
}
