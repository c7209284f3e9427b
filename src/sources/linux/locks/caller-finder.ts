/**
 * Decides whether a blocked thread is in the C library's own code, in other code, or in code that is unknown. Other
 * libraries have locks of their own that sleep in the same system call, with other words around them. Only a thread in
 * the C library's own code waits for one of the C library's locks.
 */

import { createHash } from 'node:crypto'
import { readlink } from '../native/libc.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import { textOfBytes } from '../parse/byte-text.ts'
import { definesMutexes, type ElfTables, namesAt, parseFile, parseImage, type ReadBytes } from '../parse/elf.ts'
import { findImageStart, findPlace, type MappedPlace } from '../parse/maps.ts'
import type { Caller, TrackedProcess } from '../tracked/tracked-process.ts'
import type { LocalDevices } from './local-devices.ts'
import { later, type MapsReader } from './maps-reader.ts'
import type { ProcessMemory } from './process-memory.ts'

/** Functions of a C library through which any code may wait, whatever the words in memory. */
const genericFunctions: ReadonlySet<string> = new Set(['syscall', '__lll_lock_wait_private'])

/** Functions that wait for locks in programs with a built-in C library: those of glibc, then those of musl. */
const lockFunctions: ReadonlySet<string> = new Set([
  '__lll_lock_wait',
  '___pthread_mutex_lock',
  '__pthread_mutex_lock',
  'pthread_mutex_lock',
  '__pthread_mutex_lock_full',
  '__pthread_mutex_cond_lock',
  '__pthread_mutex_cond_lock_full',
  '__futex_abstimed_wait_common',
  '__futex_abstimed_wait_common64',
  '__syscall_cp_c',
  '__syscall_cp_asm',
  '__cp_begin',
  'sccp',
])

const placesMax = 10_000
const placesOfProcessMax = 1024
const headBytes = 4096
// Any user may run programs with large tables, so what one pass reads of them is bounded.
const bytesInAPass = 32 * 1024 * 1024
const rememberedBytesMax = 32 * 1024 * 1024

export interface CallerFinderParts {
  readonly files: ProcFiles
  readonly maps: MapsReader
  readonly memory: ProcessMemory
  readonly devices: LocalDevices
}

export class CallerFinder {
  readonly #files: ProcFiles
  readonly #maps: MapsReader
  readonly #memory: ProcessMemory
  readonly #devices: LocalDevices
  /** Tables by file. */
  readonly #tables = new Map<string, ElfTables>()
  #rememberedBytes = 0
  /** Callers by file and offset. */
  readonly #callers = new Map<string, Caller>()
  #bytesLeft = bytesInAPass
  readonly #path = Buffer.allocUnsafeSlow(4096)

  constructor({ files, maps, memory, devices }: CallerFinderParts) {
    this.#files = files
    this.#maps = maps
    this.#memory = memory
    this.#devices = devices
  }

  startPass(): void {
    this.#bytesLeft = bytesInAPass
  }

  /** Null: this pass has read enough, so a later one finds it. */
  find(process: TrackedProcess, programCounter: number): Caller | null {
    const known = process.callers.get(programCounter)
    if (known !== undefined) return known
    const length = this.#bytesLeft <= 0 ? null : this.#maps.read(process)
    if (length === null || length === later) return null
    const caller = typeof length === 'string' ? 'unknown' : this.#within(process, length, programCounter)
    if (process.callers.size >= placesOfProcessMax) process.callers.clear()
    process.callers.set(programCounter, caller)
    return caller
  }

  #within(process: TrackedProcess, length: number, programCounter: number): Caller {
    const place = findPlace(this.#files.bytes, length, programCounter)
    const start = findImageStart(this.#files.bytes, length, programCounter)
    if (place === null || start === null) return 'unknown'
    const head = this.#memory.read(process, start, headBytes)
    return head === null
      ? 'unknown'
      : this.#at(process, { place, start, head, version: this.#versionOf(process, place, head) })
  }

  /**
   * Inodes are reused, so the beginning of the file is part of its identity. A process may change its own copy of the
   * rest, or map another file meanwhile. So results hold only for processes of its user in its mount namespace.
   */
  #versionOf(process: TrackedProcess, { device, inode }: MappedPlace, head: DataView): string {
    const length = readlink(`${process.livePath}/ns/mnt`, this.#path, this.#path.length)
    const namespace = length > 0 ? textOfBytes(this.#path, 0, length) : `of ${process.pid}`
    const hash = createHash('sha256').update(head).digest('base64')
    return `${process.facts?.uid} ${namespace} ${device} ${inode} ${hash}`
  }

  /**
   * The code is looked up in memory, where it is whatever happened to the file: replaced by an update, in a container,
   * on a server that does not answer.
   */
  #at(process: TrackedProcess, code: Code): Caller {
    const { place, start, version } = code
    const key = `${version} ${place.offset}`
    const known = this.#callers.get(key)
    if (known !== undefined) return known
    const ofImage = this.#remember(`image ${version}`, () =>
      parseImage((address, bytes) => this.#read(() => this.#memory.read(process, address, bytes), bytes), start),
    )
    const inImage = callerOf(ofImage, place.offset)
    const caller = inImage === 'unknown' ? this.#inProgram(process, code) : inImage
    // It may be unknown for want of a reading.
    if (caller === 'unknown') return caller
    if (this.#callers.size >= placesMax) this.#callers.clear()
    this.#callers.set(key, caller)
    return caller
  }

  /** A program with a C library built in names functions only in its file, which stays readable when it is deleted. */
  #inProgram(process: TrackedProcess, { place, version, head }: Code): Caller {
    const path = `${process.livePath}/exe`
    const length = readlink(path, this.#path, this.#path.length)
    if (length <= 0 || textOfBytes(this.#path, 0, length) !== place.name) return 'unknown'
    if (!this.#devices.has(place.device)) return 'unknown'
    const read: ReadBytes = (position, bytes) => this.#read(() => this.#readFile(path, position, bytes), bytes)
    const tables = this.#remember(`file ${version}`, () => {
      const beginning = read(0, headBytes)
      return beginning !== null && Buffer.from(beginning.buffer).equals(Buffer.from(head.buffer))
        ? parseFile(read)
        : null
    })
    return callerOf(tables, place.offset)
  }

  #remember(key: string, parse: () => ElfTables | null): ElfTables | null {
    const known = this.#tables.get(key)
    if (known !== undefined) return known
    const tables = parse()
    if (tables === null || (tables.exported === null && tables.all === null)) return null
    this.#rememberedBytes += key.length + tables.bytes
    if (this.#rememberedBytes > rememberedBytesMax) {
      this.#tables.clear()
      this.#rememberedBytes = 0
    }
    this.#tables.set(key, tables)
    return tables
  }

  #read(read: () => DataView | null, bytes: number): DataView | null {
    this.#bytesLeft -= bytes
    return read()
  }

  #readFile(path: string, position: number, bytes: number): DataView | null {
    if (!Number.isSafeInteger(position)) return null
    const into = new Uint8Array(bytes)
    return this.#files.readAt(path, into, bytes, position) === bytes ? new DataView(into.buffer) : null
  }
}

/** The code at a program counter. */
interface Code {
  readonly place: MappedPlace
  /** Address at which the image of its file begins, and the bytes there. */
  readonly start: number
  readonly head: DataView
  readonly version: string
}

function callerOf(tables: ElfTables | null, offset: number): Caller {
  const names = tables === null ? null : namesAt(tables, offset)
  if (tables !== null && definesMutexes(tables))
    return names?.some((name) => genericFunctions.has(name)) ? 'other' : 'library'
  if (names === null || names.length === 0) return 'unknown'
  return names.some((name) => lockFunctions.has(name)) ? 'library' : 'other'
}
