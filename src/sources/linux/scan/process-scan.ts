/** Reads one process with its threads, as deep as is asked. */

import type { ProcFiles } from '../native/proc-files.ts'
import { locksBit } from '../protocol.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import type { DescriptorScan } from './descriptor-scan.ts'
import type { KernelFeatures } from './kernel-features.ts'
import { ProcessReader } from './process-reader.ts'
import type { ReportBuilder } from './report-builder.ts'
import { cpuMask, everythingMask, fdTableMask, ranMask, restMask, stackMask, threadMask } from './scan-plan.ts'
import { StackReader } from './stack-reader.ts'
import { ThreadReader } from './thread-reader.ts'

// What a full scan reads of one that ran; its threads and its descriptors are read in ways of their own.
const wholeMask = everythingMask & ~threadMask & ~fdTableMask

/** How much of a process is read again although it did not run. */
export interface Depth {
  /** One of its threads ran, or there is a reason to think so. */
  readonly ran: boolean
  /** It is its turn to have its memory read, and its descriptors. */
  readonly turn: boolean
  readonly thorough: boolean
  readonly deep: boolean
  /** What of it the fast period reads. */
  readonly plan: number
}

export class ProcessScan {
  readonly #files: ProcFiles
  readonly #report: ReportBuilder
  readonly #stacks: StackReader
  readonly threadReader: ThreadReader
  readonly #processReader: ProcessReader
  readonly #descriptors: DescriptorScan

  constructor(files: ProcFiles, report: ReportBuilder, descriptors: DescriptorScan, abilities: KernelFeatures) {
    this.#files = files
    this.#report = report
    this.#stacks = new StackReader(files, report, abilities)
    this.threadReader = new ThreadReader(files, report, this.#stacks, abilities)
    this.#processReader = new ProcessReader(files, report, abilities)
    this.#descriptors = descriptors
  }

  startPass(now: number, nowTicks: number): void {
    this.threadReader.now = now
    this.threadReader.nowTicks = nowTicks
    this.#stacks.startPass()
  }

  /** Whether the process that we know still lives under its pid. */
  isSame(process: TrackedProcess): boolean {
    return this.#processReader.isSame(process)
  }

  /** Nothing of what was read of it since the mark is told. */
  takeBack(process: TrackedProcess): void {
    this.#stacks.abandonProcess()
    this.#report.takeBack()
    process.forgetTold()
  }

  /** Whether nothing can have changed in any thread since the last pass of this kind: none ran, and all were blocked then. */
  rests({ atRest, listStale, threads }: TrackedProcess): boolean {
    if (!atRest || listStale) return false
    for (const { blocked, dead } of threads) if (!blocked && !dead) return false
    for (const thread of threads) this.threadReader.noteRest(thread)
    return true
  }

  /** Of a process at rest: only the shares of CPU time, which fall to zero. */
  tellRest(process: TrackedProcess): void {
    for (const thread of process.threads) if (thread.cpuPermille !== 0) this.threadReader.tellShare(thread)
  }

  /** Has stacks looked up that had to wait for their turn. */
  wantStacks(process: TrackedProcess): void {
    if (process.stacksPending && this.#stacks.mayReadMaps) this.#stacks.wantAgain(process)
  }

  /** Everything that changed since it was read last. False where it is gone; a zombie is told by its mark alone. */
  readWhole(process: TrackedProcess, depth: Depth): boolean {
    const { ran, thorough, deep } = depth
    process.ranSinceWhole = false
    const armed = depth.plan !== 0
    if (thorough) {
      if (ran) process.denied = false
      if (!this.#processReader.readFacts(process, ran)) return false
    }
    if ((ran || deep) && !this.#processReader.readThreads(process, deep)) return false
    if (!this.#readThreadsThatRan(process, armed, deep)) return false
    // Another name: most likely it executed another program.
    if (process.factsStale && !this.#processReader.readFacts(process, true)) return false
    process.zombie = process.threads.every(({ dead }) => dead)
    if (process.zombie) {
      this.takeBack(process)
      return true
    }
    process.lookThroughLiving(this.#files)
    // What others can change while it rests: the kernel takes memory from it, anybody may send it a signal.
    const mask = ran ? wholeMask : restMask
    if (!this.#processReader.readValues(process, mask, { armed, eachThread: deep })) return false
    this.#wantTable(process, depth)
    return this.#stacks.finishProcess(process, armed)
  }

  /**
   * Has its descriptors looked through, if they may hold something else than when that was done last. As many as before
   * are most often the same ones: where none of them is armed, that is left for its turn.
   */
  #wantTable(process: TrackedProcess, { ran, turn, deep, plan }: Depth): void {
    if (ran) process.tableStale = true
    const armed = (plan & fdTableMask) !== 0
    const changed = process.tableStale && (armed || turn || process.fds !== process.fdsAtLook)
    // Files grow by the hands of others, and the other end may reset a connection, while the holder rests.
    if (changed || deep || (armed && turn)) this.#descriptors.want(process, { armed })
  }

  #readThreadsThatRan(process: TrackedProcess, armed: boolean, deep: boolean): boolean {
    for (const thread of process.threads) {
      if (thread.timesRun < 0 && !thread.gone) this.threadReader.readSchedule(thread, armed)
      const read = thread.gone || !this.#readThread(process, thread, armed, deep)
      if (!read) continue
      thread.gone = true
      process.listStale = true
      if (thread.isMain) return false
    }
    if (process.listStale) this.#removeGone(process)
    return process.threads.length > 0
  }

  /** False where it is gone. */
  #readThread(process: TrackedProcess, thread: TrackedThread, armed: boolean, deep: boolean): boolean {
    if (thread.ran) {
      if (!this.threadReader.readAll(process, thread, armed)) return false
      if (thread.isMain && thread.facts?.name !== process.facts?.name) process.factsStale = true
      return true
    }
    if (thread.cpuPermille !== 0) this.threadReader.tellShare(thread)
    return !deep || this.threadReader.readName(thread)
  }

  #removeGone(process: TrackedProcess): void {
    for (const thread of process.threads) {
      if (!thread.gone) continue
      thread.forget(this.#files)
      process.noteFormer(thread)
    }
    process.threads = process.threads.filter(({ gone }) => !gone)
  }

  /** What the mask names. False where it is gone, or ends. */
  readFast(process: TrackedProcess, mask: number): boolean {
    let processMask = mask & ~threadMask
    if ((mask & ranMask) !== 0) {
      const ran = !this.rests(process) && this.readSchedules(process, true)
      if (!ran) processMask &= ~ranMask
      if (ran) process.tableStale = true
      if (ran) process.ranSinceWhole = true
      if (ran && !this.#processReader.readThreads(process, false)) return false
      if ((mask & (threadMask | locksBit)) !== 0) this.#readThreadsFast(process, mask)
    }
    const values = processMask & ~fdTableMask
    if (!this.#processReader.readValues(process, values, { armed: true, eachThread: true })) return false
    if ((mask & fdTableMask) !== 0 && process.tableStale) this.#descriptors.want(process, { armed: true })
    return this.#stacks.finishProcess(process, true)
  }

  #readThreadsFast(process: TrackedProcess, mask: number): void {
    for (const thread of process.threads) {
      if (thread.timesRun < 0 && !thread.gone) this.threadReader.readSchedule(thread, true)
      if (thread.gone) {
        process.listStale = true
        continue
      }
      if ((mask & cpuMask) !== 0) this.threadReader.tellUse(thread, mask)
      if (!thread.ran || this.#readThreadFast(process, thread, mask)) continue
      thread.gone = true
      process.listStale = true
    }
  }

  /** False where it is gone. */
  #readThreadFast(process: TrackedProcess, thread: TrackedThread, mask: number): boolean {
    if ((mask & locksBit) !== 0) return this.threadReader.readAll(process, thread, true)
    return (mask & stackMask) === 0 || this.threadReader.readStack(process, thread)
  }

  /** Reads how often each thread ran. True where one did, or is gone. */
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
