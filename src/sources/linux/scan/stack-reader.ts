/**
 * How deep a thread's stack is. Blocked: the end of the VMA that holds its stack pointer, minus the pointer. Running: it
 * has no stack pointer that could be read, so the extent of its stack that was ever touched, as an estimate.
 */

import { robustListOf } from '../native/libc.ts'
import { isGone, type ProcFiles } from '../native/proc-files.ts'
import { canBeStack, findMainStack, findVmas, type Vma } from '../parse/maps.ts'
import { lowestTouchedPage, pagemapWordBytes } from '../parse/pagemap.ts'
import { reasonOf } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import type { ReportBuilder } from './report-builder.ts'

const unarmedMapsReadingsMax = 64
const pagemapPagesAtOnce = 4096
const runningUnknown = 'running, and its stack is not known yet'

interface Wanted {
  readonly thread: TrackedThread
  /** An address in its stack; 0 for the main thread's own. */
  readonly address: number
  /** Its stack pointer; 0 while it runs. */
  readonly stackPointer: number
}

export class StackReader {
  readonly #files: ProcFiles
  readonly #report: ReportBuilder
  readonly #pageBytes: number
  /** Thread ids are those of our own pid namespace, so that system calls may name them. */
  readonly #ownNamespace: boolean
  readonly #words = Buffer.allocUnsafeSlow(pagemapPagesAtOnce * pagemapWordBytes)
  #wanted: Wanted[] = []
  #mapsReadingsLeft = 0

  constructor(files: ProcFiles, report: ReportBuilder, options: { pageBytes: number; ownNamespace: boolean }) {
    this.#files = files
    this.#report = report
    this.#pageBytes = options.pageBytes
    this.#ownNamespace = options.ownNamespace
  }

  startPass(): void {
    this.#mapsReadingsLeft = unarmedMapsReadingsMax
  }

  get mayReadMaps(): boolean {
    return this.#mapsReadingsLeft > 0
  }

  /** Has the threads read again whose stacks had to wait for their turn. */
  wantAgain(process: TrackedProcess): void {
    process.stacksPending = false
    for (const thread of process.threads) if (thread.stackTimesRun < 0) thread.classifiedTimesRun = -1
  }

  readBlocked(process: TrackedProcess, thread: TrackedThread, stackPointer: number): void {
    if (stackPointer >= thread.stackStart && stackPointer < thread.stackEnd) {
      this.#report.value(thread, 'stack', thread.stackEnd - stackPointer)
      this.#tellSizes(process, thread)
    } else this.#wanted.push({ thread, address: stackPointer, stackPointer })
  }

  readRunning(process: TrackedProcess, thread: TrackedThread): void {
    if (thread.stackEnd > 0) {
      this.#tellTouched(process, thread)
      // The main thread's stack grows: below what we know of it there may be more by now.
      if (thread.isMain && thread.lowestTouched <= thread.stackStart)
        this.#wanted.push({ thread, address: thread.stackEnd - 1, stackPointer: 0 })
      return
    }
    const address = thread.isMain || !this.#ownNamespace ? 0 : robustListOf(thread.tid)
    if (address === 0 && !thread.isMain) this.tellUnreadable(process, thread, runningUnknown)
    else this.#wanted.push({ thread, address, stackPointer: 0 })
  }

  tellUnreadable(process: TrackedProcess, thread: TrackedThread, reason: string): void {
    this.#report.unreadable(thread, 'stack', reason)
    if (thread.isMain && Number.isFinite(process.stackSoft)) this.#tellSizes(process, thread)
    else this.#report.unreadable(thread, 'stack-size', reason)
  }

  /** Looks the stacks up that are not known yet, with one reading of `maps`. False where the process is gone. */
  finishProcess(process: TrackedProcess, armed: boolean): boolean {
    if (this.#wanted.length === 0) return true
    const wanted = this.#wanted
    this.#wanted = []
    if (!armed && this.#mapsReadingsLeft-- <= 0) {
      for (const { thread } of wanted) thread.stackTimesRun = -1
      process.stacksPending = true
      return true
    }
    const length = this.#files.readOnce(`${process.insidePath}/maps`)
    if (length === 0 || isGone(length)) return false
    if (length < 0) for (const { thread } of wanted) this.tellUnreadable(process, thread, reasonOf(length))
    else this.#lookUp(process, wanted, length)
    return true
  }

  abandonProcess(): void {
    this.#wanted = []
  }

  #lookUp(process: TrackedProcess, wanted: readonly Wanted[], length: number): void {
    const { bytes } = this.#files
    const placed = wanted.filter(({ address }) => address !== 0).sort((a, b) => a.address - b.address)
    const found = findVmas(
      bytes,
      length,
      placed.map(({ address }) => address),
    )
    const vmas = new Map(placed.map((one, place) => [one, found[place] ?? null]))
    for (const one of wanted)
      this.#take(process, one, one.address === 0 ? findMainStack(bytes, length) : (vmas.get(one) ?? null))
  }

  #take(process: TrackedProcess, { thread, stackPointer }: Wanted, vma: Vma | null): void {
    const running = stackPointer === 0
    if (!vma || (running && !canBeStack(vma))) {
      this.tellUnreadable(process, thread, running ? runningUnknown : 'its stack pointer lies in no mapping')
      return
    }
    this.#remember(thread, vma)
    if (running) this.#tellTouched(process, thread)
    else {
      this.#report.value(thread, 'stack', vma.end - stackPointer)
      this.#tellSizes(process, thread)
    }
  }

  #remember(thread: TrackedThread, { start, end }: Vma): void {
    if (thread.stackEnd !== end) thread.lowestTouched = 0
    thread.stackStart = start
    thread.stackEnd = end
  }

  #tellTouched(process: TrackedProcess, thread: TrackedThread): void {
    const failure = this.#findLowestTouched(process, thread)
    if (failure !== null) this.tellUnreadable(process, thread, failure)
    else {
      this.#report.value(thread, 'stack', thread.stackEnd - thread.lowestTouched, 'estimate')
      this.#tellSizes(process, thread)
    }
  }

  /** Goes down from the lowest page known, as long as there are touched ones. Returns why it failed, or null. */
  #findLowestTouched(process: TrackedProcess, thread: TrackedThread): string | null {
    const pageBytes = this.#pageBytes
    const words = this.#words
    const path = `${process.insidePath}/pagemap`
    let lowest = thread.lowestTouched || thread.stackEnd
    while (lowest > thread.stackStart) {
      const from = Math.max(thread.stackStart, lowest - pagemapPagesAtOnce * pageBytes)
      const bytes = ((lowest - from) / pageBytes) * pagemapWordBytes
      const length = this.#files.readAt(path, words, bytes, (from / pageBytes) * pagemapWordBytes)
      if (length < 0) return reasonOf(length)
      const page = lowestTouchedPage(words, length)
      if (page === -1) break
      lowest = from + page * pageBytes
    }
    if (lowest === thread.stackEnd) return 'running, and no page of its stack is known to be touched'
    thread.lowestTouched = lowest
    return null
  }

  #tellSizes(process: TrackedProcess, thread: TrackedThread): void {
    const mapped = thread.stackEnd - thread.stackStart
    const soft = process.stackSoft
    const size = thread.isMain && Number.isFinite(soft) ? soft : mapped
    if (size > 0) this.#report.value(thread, 'stack-size', size)
    const capacity = thread.isMain ? soft : mapped
    if (capacity === thread.capacitySent || Number.isNaN(capacity) || capacity === 0) return
    thread.capacitySent = capacity
    this.#report.capacity(thread, 'stack', capacity)
  }
}
