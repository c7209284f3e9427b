/**
 * Finds how deep a running thread has used its stack, from the pages that are present. A huge page makes all its small
 * pages present at once. So a range that may be one huge page proves only that something in it was touched.
 */

import type { ProcFiles } from '../native/proc-files.ts'
import { isAllTouched, lowestTouchedPage, pagemapWordBytes } from '../parse/pagemap.ts'
import { reasonOf } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'

const pagesAtOnce = 4096
const noneTouched = 'running, and no page of its stack is known to be touched'
const allTouched =
  'running, and every page of its stack is present, which locking or filling the memory in advance causes too'

export interface Touched {
  /** Depth down to which the stack was used for certain, in bytes. */
  readonly depth: number
  /** It may have been used deeper by less than this; 1 if it was not. */
  readonly granularity: number
}

/** A range of whole pages. */
interface Range {
  readonly start: number
  readonly end: number
}

export interface TouchedPagesOptions {
  readonly pageBytes: number
  /** Sizes of the huge pages that the kernel may use, largest first. */
  readonly hugePageBytes: readonly number[]
}

export class TouchedPages {
  readonly #files: ProcFiles
  readonly #options: TouchedPagesOptions
  readonly #words = Buffer.allocUnsafeSlow(pagesAtOnce * pagemapWordBytes)

  constructor(files: ProcFiles, options: TouchedPagesOptions) {
    this.#files = files
    this.#options = options
  }

  /** The depth of a stack whose bounds are known; a string is the reason why it is unknown. */
  read(process: TrackedProcess, thread: TrackedThread): Touched | string {
    const path = `${process.livePath}/pagemap`
    const { pageBytes } = this.#options
    const stack = {
      start: Math.ceil(thread.stackStart / pageBytes) * pageBytes,
      end: Math.ceil(thread.stackEnd / pageBytes) * pageBytes,
    }
    const former = thread.lowestTouched
    const lowest = this.#findLowest(path, stack, former || stack.end)
    if (lowest < 0) return reasonOf(process, lowest)
    if (lowest === stack.end) return noneTouched
    if (lowest !== former) {
      const proven = this.#findProven(path, stack, lowest, thread.stackGrows)
      if (proven < 0) return reasonOf(process, proven)
      thread.lowestTouched = lowest
      thread.provenTouched = proven
    }
    const proven = thread.provenTouched
    if (Number.isNaN(proven)) return allTouched
    return { depth: thread.stackEnd - proven, granularity: Math.max(1, proven - lowest) }
  }

  /** Walks down from the lowest known page while pages are touched. A number below zero is a negated error number. */
  #findLowest(path: string, { start }: Range, from: number): number {
    let lowest = from
    while (lowest > start) {
      const below = Math.max(start, lowest - pagesAtOnce * this.#options.pageBytes)
      const length = this.#readWords(path, { start: below, end: lowest })
      if (length < 0) return length
      const page = lowestTouchedPage(this.#words, length)
      if (page === -1) break
      lowest = below + page * this.#options.pageBytes
    }
    return lowest
  }

  /**
   * The lowest address that the thread has used for certain; NaN if there is none. A number below zero is a negated
   * error number.
   */
  #findProven(path: string, stack: Range, lowest: number, grows: boolean): number {
    const { hugePageBytes, pageBytes } = this.#options
    // The C library wrote the thread's descriptor to the uppermost page.
    const uppermost = stack.end - pageBytes
    if (!grows && lowest === stack.start) {
      const whole = this.#isAllTouched(path, stack)
      if (whole !== false) return whole === true ? Number.NaN : whole
    }
    for (const size of hugePageBytes) {
      const block = { start: lowest - (lowest % size), end: lowest - (lowest % size) + size }
      // A stack that grows is a mapping of its own, and a huge page does not extend beyond its mapping.
      if (grows && (block.start < stack.start || block.end > stack.end)) continue
      // A page of the block is not present, so the block is no huge page.
      if (lowest > Math.max(block.start, stack.start)) continue
      const isHuge = this.#isAllTouched(path, { start: lowest, end: Math.min(block.end, stack.end) })
      if (typeof isHuge === 'number') return isHuge
      // The touched part of a block that begins below the stack may belong to a neighbour.
      if (isHuge) return Math.min(block.start < stack.start ? block.end + size : block.end, uppermost)
    }
    return lowest
  }

  #isAllTouched(path: string, { start, end }: Range): boolean | number {
    const { pageBytes } = this.#options
    for (let from = start; from < end; from += pagesAtOnce * pageBytes) {
      const part = { start: from, end: Math.min(end, from + pagesAtOnce * pageBytes) }
      const length = this.#readWords(path, part)
      if (length < 0) return length
      if (!isAllTouched(this.#words, ((part.end - part.start) / pageBytes) * pagemapWordBytes, length)) return false
    }
    return true
  }

  #readWords(path: string, { start, end }: Range): number {
    const { pageBytes } = this.#options
    const bytes = ((end - start) / pageBytes) * pagemapWordBytes
    return this.#files.readAt(path, this.#words, bytes, (start / pageBytes) * pagemapWordBytes)
  }
}
