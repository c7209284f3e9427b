/** Reads `maps` of processes, whose length any user decides. What one pass reads of one process is bounded. */

import type { ProcFiles } from '../native/proc-files.ts'
import { reasonOf } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'

// Enough for a thousand readings of an ordinary process, and for a few of one with a million mappings.
const bytesInAPass = 64 * 1024 * 1024

export const later = 'its memory mappings are looked up in a later scan: there are too many'

export class MapsReader {
  readonly #files: ProcFiles
  readonly #spent = new Map<TrackedProcess, number>()

  constructor(files: ProcFiles) {
    this.#files = files
  }

  startPass(): void {
    this.#spent.clear()
  }

  /** Fills the buffer of `files` and returns the length; a string is the reason why it is not read. */
  read(process: TrackedProcess): number | string {
    const spent = this.#spent.get(process) ?? 0
    if (spent > bytesInAPass) return later
    const length = this.#files.readWhole(`${process.livePath}/maps`)
    if (length < 0) return reasonOf(process, length)
    this.#spent.set(process, spent + length)
    return length
  }
}
