/** Reads one thread: whether it ran, what it waits for, what it used. */

import { isDenied, isGone, type ProcFiles } from '../native/proc-files.ts'
import { futexCallOf, mayHaveOwner } from '../parse/futex-lock.ts'
import { emptySchedstat, parseSchedstat } from '../parse/schedstat.ts'
import { emptyStat, nameOfStat, parseStat } from '../parse/stat.ts'
import { emptySystemCall, parseSyscall } from '../parse/syscall.ts'
import type { ThreadFacts, WaitsOn } from '../protocol.ts'
import { reasonOf } from '../reasons.ts'
import { CpuWindow } from '../tracked/cpu-window.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import type { ReportBuilder } from './report-builder.ts'
import { cpuMask } from './scan-plan.ts'
import type { StackReader } from './stack-reader.ts'
import { classifyThread, type ThreadClassification } from './thread-state.ts'

// Of threads that seldom run these are opened for each reading, so that they take no descriptors from what is read always.
const keepFrom = 5
const youngMs = 1000
const ticksPerSecond = 100
const noSchedstat = 'the kernel keeps no scheduling figures'

export interface ThreadReaderOptions {
  /** The kernel counts how often threads run, so that a thread that did not run need not be read again. */
  readonly schedstatWorks: boolean
}

function conditionOf({ state, certain, why }: ThreadFacts) {
  return { state, certain, why }
}

function sameWait(one: WaitsOn | null, other: WaitsOn | null): boolean {
  return one === other || (one?.call === other?.call && one?.fd === other?.fd && one?.address === other?.address)
}

export class ThreadReader {
  /** Unix milliseconds of this pass, and the machine's age in ticks then; NaN where it cannot be told. */
  now = 0
  nowTicks = Number.NaN
  readonly #files: ProcFiles
  readonly #report: ReportBuilder
  readonly #stacks: StackReader
  readonly #options: ThreadReaderOptions
  readonly #schedstat = emptySchedstat()
  readonly #stat = emptyStat()
  readonly #call = emptySystemCall()
  /** Why `syscall` could not be read; null where it was. */
  #callFailure: string | null = null

  constructor(files: ProcFiles, report: ReportBuilder, stacks: StackReader, options: ThreadReaderOptions) {
    this.#files = files
    this.#report = report
    this.#stacks = stacks
    this.#options = options
  }

  /** Reads how often it ran, and sets `gone` and `ran`. The hot path of the scan: nothing else is read of a thread at rest. */
  readSchedule(thread: TrackedThread, armed: boolean): void {
    const length = this.#files.read(thread.schedstat, armed)
    if (length < 0 && isGone(length)) {
      thread.gone = true
      return
    }
    const schedstat = this.#schedstat
    if (!this.#options.schedstatWorks || length <= 0 || !parseSchedstat(this.#files.bytes, length, schedstat)) {
      thread.ran = true
      return
    }
    if (schedstat.timesRun !== thread.timesRun || schedstat.runNs !== thread.runNs) this.#noteUse(thread)
    thread.readAt = this.now
    thread.ran = !(thread.blocked && schedstat.timesRun === thread.classifiedTimesRun)
  }

  /** It has not run since it was read last. */
  noteRest(thread: TrackedThread): void {
    thread.readAt = this.now
    thread.ran = false
  }

  #noteUse(thread: TrackedThread): void {
    const { runNs, timesRun } = this.#schedstat
    // It stood at the former figure until the former reading.
    if (thread.runNs >= 0) {
      if (thread.cpu) thread.cpu.add(thread.readAt, thread.runNs)
      else thread.cpu = new CpuWindow(thread.readAt, thread.runNs)
    }
    thread.runNs = runNs
    thread.timesRun = timesRun
  }

  /** Everything of a thread that ran. False where it is gone. */
  readAll(process: TrackedProcess, thread: TrackedThread, armed: boolean): boolean {
    const timesRun = thread.timesRun
    if (!this.#readCall(process, thread, armed)) return false
    const length = this.#files.read(thread.stat, armed, keepFrom)
    if (length <= 0 || !parseStat(this.#files.bytes, length, this.#stat)) return false
    const name = nameOfStat(this.#files.bytes, this.#stat)
    const { state: letter, kernelThread, priority } = this.#stat
    // It went to sleep between the two readings.
    if (letter === 'S' && this.#call.kind === 'running' && !this.#readCall(process, thread, armed)) return false
    const call = this.#callFailure ?? this.#call
    const classified = classifyThread({ letter, kernelThread, call, arch: globalThis.process.arch })
    const sameCall = thread.blocked && timesRun >= 0 && timesRun === thread.classifiedTimesRun
    if (!sameCall) this.#noteFutex(thread, classified)
    thread.dead = classified.state === 'DEAD'
    thread.blocked = classified.blocked
    thread.classifiedTimesRun = timesRun
    // What was found out about its lock since it was classified holds as long as it waits.
    const known =
      sameCall && thread.mayHaveOwner && thread.facts !== null
        ? { ...classified, ...conditionOf(thread.facts) }
        : classified
    this.#tellFacts(thread, known, { name, priority })
    this.#noteBirth(thread)
    this.tellUse(thread, cpuMask)
    if (kernelThread || thread.dead) return true
    this.#tellStack(process, thread)
    thread.stackTimesRun = this.#stackHolds ? timesRun : -1
    return true
  }

  #noteFutex(thread: TrackedThread, { isFutex }: ThreadClassification): void {
    thread.futex = isFutex ? futexCallOf(this.#call) : null
    thread.mayHaveOwner = thread.futex !== null && mayHaveOwner(thread.futex)
  }

  get #stackHolds(): boolean {
    return this.#callFailure === null && this.#call.kind !== 'running'
  }

  /** Name and priority, which others can change while it rests. False where it is gone. */
  readName(thread: TrackedThread): boolean {
    const length = this.#files.read(thread.stat, false, keepFrom)
    if (length <= 0 || !parseStat(this.#files.bytes, length, this.#stat)) return false
    const name = nameOfStat(this.#files.bytes, this.#stat)
    const { priority } = this.#stat
    const facts = thread.facts
    if (facts && (facts.name !== name || facts.priority !== priority)) {
      thread.facts = { ...facts, name, priority }
      this.#report.thread(thread.facts)
    }
    return true
  }

  /** Its stack alone, for the fast pass. False where it is gone. */
  readStack(process: TrackedProcess, thread: TrackedThread): boolean {
    if (process.kernelThread || process.denied || thread.dead) return true
    if (thread.timesRun >= 0 && thread.timesRun === thread.stackTimesRun) return true
    const timesRun = thread.timesRun
    if (!this.#readCall(process, thread, true)) return false
    this.#tellStack(process, thread)
    thread.stackTimesRun = this.#stackHolds ? timesRun : -1
    return true
  }

  /** CPU time, and the share of the last second. */
  tellUse(thread: TrackedThread, mask: number): void {
    if ((mask & cpuMask) === 0) return
    if (thread.runNs < 0) {
      this.#report.unreadable(thread, 'cpu-time', noSchedstat)
      this.#report.unreadable(thread, 'cpu', noSchedstat)
      return
    }
    this.#report.value(thread, 'cpu-time', Math.floor(thread.runNs / 1000))
    this.tellShare(thread)
  }

  /** The share of a thread that did not run falls, to zero at last. */
  tellShare(thread: TrackedThread): void {
    if (thread.runNs < 0) return
    thread.cpu ??= new CpuWindow(this.now, thread.runNs)
    const permille = thread.cpu.permille(this.now, thread.runNs)
    if (permille === null) return
    thread.cpuPermille = permille
    this.#report.value(thread, 'cpu', permille)
  }

  #noteBirth(thread: TrackedThread): void {
    if (thread.cpu || thread.runNs < 0) return
    const ageMs = ((this.nowTicks - this.#stat.startTicks) * 1000) / ticksPerSecond
    thread.cpu = ageMs < youngMs ? new CpuWindow(this.now - ageMs, 0) : new CpuWindow(this.now, thread.runNs)
  }

  #readCall(process: TrackedProcess, thread: TrackedThread, armed: boolean): boolean {
    this.#callFailure = null
    if (process.kernelThread) return true
    if (process.denied) {
      this.#callFailure = reasonOf(-1)
      return true
    }
    const length = this.#files.read(thread.syscall, armed, keepFrom)
    if (length > 0 && parseSyscall(this.#files.bytes, length, this.#call)) return true
    if (length >= 0 || isGone(length)) return false
    process.denied = isDenied(length)
    this.#callFailure = reasonOf(length)
    return true
  }

  #tellStack(process: TrackedProcess, thread: TrackedThread): void {
    if (this.#callFailure !== null) this.#stacks.tellUnreadable(process, thread, this.#callFailure)
    else if (this.#call.kind === 'running') this.#stacks.readRunning(process, thread)
    else this.#stacks.readBlocked(process, thread, this.#call.stackPointer)
  }

  #tellFacts(
    thread: TrackedThread,
    { state, on, certain, why }: ThreadClassification,
    { name, priority }: Pick<ThreadFacts, 'name' | 'priority'>,
  ): void {
    const former = thread.facts
    const sameState = former !== null && former.state === state && former.why === why && sameWait(former.on, on)
    // A thread that ran meanwhile waits anew, be it for the same thing.
    const since = sameState && (!thread.blocked || thread.sinceTimesRun === thread.timesRun) ? former.since : this.now
    thread.sinceTimesRun = thread.timesRun
    if (sameState && since === former.since && former.name === name && former.priority === priority) return
    thread.facts = { pid: thread.pid, tid: thread.tid, name, state, on, certain, why, since, priority }
    this.#report.thread(thread.facts)
  }
}
