/**
 * Whose code a thread waits in. Other libraries have locks of their own that sleep by the very same call as the C library's,
 * with other words around them: only who waits in the C library's own code waits for one of its locks.
 */

import { type BigIntStats, statSync } from 'node:fs'
import type { ProcFiles } from '../native/proc-files.ts'
import { type ElfFunctions, parseElf } from '../parse/elf.ts'
import { findPlace, type MappedPlace } from '../parse/maps.ts'
import type { Caller, TrackedProcess } from '../tracked/tracked-process.ts'

/** Of a C library what waits for whoever calls it, with whatever words. */
const anybodys: ReadonlySet<string> = new Set(['syscall', '__lll_lock_wait_private'])

/** What waits for locks in programs that have their C library built in: of glibc, then of musl. */
const waiters: ReadonlySet<string> = new Set([
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
  /** By file. */
  readonly #functions = new Map<string, ElfFunctions | null>()
  /** By file and offset. */
  readonly #callers = new Map<string, Caller>()

  constructor(files: ProcFiles) {
    this.#files = files
  }

  find(process: TrackedProcess, programCounter: number): Caller {
    const known = process.callers.get(programCounter)
    if (known !== undefined) return known
    const length = this.#files.readOnce(`${process.insidePath}/maps`)
    const place = length < 0 ? null : findPlace(this.#files.bytes, length, programCounter)
    const caller = place === null ? 'unknown' : this.#at(process, place)
    process.callers.set(programCounter, caller)
    return caller
  }

  #at(process: TrackedProcess, place: MappedPlace): Caller {
    const path = pathOf(process, place)
    const file = path === null ? null : statusOf(path)
    if (path === null || file === null) return 'unknown'
    // Inodes are used again, and files are written over.
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

/** Null where it is gone, or may not be looked at. */
function statusOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true })
  } catch {
    return null
  }
}

/** As the process sees it, if it is that very file still: else by the mapping, which not everybody may follow. */
function pathOf({ path }: TrackedProcess, { inode, range, name }: MappedPlace): string | null {
  if (!name.startsWith('/')) return null
  const seen = `${path}/root${name}`
  return statusOf(seen)?.ino === BigInt(inode) ? seen : `${path}/map_files/${range}`
}

function callerOf(functions: ElfFunctions | null, offset: number): Caller {
  const names = functions?.namesAt(offset) ?? null
  if (functions?.definesMutexes) return names?.some((name) => anybodys.has(name)) ? 'other' : 'library'
  if (names === null || names.length === 0) return 'unknown'
  return names.some((name) => waiters.has(name)) ? 'library' : 'other'
}
