/**
 * Reads memory of a process that needs no file system: pages that are in memory or swapped out. Any other page would be
 * fetched, and the program decides from where.
 */

import type { ProcFile, ProcFiles } from '../native/proc-files.ts'
import { pagemapWordBytes, touchedPages } from '../parse/pagemap.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'

export class ResidentMemory {
  readonly #files: ProcFiles
  readonly #pageBytes: number
  /** Number of readings after which files are held open. */
  readonly #holdFrom: number

  constructor(files: ProcFiles, { pageBytes, holdFrom }: { readonly pageBytes: number; readonly holdFrom: number }) {
    this.#files = files
    this.#pageBytes = pageBytes
    this.#holdFrom = holdFrom
  }

  /** Number of bytes from an address on, at most `bytes`, that are resident; below zero a negated error number. */
  extent(process: TrackedProcess, address: number, bytes: number): number {
    const first = Math.floor(address / this.#pageBytes)
    const words = (Math.floor((address + bytes - 1) / this.#pageBytes) - first + 1) * pagemapWordBytes
    if (words > this.#files.bytes.length) return 0
    const length = this.#readFrom(process, process.pagemap, first * pagemapWordBytes, words)
    if (length < 0) return length
    const end = (first + touchedPages(this.#files.bytes, length)) * this.#pageBytes
    return Math.max(0, Math.min(bytes, end - address))
  }

  /** Fills the buffer of `files`, which must be large enough. Returns the length, or a negated error number. */
  read(process: TrackedProcess, address: number, bytes: number): number {
    return this.#readFrom(process, process.memory, address, bytes)
  }

  /**
   * An open file of /proc stays with the memory from the time of opening. If the process has executed another program
   * since, nothing is read, so the file is opened again.
   */
  #readFrom(process: TrackedProcess, file: ProcFile, position: number, bytes: number): number {
    const wasOpen = file.fd >= 0
    const length = this.#files.readFrom(file, position, bytes, false, this.#holdFrom)
    if (length !== 0 || !wasOpen) return length
    this.#files.release(file)
    process.callers.clear()
    return this.#files.readFrom(file, position, bytes, false, this.#holdFrom)
  }
}
