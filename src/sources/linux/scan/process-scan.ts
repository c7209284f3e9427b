/** Reads one process with its threads, to the depth that the pass requires. */

import type { ProcFiles } from '../native/proc-files.ts'
import { locksBit } from '../protocol.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import type { DescriptorScan } from './descriptor-scan.ts'
import type { KernelFeatures } from './kernel-features.ts'
import { ProcessReader } from './process-reader.ts'
import { RateReader } from './rate-reader.ts'
import type { ReportBuilder } from './report-builder.ts'
import {
  cpuMask,
  demandMask,
  everythingMask,
  fdTableMask,
  ranMask,
  restMask,
  type ScanPlan,
  stackMask,
  threadMask,
} from './scan-plan.ts'
import { StackReader } from './stack-reader.ts'
import { ThreadReader } from './thread-reader.ts'

// Limits that a full scan reads for a process that ran. Threads and descriptors are read separately.
const wholeMask = everythingMask & ~threadMask & ~fdTableMask

/** The extent to which a process is read again although it did not run. */
export interface Depth {
  /** One of its threads ran, or probably did. */
  readonly ran: boolean
  /** In this scan it is the process's turn for its memory and its descriptors. */
  readonly isTurn: boolean
  readonly thorough: boolean
  readonly deep: boolean
  /** The process's mask in the plan of the fast scan. */
  readonly plan: number
}

/** The time at which a pass begins. */
export interface PassTime {
  /** ms of Unix time, by the clock of the service. */
  readonly now: number
  /** ms of the clock since boot, which cannot be set. */
  readonly bootMs: number
}

export class ProcessScan {
  readonly #files: ProcFiles
  readonly #report: ReportBuilder
  readonly #stacks: StackReader
  readonly threadReader: ThreadReader
  readonly #processReader: ProcessReader
  readonly #descriptors: DescriptorScan
  readonly rates: RateReader

  constructor(files: ProcFiles, report: ReportBuilder, descriptors: DescriptorScan, abilities: KernelFeatures) {
    this.#files = files
    this.#report = report
    this.#stacks = new StackReader(files, report, abilities)
    this.threadReader = new ThreadReader(files, report, this.#stacks, abilities)
    this.#processReader = new ProcessReader(files, report, abilities)
    this.#descriptors = descriptors
    this.rates = new RateReader(files, report)
  }

  startPass({ now, bootMs }: PassTime, nowTicks: number): void {
    this.threadReader.now = now
    this.threadReader.bootMs = bootMs
    this.rates.bootMs = bootMs
    this.threadReader.nowTicks = nowTicks
    this.#stacks.startPass()
  }

  /** Follows a new plan. */
  follow(plan: ScanPlan, processes: Iterable<TrackedProcess>, { factsAreStale }: { factsAreStale: boolean }): void {
    this.#processReader.readsCmdlines = plan.cmdlines
    for (const process of processes) {
      this.rates.end(process, plan.demandOf(process.pid))
      if (factsAreStale) process.factsStale = true
    }
  }

  /** Whether the known process is still alive under its pid. */
  isSame(process: TrackedProcess): boolean {
    return this.#processReader.isSame(process)
  }

  /** Removes from the report everything that was read of the process since the mark. */
  rollBack(process: TrackedProcess): void {
    this.#stacks.abandonProcess()
    this.#report.rollBack()
    process.resetReported()
  }

  /**
   * Whether nothing can have changed in any thread since the last pass of this kind: none ran, and all were blocked
   * then.
   */
  isIdle({ isIdle, listStale, threads }: TrackedProcess): boolean {
    if (!isIdle || listStale) return false
    for (const { blocked, dead } of threads) if (!blocked && !dead) return false
    for (const thread of threads) this.threadReader.markIdle(thread)
    return true
  }

  /** For an idle process only the CPU shares change: they fall to zero. */
  reportIdle(process: TrackedProcess): void {
    for (const thread of process.threads) if (thread.cpuPermille !== 0) this.threadReader.reportCpuShare(thread)
  }

  /** Reads again the stacks that had to wait for their turn. */
  retryStacks(process: TrackedProcess): void {
    if (process.stacksPending && this.#stacks.mayReadMaps) this.#stacks.retryPending(process)
  }

  /**
   * Reads everything that may have changed since the last reading. Returns false if the process is gone. For a zombie
   * only its `zombie` mark is set.
   */
  readFully(process: TrackedProcess, depth: Depth): boolean {
    const { ran, thorough, deep } = depth
    process.ranSinceFullRead = false
    const armed = depth.plan !== 0
    if (thorough) {
      if (ran) process.forgetDenials()
      if (!this.#processReader.readFacts(process, ran)) return false
    }
    if ((ran || deep) && !this.#processReader.readThreads(process, deep)) return false
    if (!this.#readThreadsThatRan(process, armed, deep)) return false
    // A changed name usually means that the process executed another program.
    if (process.factsStale && !this.#processReader.readFacts(process, true)) return false
    process.zombie = process.threads.every(({ dead }) => dead)
    if (process.zombie) {
      this.rollBack(process)
      return true
    }
    process.followLiveThread(this.#files)
    // Limits that others can change while the process is idle: the kernel reclaims its memory, anyone may send it a
    // signal.
    const mask = ran ? wholeMask : restMask
    if (!this.#processReader.readValues(process, mask, { armed, eachThread: deep })) return false
    this.#requestFdTable(process, depth)
    return this.#stacks.finishProcess(process, armed)
  }

  /**
   * Requests a scan of the descriptors if they may have changed since the last one. If their number is the same, they
   * usually are the same descriptors: unless they are armed, the scan then waits for the process's turn.
   */
  #requestFdTable(process: TrackedProcess, { ran, isTurn, deep, plan }: Depth): void {
    if (ran) process.fdTableStale = true
    const armed = (plan & fdTableMask) !== 0
    const changed = process.fdTableStale && (armed || isTurn || process.fds !== process.fdsAtScan)
    // While the holder is idle, others can still change these: files grow, and the peer may reset a connection.
    if (changed || deep || (armed && isTurn)) this.#descriptors.request(process, { armed })
  }

  #readThreadsThatRan(process: TrackedProcess, armed: boolean, deep: boolean): boolean {
    for (const thread of process.threads) {
      if (thread.timesRun < 0 && !thread.gone) this.threadReader.readSchedule(thread, armed)
      const isGone = thread.gone || !this.#readThread(process, thread, armed, deep)
      if (!isGone) continue
      thread.gone = true
      process.listStale = true
      if (thread.isMain) return false
    }
    if (process.listStale) this.#removeGone(process)
    return process.threads.length > 0
  }

  /** Returns false if the thread is gone. */
  #readThread(process: TrackedProcess, thread: TrackedThread, armed: boolean, deep: boolean): boolean {
    if (thread.ran) {
      if (!this.threadReader.readAll(process, thread, armed)) return false
      if (thread.isMain && thread.facts?.name !== process.facts?.name) process.factsStale = true
      return true
    }
    if (thread.cpuPermille !== 0) this.threadReader.reportCpuShare(thread)
    return !deep || this.threadReader.readName(thread)
  }

  #removeGone(process: TrackedProcess): void {
    for (const thread of process.threads) {
      if (!thread.gone) continue
      thread.forget(this.#files)
      process.addFormerTid(thread)
    }
    process.threads = process.threads.filter(({ gone }) => !gone)
  }

  /** Reads the limits in the mask. Returns false if the process is gone or ending. */
  readFast(process: TrackedProcess, mask: number): boolean {
    let processMask = mask & ~(threadMask | demandMask)
    let ran = false
    if ((mask & ranMask) !== 0) {
      ran = !this.isIdle(process) && this.readSchedules(process, true)
      if (!ran) processMask &= ~ranMask
      if (ran) process.fdTableStale = true
      if (ran) process.ranSinceFullRead = true
      if (ran && !this.#processReader.readThreads(process, false)) return false
      if ((mask & (threadMask | locksBit)) !== 0) this.#readThreadsFast(process, mask)
    }
    const values = processMask & ~fdTableMask
    if (!this.#processReader.readValues(process, values, { armed: true, eachThread: true })) return false
    if ((mask & demandMask) !== 0) this.rates.read(process, mask, ran)
    if ((mask & fdTableMask) !== 0 && process.fdTableStale) this.#descriptors.request(process, { armed: true })
    return this.#stacks.finishProcess(process, true)
  }

  #readThreadsFast(process: TrackedProcess, mask: number): void {
    for (const thread of process.threads) {
      if (thread.timesRun < 0 && !thread.gone) this.threadReader.readSchedule(thread, true)
      if (thread.gone) {
        process.listStale = true
        continue
      }
      if ((mask & cpuMask) !== 0) this.threadReader.reportUse(thread, mask)
      if (!thread.ran || this.#readThreadFast(process, thread, mask)) continue
      thread.gone = true
      process.listStale = true
    }
  }

  /** Returns false if the thread is gone. */
  #readThreadFast(process: TrackedProcess, thread: TrackedThread, mask: number): boolean {
    if ((mask & locksBit) !== 0) return this.threadReader.readAll(process, thread, true)
    return (mask & stackMask) === 0 || this.threadReader.readStack(process, thread)
  }

  /** Reads how often each thread ran. Returns true if a thread ran or is gone. */
  readSchedules(process: TrackedProcess, armed: boolean): boolean {
    let ran = process.listStale
    for (const thread of process.threads) {
      this.threadReader.readSchedule(thread, armed)
      if (thread.gone) process.listStale = true
      if (thread.ran || thread.gone) ran = true
    }
    return ran
  }
}
