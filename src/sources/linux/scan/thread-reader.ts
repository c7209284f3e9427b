/** Reads one thread: whether it ran, what it waits for, and its CPU time. */

import { isDenied, type ProcFiles } from '../native/proc-files.ts'
import { futexCallOf } from '../parse/futex-call.ts'
import { mayHaveOwner } from '../parse/futex-lock.ts'
import { emptySchedstat, parseSchedstat } from '../parse/schedstat.ts'
import { emptyStat, nameOfStat, parseStat } from '../parse/stat.ts'
import { emptySystemCall, hasUserRegisters, parseSyscall } from '../parse/syscall.ts'
import type { ThreadFacts, WaitsOn } from '../protocol.ts'
import { reasonOf, threadReasonOf, unknownForm } from '../reasons.ts'
import { CpuWindow } from '../tracked/cpu-window.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import type { ReportBuilder } from './report-builder.ts'
import { cpuMask } from './scan-plan.ts'
import type { StackReader } from './stack-reader.ts'
import { classifyThread, type ThreadClassification } from './thread-state.ts'

// Files of threads that seldom run are not held open, so that they take no descriptors from files that every pass
// reads.
const holdFrom = 5
const youngMs = 1000
const ticksPerSecond = 100
const noStack = 'it works for the kernel in this process, and has no stack there'
const noSchedstat = 'the kernel collects no scheduling statistics'

export interface ThreadReaderOptions {
  /** The kernel counts how often threads run, so a thread that did not run need not be read again. */
  readonly schedstatWorks: boolean
}

function conditionOf({ state, certain, why }: ThreadFacts) {
  return { state, certain, why }
}

function sameWait(one: WaitsOn | null, other: WaitsOn | null): boolean {
  return one === other || (one?.call === other?.call && one?.fd === other?.fd && one?.address === other?.address)
}

export class ThreadReader {
  /** Unix milliseconds of this pass, and the time since boot in ticks; NaN if it cannot be read. */
  now = 0
  nowTicks = Number.NaN
  /** ms of the clock since boot: shares of CPU time are differences over it, because it cannot be set. */
  bootMs = 0
  readonly #files: ProcFiles
  readonly #report: ReportBuilder
  readonly #stacks: StackReader
  readonly #options: ThreadReaderOptions
  readonly #schedstat = emptySchedstat()
  readonly #stat = emptyStat()
  readonly #call = emptySystemCall()
  /** Reason why `syscall` could not be read; null if it was read. */
  #callFailure: string | null = null

  constructor(files: ProcFiles, report: ReportBuilder, stacks: StackReader, options: ThreadReaderOptions) {
    this.#files = files
    this.#report = report
    this.#stacks = stacks
    this.#options = options
  }

  /**
   * Reads how often the thread ran, and sets `gone` and `ran`. This is the scan's hot path: an idle thread is read no
   * further.
   */
  readSchedule(thread: TrackedThread, armed: boolean): void {
    if (!this.#options.schedstatWorks) {
      thread.ran = true
      return
    }
    const length = this.#files.read(thread.schedstat, armed)
    const schedstat = this.#schedstat
    if (length < 0 || !parseSchedstat(this.#files.bytes, length, schedstat)) {
      thread.gone = length < 0 && this.#files.hasEnded(length, thread.schedstat)
      this.#forgetUse(thread)
      return
    }
    if (schedstat.timesRun !== thread.timesRun || schedstat.runNs !== thread.runNs) this.#recordUse(thread)
    thread.readAt = this.bootMs
    thread.ran = !(thread.blocked && schedstat.timesRun === thread.classifiedTimesRun)
  }

  /** Its use is not known any more, so it must be taken to have run. */
  #forgetUse(thread: TrackedThread): void {
    thread.ran = true
    thread.runNs = -1
    thread.timesRun = -1
    thread.cpu = null
    thread.cpuPermille = Number.NaN
  }

  /** Notes that the thread has not run since it was read last. */
  markIdle(thread: TrackedThread): void {
    thread.readAt = this.bootMs
    thread.ran = false
  }

  #recordUse(thread: TrackedThread): void {
    const { runNs, timesRun } = this.#schedstat
    // Until its former reading the thread had its former CPU time.
    if (thread.runNs >= 0) {
      if (thread.cpu) thread.cpu.add(thread.readAt, thread.runNs)
      else thread.cpu = new CpuWindow(thread.readAt, thread.runNs)
    }
    thread.runNs = runNs
    thread.timesRun = timesRun
  }

  /** Reads everything of a thread that ran. Returns false if it is gone. */
  readAll(process: TrackedProcess, thread: TrackedThread, armed: boolean): boolean {
    const timesRun = thread.timesRun
    if (!this.#readCall(process, thread, armed)) return false
    const length = this.#files.read(thread.stat, armed, holdFrom)
    if (length < 0 && this.#files.hasEnded(length, thread.stat)) return false
    if (length < 0 || !parseStat(this.#files.bytes, length, this.#stat)) {
      this.#reportUnknown(process, thread, length < 0 ? reasonOf(process, length) : unknownForm)
      return true
    }
    const name = nameOfStat(this.#files.bytes, this.#stat)
    const { state: letter, kernelThread, mayBeWorker, priority } = this.#stat
    // It went to sleep between the two readings.
    if (letter === 'S' && this.#call.kind === 'running' && !this.#readCall(process, thread, armed)) return false
    const call = this.#callFailure ?? this.#call
    const classified = classifyThread({ letter, kernelThread, call, arch: globalThis.process.arch })
    if (mayBeWorker && !this.#hasRegisters) thread.isWorker = true
    const sameCall = thread.blocked && timesRun >= 0 && timesRun === thread.classifiedTimesRun
    if (!sameCall) this.#recordFutex(thread, classified)
    thread.dead = classified.state === 'DEAD'
    thread.blocked = classified.blocked
    thread.classifiedTimesRun = timesRun
    // Facts found about its lock since it was classified hold as long as it waits.
    const known =
      sameCall && thread.mayHaveOwner && thread.facts !== null
        ? { ...classified, ...conditionOf(thread.facts) }
        : classified
    this.#reportFacts(thread, known, { name, priority })
    this.#startCpuWindow(thread)
    this.reportUse(thread, cpuMask)
    if (kernelThread || thread.dead) return true
    this.#reportStack(process, thread)
    thread.stackTimesRun = this.#stackHolds ? timesRun : -1
    return true
  }

  /** Reports a thread whose `stat` cannot be read: nothing shows its state. */
  #reportUnknown(process: TrackedProcess, thread: TrackedThread, why: string): void {
    const unknown = { state: null, on: null, certain: false, why, blocked: false }
    thread.futex = null
    thread.mayHaveOwner = false
    thread.blocked = false
    // Its name and its priority are those read before, and without any the thread is not described.
    if (thread.facts !== null) this.#reportFacts(thread, unknown, thread.facts)
    this.reportUse(thread, cpuMask)
    this.#stacks.reportUnreadable(process, thread, why)
  }

  #recordFutex(thread: TrackedThread, { isFutex }: ThreadClassification): void {
    thread.futex = isFutex ? futexCallOf(this.#call) : null
    thread.mayHaveOwner = thread.futex !== null && mayHaveOwner(thread.futex)
  }

  /** Also true if they cannot be read. */
  get #hasRegisters(): boolean {
    return this.#callFailure !== null || hasUserRegisters(this.#call)
  }

  get #stackHolds(): boolean {
    return this.#callFailure === null && this.#call.kind !== 'running'
  }

  /** Name and priority, which others can change while the thread is idle. Returns false if it is gone. */
  readName(thread: TrackedThread): boolean {
    const length = this.#files.read(thread.stat, false, holdFrom)
    if (length < 0 && this.#files.hasEnded(length, thread.stat)) return false
    if (length < 0 || !parseStat(this.#files.bytes, length, this.#stat)) return true
    const name = nameOfStat(this.#files.bytes, this.#stat)
    const { priority } = this.#stat
    const facts = thread.facts
    if (facts && (facts.name !== name || facts.priority !== priority)) {
      thread.facts = { ...facts, name, priority }
      this.#report.thread(thread.facts)
    }
    return true
  }

  /** Reads only the stack, for the fast scan. Returns false if the thread is gone. */
  readStack(process: TrackedProcess, thread: TrackedThread): boolean {
    if (process.kernelThread || process.denied || thread.dead) return true
    if (thread.timesRun >= 0 && thread.timesRun === thread.stackTimesRun) return true
    const timesRun = thread.timesRun
    if (!this.#readCall(process, thread, true)) return false
    this.#reportStack(process, thread)
    thread.stackTimesRun = this.#stackHolds ? timesRun : -1
    return true
  }

  /** Reports the CPU time and the share of the last second. */
  reportUse(thread: TrackedThread, mask: number): void {
    if ((mask & cpuMask) === 0) return
    if (thread.runNs < 0) {
      const why = this.#options.schedstatWorks ? this.#whyNoUse(thread) : noSchedstat
      this.#report.unreadable(thread, 'cpu-time', why)
      this.#report.unreadable(thread, 'cpu', why)
      return
    }
    this.#report.value(thread, 'cpu-time', Math.floor(thread.runNs / 1000))
    this.reportCpuShare(thread)
  }

  #whyNoUse({ schedstat }: TrackedThread): string {
    const length = this.#files.read(schedstat)
    return length < 0 ? reasonOf(null, length) : unknownForm
  }

  /** The share of a thread that does not run falls to zero. */
  reportCpuShare(thread: TrackedThread): void {
    if (thread.runNs < 0) return
    thread.cpu ??= new CpuWindow(this.bootMs, thread.runNs)
    const permille = thread.cpu.permille(this.bootMs, thread.runNs)
    if (permille === null) return
    thread.cpuPermille = permille
    // A thread that stopped running has no share a second later.
    if (permille !== 0) thread.cpu.add(this.bootMs, thread.runNs)
    this.#report.value(thread, 'cpu', permille)
  }

  #startCpuWindow(thread: TrackedThread): void {
    if (thread.cpu || thread.runNs < 0) return
    const ageMs = ((this.nowTicks - this.#stat.startTicks) * 1000) / ticksPerSecond
    // A start in the future says that the two clocks differ.
    thread.cpu =
      ageMs >= 0 && ageMs < youngMs ? new CpuWindow(this.bootMs - ageMs, 0) : new CpuWindow(this.bootMs, thread.runNs)
  }

  #readCall(process: TrackedProcess, thread: TrackedThread, armed: boolean): boolean {
    this.#callFailure = null
    if (process.kernelThread) return true
    if (process.denied) {
      this.#callFailure = reasonOf(process, -1)
      return true
    }
    const length = this.#files.read(thread.syscall, armed, holdFrom)
    if (length > 0 && parseSyscall(this.#files.bytes, length, this.#call)) return true
    if (length < 0 && this.#files.hasEnded(length, thread.syscall)) return false
    // Threads may have other users than their process. Its memory is read through the thread of `liveTid`.
    if (isDenied(length) && thread.tid === process.liveTid) process.denied = true
    this.#callFailure = length < 0 ? threadReasonOf(process, thread, length) : unknownForm
    return true
  }

  #reportStack(process: TrackedProcess, thread: TrackedThread): void {
    if (this.#callFailure !== null) this.#stacks.reportUnreadable(process, thread, this.#callFailure)
    else if (!this.#hasRegisters) this.#stacks.reportUnreadable(process, thread, noStack)
    else if (this.#call.kind === 'running') this.#stacks.readRunning(process, thread)
    else this.#stacks.readBlocked(process, thread, this.#call.stackPointer)
  }

  #reportFacts(
    thread: TrackedThread,
    { state, on, certain, why }: ThreadClassification,
    { name, priority }: Pick<ThreadFacts, 'name' | 'priority'>,
  ): void {
    const former = thread.facts
    const sameState = former !== null && former.state === state && former.why === why && sameWait(former.on, on)
    // A thread that ran meanwhile has begun another wait, even if for the same object.
    const since = sameState && (!thread.blocked || thread.sinceTimesRun === thread.timesRun) ? former.since : this.now
    thread.sinceTimesRun = thread.timesRun
    if (sameState && since === former.since && former.name === name && former.priority === priority) return
    thread.facts = { pid: thread.pid, tid: thread.tid, name, state, on, certain, why, since, priority }
    this.#report.thread(thread.facts)
  }
}
