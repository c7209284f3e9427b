/** Reads the limits that only `status` has for a process: its locked memory and its pending signals. */

import { statusLimits } from '../linux-limits.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import { type PendingSignals, parsePendingSignals } from '../parse/signals.ts'
import { parseStatusLine } from '../parse/status.ts'
import { reasonOf } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import { isEnding } from './ending.ts'
import type { ReportBuilder } from './report-builder.ts'
import { bitOf } from './scan-plan.ts'

// The number of readings after which a file is held open.
const always = 1
const seldom = 3
// With more threads than this, signals to single threads are not read.
const signalledThreadsMax = 64
const noMasks = 'status has no masks of pending signals'

export interface ValueDepth {
  readonly armed: boolean
  /** Read the signals to each single thread; otherwise those found before still count. */
  readonly eachThread: boolean
}

export class StatusReader {
  readonly #files: ProcFiles
  readonly #report: ReportBuilder

  constructor(files: ProcFiles, report: ReportBuilder) {
    this.#files = files
    this.#report = report
  }

  /** Reads the limits in the mask. Returns false if the process is gone or ending. */
  read(process: TrackedProcess, mask: number, depth: ValueDepth): boolean {
    const length = this.#files.read(process.status, depth.armed, depth.armed ? always : seldom)
    if (length < 0) return !this.#files.hasEnded(length, process.status) && this.#reportFailure(process, mask, length)
    const text = this.#files.bytes.toString('latin1', 0, length)
    for (const { name, status } of statusLimits) {
      if ((mask & bitOf(name)) === 0 || (status.unit === 'kB' && process.kernelThread)) continue
      const value = parseStatusLine(text, status)
      // A process that is ending has no memory any more.
      if (value === null && isEnding(process, this.#files)) return false
      if (value === null) this.#report.unreadable(process, name, `status has no line ${status.line} in ${status.unit}`)
      else this.#report.value(process, name, value)
    }
    if ((mask & bitOf('signals')) !== 0) this.#reportSignals(process, parsePendingSignals(text), depth)
    return true
  }

  #reportFailure(process: TrackedProcess, mask: number, result: number): true {
    for (const { name, status } of statusLimits)
      if ((mask & bitOf(name)) !== 0 && !(status.unit === 'kB' && process.kernelThread))
        this.#report.unreadable(process, name, reasonOf(process, result))
    if ((mask & bitOf('signals')) !== 0) this.#report.unreadable(process, 'signals', reasonOf(process, result))
    return true
  }

  /** Counts signals to the process and to each of its threads. */
  #reportSignals(process: TrackedProcess, pending: PendingSignals | null, { eachThread }: ValueDepth): void {
    if (pending === null) {
      this.#report.unreadable(process, 'signals', noMasks)
      return
    }
    // If no signal is queued to any process of its user, none is queued to its threads.
    const noneQueued = pending.ofUser === 0
    let count = pending.ofProcess + pending.ofThread
    let queue = pending.ofProcessQueue || pending.ofThreadQueue
    for (const thread of process.threads.slice(0, signalledThreadsMax)) {
      if (thread.tid === process.liveTid || thread.dead) continue
      if (noneQueued) noteSignals(thread, null)
      else if (eachThread) noteSignals(thread, this.#readThread(process, thread))
      count += thread.signals
      queue ||= thread.signalsQueue
    }
    const isWhole = !queue && process.threads.length <= signalledThreadsMax
    // The user has no more queued signals than were counted, so the count is complete.
    const isExact = isWhole || (pending.ofUser !== null && pending.ofUser <= count)
    this.#report.value(process, 'signals', count, isExact ? 'exact' : 'lower-bound')
  }

  /** Null if the thread is gone: the next scan finds that. */
  #readThread(process: TrackedProcess, thread: TrackedThread): PendingSignals | null {
    const length = this.#files.readWhole(`${process.path}/task/${thread.tid}/status`)
    return length > 0 ? parsePendingSignals(this.#files.bytes.toString('latin1', 0, length)) : null
  }
}

function noteSignals(thread: TrackedThread, pending: PendingSignals | null): void {
  thread.signals = pending?.ofThread ?? 0
  thread.signalsQueue = pending?.ofThreadQueue ?? false
}
