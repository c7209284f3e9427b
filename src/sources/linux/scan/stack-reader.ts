/**
 * Measures the depth of a thread's stack. Blocked thread: end of the VMA that holds its stack pointer, minus the
 * pointer. Running thread: its stack pointer cannot be read, so the part of its stack that was ever touched is an
 * estimate.
 */

import type { ProcFiles } from '../native/proc-files.ts'
import { canBeStack, findMainStack, findVmas, type Vma } from '../parse/maps.ts'
import type { StackBlock } from '../parse/thread-descriptor.ts'
import { reasonOf, unknownForm } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import { isEnding } from './ending.ts'
import type { ReportBuilder } from './report-builder.ts'
import { StackBounds } from './stack-bounds.ts'
import { TouchedPages, type TouchedPagesOptions } from './touched-pages.ts'

const unarmedMapsReadingsMax = 64
// A longer list of mappings, whose length any user decides, counts as several readings.
const bytesOfReading = 64 * 1024
const runningUnknown = 'running, and its stack is not known yet'

interface PendingStack {
  readonly thread: TrackedThread
  /** Address in the stack; 0 for the main thread's own. */
  readonly address: number
  /** Stack pointer; 0 while the thread runs. */
  readonly stackPointer: number
}

export class StackReader {
  readonly #files: ProcFiles
  readonly #report: ReportBuilder
  readonly #bounds: StackBounds
  readonly #touched: TouchedPages
  #pending: PendingStack[] = []
  #mapsReadingsLeft = 0

  constructor(
    files: ProcFiles,
    report: ReportBuilder,
    options: TouchedPagesOptions & { readonly ownNamespace: boolean },
  ) {
    this.#files = files
    this.#report = report
    this.#touched = new TouchedPages(files, options)
    this.#bounds = new StackBounds(files, options)
  }

  startPass(): void {
    this.#mapsReadingsLeft = unarmedMapsReadingsMax
  }

  get mayReadMaps(): boolean {
    return this.#mapsReadingsLeft > 0
  }

  /** Marks the threads whose stacks had to wait, so that they are read again. */
  retryPending(process: TrackedProcess): void {
    process.stacksPending = false
    // The process must not pass for idle, or its threads would not be read until they run.
    process.isIdle = false
    for (const thread of process.threads) if (thread.stackTimesRun < 0) thread.classifiedTimesRun = -1
  }

  readBlocked(process: TrackedProcess, thread: TrackedThread, stackPointer: number): void {
    if (stackPointer >= thread.stackStart && stackPointer < thread.stackEnd) {
      this.#report.value(thread, 'stack', thread.stackEnd - stackPointer)
      this.#reportSizes(process, thread)
    } else this.#lookUpLater(process, { thread, address: stackPointer, stackPointer })
  }

  readRunning(process: TrackedProcess, thread: TrackedThread): void {
    if (thread.stackEnd > 0) {
      this.#reportTouched(process, thread)
      // The main thread's stack grows: it may extend below the known part by now.
      if (thread.stackGrows && thread.lowestTouched <= thread.stackStart)
        this.#pending.push({ thread, address: thread.stackEnd - 1, stackPointer: 0 })
      return
    }
    const address = thread.isMain ? 0 : this.#bounds.descriptorOf(thread)
    if (address === 0 && !thread.isMain) this.reportUnreadable(process, thread, runningUnknown)
    else this.#lookUpLater(process, { thread, address, stackPointer: 0 })
  }

  /** An address where the search was in vain before is not searched for again. */
  #lookUpLater(process: TrackedProcess, stack: PendingStack): void {
    const { thread, address } = stack
    const unknown = thread.unknownStack
    if (unknown !== null && address >= unknown.start && address < unknown.end)
      this.reportUnreadable(process, thread, unknown.reason)
    else this.#pending.push(stack)
  }

  reportUnreadable(process: TrackedProcess, thread: TrackedThread, reason: string): void {
    this.#report.unreadable(thread, 'stack', reason)
    if (thread.isMain && Number.isFinite(process.stackSoft)) this.#reportSizes(process, thread)
    else this.#report.unreadable(thread, 'stack-size', reason)
  }

  /** Looks up the stacks that are not known yet, with one reading of `maps`. Returns false if the process is gone. */
  finishProcess(process: TrackedProcess, armed: boolean): boolean {
    if (this.#pending.length === 0) return true
    const pending = this.#pending
    this.#pending = []
    if (!armed && this.#mapsReadingsLeft-- <= 0) {
      for (const { thread } of pending) thread.stackTimesRun = -1
      process.stacksPending = true
      return true
    }
    const path = `${process.livePath}/maps`
    const length = this.#files.readWhole(path)
    const isGone = length < 0 ? this.#files.hasEnded(length, { path }) : length === 0 && isEnding(process, this.#files)
    if (isGone) return false
    if (!armed && length > 0) this.#mapsReadingsLeft -= Math.floor(length / bytesOfReading)
    const failure = length < 0 ? reasonOf(process, length) : length === 0 ? unknownForm : null
    if (failure !== null) for (const { thread } of pending) this.reportUnreadable(process, thread, failure)
    else this.#lookUp(process, pending, length)
    return true
  }

  abandonProcess(): void {
    this.#pending = []
  }

  #lookUp(process: TrackedProcess, pending: readonly PendingStack[], length: number): void {
    const { bytes } = this.#files
    const placed = pending.filter(({ address }) => address !== 0).sort((a, b) => a.address - b.address)
    const found = findVmas(
      bytes,
      length,
      placed.map(({ address }) => address),
    )
    const vmas = new Map(placed.map((stack, place) => [stack, found[place] ?? null]))
    const mainStack = pending.some(({ address }) => address === 0) ? findMainStack(bytes, length) : null
    for (const { thread, address } of pending) thread.stackAddress = address || (mainStack?.end ?? 1) - 1
    // From here on the buffer is used for other readings.
    const wasHeld = process.memory.fd >= 0
    for (const stack of pending)
      this.#resolve(process, stack, stack.address === 0 ? mainStack : (vmas.get(stack) ?? null))
    if (!wasHeld) for (const file of [process.memory, process.pagemap]) this.#files.release(file)
  }

  #resolve(process: TrackedProcess, { thread, stackPointer }: PendingStack, vma: Vma | null): void {
    const running = stackPointer === 0
    if (!vma || (running && !canBeStack(vma))) {
      this.reportUnreadable(process, thread, running ? runningUnknown : 'its stack pointer is in no mapping')
      return
    }
    const stack = this.#bounds.find(process, thread, vma)
    if (typeof stack === 'string') {
      thread.unknownStack = { start: vma.start, end: vma.end, reason: stack }
      this.reportUnreadable(process, thread, stack)
      return
    }
    this.#recordStack(thread, stack, thread.isMain && vma.name === '[stack]')
    if (running) this.#reportTouched(process, thread)
    else {
      this.#report.value(thread, 'stack', thread.stackEnd - stackPointer)
      this.#reportSizes(process, thread)
    }
  }

  #recordStack(thread: TrackedThread, { start, end }: StackBlock, grows: boolean): void {
    if (thread.stackEnd !== end) thread.lowestTouched = 0
    thread.unknownStack = null
    thread.stackStart = start
    thread.stackEnd = end
    thread.stackGrows = grows
  }

  #reportTouched(process: TrackedProcess, thread: TrackedThread): void {
    const touched = this.#touched.read(process, thread)
    if (typeof touched === 'string') this.reportUnreadable(process, thread, touched)
    else {
      this.#report.value(thread, 'stack', touched.depth, 'estimate', touched.granularity)
      this.#reportSizes(process, thread)
    }
  }

  #reportSizes(process: TrackedProcess, thread: TrackedThread): void {
    const mapped = thread.stackEnd - thread.stackStart
    const soft = process.stackSoft
    const size = thread.stackGrows && Number.isFinite(soft) ? soft : mapped
    if (size > 0) this.#report.value(thread, 'stack-size', size)
    const capacity = thread.stackGrows ? soft : mapped
    if (capacity === thread.lastReportedCapacity || Number.isNaN(capacity) || capacity === 0) return
    thread.lastReportedCapacity = capacity
    this.#report.capacity(thread, 'stack', capacity)
  }
}
