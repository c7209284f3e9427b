/**
 * Decides whether a blocked thread is in the C library's own code, in other code, or in code that is unknown. Other
 * libraries have locks of their own that sleep in the same system call, with other words around them. Only a thread in
 * the C library's own code waits for one of the C library's locks.
 */

import { type BigIntStats, statSync } from 'node:fs'
import type { ProcFiles } from '../native/proc-files.ts'
import { type ElfFunctions, parseElf } from '../parse/elf.ts'
import { findPlace, type MappedPlace } from '../parse/maps.ts'
import type { Caller, TrackedProcess } from '../tracked/tracked-process.ts'

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

const filesMax = 256
const placesMax = 10_000
const fileBytesMax = 64 * 1024 * 1024

export class CallerFinder {
  readonly #files: ProcFiles
  /** Functions by file. */
  readonly #functions = new Map<string, ElfFunctions | null>()
  /** Callers by file and offset. */
  readonly #callers = new Map<string, Caller>()

  constructor(files: ProcFiles) {
    this.#files = files
  }

  find(process: TrackedProcess, programCounter: number): Caller {
    const known = process.callers.get(programCounter)
    if (known !== undefined) return known
    const length = this.#files.readWhole(`${process.livePath}/maps`)
    const place = length < 0 ? null : findPlace(this.#files.bytes, length, programCounter)
    const caller = place === null ? 'unknown' : this.#at(process, place)
    process.callers.set(programCounter, caller)
    return caller
  }

  #at(process: TrackedProcess, place: MappedPlace): Caller {
    const path = pathOf(process, place)
    const file = path === null ? null : statusOf(path)
    if (path === null || file === null) return 'unknown'
    // Inodes are reused and files are overwritten, so the version has size and time too.
    const version = `${file.dev} ${file.ino} ${file.size} ${file.ctimeNs}`
    const key = `${version} ${place.offset}`
    const known = this.#callers.get(key)
    if (known !== undefined) return known
    const functions = this.#functions.has(version) ? this.#functions.get(version)! : this.#read(path)
    if (this.#functions.size >= filesMax) this.#functions.clear()
    if (this.#callers.size >= placesMax) this.#callers.clear()
    this.#functions.set(version, functions)
    const caller = callerOf(functions, place.offset)
    this.#callers.set(key, caller)
    return caller
  }

  #read(path: string): ElfFunctions | null {
    return parseElf((position, bytes) => this.#readBytes(path, position, bytes))
  }

  #readBytes(path: string, position: number, bytes: number): DataView | null {
    if (bytes > fileBytesMax) return null
    const into = new Uint8Array(bytes)
    return this.#files.readAt(path, into, bytes, position) === bytes ? new DataView(into.buffer) : null
  }
}

/** Null if it is gone, or may not be read. */
function statusOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true })
  } catch {
    return null
  }
}

/**
 * The path as the process sees it, if that still names the same file. Otherwise the path of the mapping, which only
 * privileged processes may open.
 */
function pathOf({ path }: TrackedProcess, { inode, range, name }: MappedPlace): string | null {
  if (!name.startsWith('/')) return null
  const visiblePath = `${path}/root${name}`
  return statusOf(visiblePath)?.ino === BigInt(inode) ? visiblePath : `${path}/map_files/${range}`
}

function callerOf(functions: ElfFunctions | null, offset: number): Caller {
  const names = functions?.namesAt(offset) ?? null
  if (functions?.definesMutexes) return names?.some((name) => genericFunctions.has(name)) ? 'other' : 'library'
  if (names === null || names.length === 0) return 'unknown'
  return names.some((name) => lockFunctions.has(name)) ? 'library' : 'other'
}
