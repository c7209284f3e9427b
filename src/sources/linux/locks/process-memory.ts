/**
 * Reads the memory of a process without waiting for anyone. A page of a file that is not in memory would be fetched
 * from its file system, and a server (NFS) or a program (FUSE, userfaultfd) may never answer. So such a page is read
 * only if its file system answers from this machine alone.
 */

import { isDenied, isGone, type ProcFiles } from '../native/proc-files.ts'
import { findPlace } from '../parse/maps.ts'
import { reasonOf } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { LocalDevices } from './local-devices.ts'
import type { MapsReader } from './maps-reader.ts'
import { ResidentMemory } from './resident-memory.ts'

const mayNotAnswer = 'its memory is part of a file, and the file system may not answer'
const belongsToNoFile = '0'

export interface ProcessMemoryParts {
  readonly files: ProcFiles
  readonly maps: MapsReader
  readonly devices: LocalDevices
  readonly pageBytes: number
}

export class ProcessMemory {
  readonly #files: ProcFiles
  readonly #maps: MapsReader
  readonly #devices: LocalDevices
  readonly #resident: ResidentMemory
  /** The reason why the last reading failed; null if there was nothing to read. */
  failure: string | null = null

  constructor({ files, maps, devices, pageBytes }: ProcessMemoryParts) {
    this.#files = files
    this.#maps = maps
    this.#devices = devices
    this.#resident = new ResidentMemory(files, { pageBytes, holdFrom: 1 })
  }

  /** A copy of the bytes at an address; null if nothing is there, or it may not be read. `failure` says which. */
  read(process: TrackedProcess, address: number, bytes: number): DataView | null {
    this.failure = null
    if (!Number.isSafeInteger(address) || address < 0) return null
    if (!this.#isTouched(process, address, bytes) && !this.#isLocal(process, address, bytes)) return null
    const copy = new Uint8Array(bytes)
    let length = 0
    while (length < bytes) {
      const part = Math.min(bytes - length, this.#files.bytes.length)
      const got = this.#resident.read(process, address + length, part)
      if (got <= 0) return this.#fail(process, got)
      copy.set(this.#files.bytes.subarray(0, got), length)
      length += got
    }
    return new DataView(copy.buffer)
  }

  #fail(process: TrackedProcess, result: number): null {
    if (result < 0 && (isDenied(result) || isGone(result))) this.failure = reasonOf(process, result)
    return null
  }

  #isTouched(process: TrackedProcess, address: number, bytes: number): boolean {
    const extent = this.#resident.extent(process, address, bytes)
    if (extent < 0) this.failure = reasonOf(process, extent)
    return extent === bytes
  }

  /** Whether the pages that are not in memory come from one file, in a file system of this machine. */
  #isLocal(process: TrackedProcess, address: number, bytes: number): boolean {
    if (this.failure !== null) return false
    const length = this.#maps.read(process)
    if (typeof length === 'string') {
      this.failure = length
      return false
    }
    const place = findPlace(this.#files.bytes, length, address)
    // Memory that was never touched holds zeros, or a program fills it at the first touch (userfaultfd).
    if (place === null || place.inode === belongsToNoFile || address + bytes > place.end) return false
    if (!this.#devices.has(place.device)) this.failure = mayNotAnswer
    return this.failure === null
  }
}
