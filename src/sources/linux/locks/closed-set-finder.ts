/**
 * Processes all of whose threads wait for ever on something inside the process: whatever the language, nobody can wake
 * them but a signal handler, a timer, or somebody who shares their memory. Where one of those is possible nothing is told.
 */

import type { ProcFiles } from '../native/proc-files.ts'
import { waitsForEver } from '../parse/futex-lock.ts'
import { handlesSignals } from '../parse/signals.ts'
import { countTimers } from '../parse/timers.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import type { LockReader } from './lock-reader.ts'
import type { ScheduleReader } from './scan-ports.ts'

interface Verdict {
  /** How often its threads had run, all together, and how many there are. */
  readonly timesRun: number
  readonly threads: number
  readonly isClosed: boolean
}

interface Look {
  readonly process: TrackedProcess
  readonly threads: readonly TrackedThread[]
  readonly timesRun: number
  /** As it was judged when its threads had run as often as now. */
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
  #told = ''

  constructor(parts: ClosedSetParts, reader: LockReader) {
    this.#parts = parts
    this.#reader = reader
  }

  /** Processes of which each thread was seen to wait for ever. Of those judged before and not among these, the judgement stays. */
  gather(processes: readonly TrackedProcess[]): Look[] {
    const looks: Look[] = []
    for (const process of processes) {
      const threads = process.threads.filter(({ dead }) => !dead)
      if (!mayBeClosed(process, threads)) {
        this.#verdicts.delete(process)
        continue
      }
      const timesRun = timesRunOf(threads)
      const verdict = this.#verdicts.get(process)
      const isSame = verdict?.timesRun === timesRun && verdict.threads === threads.length
      looks.push({ process, threads, timesRun, former: isSame ? verdict : null, stands: true })
    }
    return looks
  }

  lookAgain(looks: readonly Look[]): void {
    for (const look of looks)
      if (look.former === null) look.stands = look.threads.every((thread) => this.#reader.isInSameCall(thread))
  }

  /** The pids; null where they are those told before. */
  settle(looks: readonly Look[], joins: (thread: TrackedThread) => boolean): number[] | null {
    for (const look of looks) {
      const { process, threads, timesRun } = look
      const isClosed = look.former?.isClosed ?? (look.stands && this.#isClosed(look, joins))
      if (look.stands && this.#noneRan(look))
        this.#verdicts.set(process, { timesRun, threads: threads.length, isClosed })
      else this.#verdicts.delete(process)
    }
    const pids: number[] = []
    const sets: string[] = []
    for (const [process, { isClosed, threads }] of this.#verdicts) {
      if (this.#parts.processes.get(process.pid) !== process) this.#verdicts.delete(process)
      else if (isClosed) {
        pids.push(process.pid)
        sets.push(`${process.pid} ${threads}`)
      }
    }
    const told = sets.sort().join()
    if (told === this.#told) return null
    this.#told = told
    return pids
  }

  #noneRan({ process, threads }: Look): boolean {
    for (const thread of threads) {
      this.#parts.threadReader.readSchedule(thread, false)
      if (thread.ran || thread.gone) return false
    }
    const { files } = this.#parts
    return files.stat(process.taskDirectory) >= 0 && files.links - 2 === process.threads.length
  }

  #isClosed({ process, threads }: Look, joins: (thread: TrackedThread) => boolean): boolean {
    if (!threads.every((thread) => thread.futex?.isPrivate || joins(thread))) return false
    const status = this.#textOf(`${process.insidePath}/status`)
    const timers = this.#textOf(process.timers.path)
    if (status === null || timers === null) return false
    return handlesSignals(status) === false && countTimers(timers) === 0 && this.#reader.hasOwnMemory(process)
  }

  #textOf(path: string): string | null {
    const length = this.#parts.files.readOnce(path)
    return length < 0 ? null : this.#parts.files.bytes.toString('latin1', 0, length)
  }
}

function mayBeClosed({ denied, zombie, listStale }: TrackedProcess, threads: readonly TrackedThread[]): boolean {
  if (denied || zombie || listStale || threads.length === 0) return false
  return threads.every(({ futex, gone, timesRun }) => !gone && timesRun >= 0 && futex !== null && waitsForEver(futex))
}
