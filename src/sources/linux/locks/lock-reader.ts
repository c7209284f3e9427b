/** One look at what a thread in a futex call waits for: the words there, the object they are of, and its owner. */

import { isDenied, isGone, type ProcFiles } from '../native/proc-files.ts'
import { type FutexCall, type FutexLock, futexCallOf, lockOf } from '../parse/futex-lock.ts'
import { emptySystemCall, parseSyscall } from '../parse/syscall.ts'
import { reasonOf } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import { CallerFinder } from './caller-finder.ts'
import { OwnerFinder } from './owner-finder.ts'

export interface Seen {
  readonly lock: FutexLock
  /** Two that are the same here are the same object: an address, or for one that processes share its place in a file. */
  readonly object: string
  readonly isShared: boolean
  /** Null: its owner has ended, and nobody else can release it. */
  readonly owner: TrackedThread | null
}

/** What was seen; null where nothing has an owner, the reason where that cannot be told. */
export type Sight = Seen | string | null

function sameCall(one: FutexCall, other: FutexCall): boolean {
  return (
    one.command === other.command &&
    one.address === other.address &&
    one.value === other.value &&
    one.isPrivate === other.isPrivate &&
    one.isRealtime === other.isRealtime &&
    one.isTimed === other.isTimed
  )
}

export function sameSight(one: Seen, other: Seen): boolean {
  return (
    one.owner === other.owner &&
    one.object === other.object &&
    one.lock.tid === other.lock.tid &&
    one.lock.kind === other.lock.kind
  )
}

const notTheLibrary = 'it waits in code that is not the C library’s, for a lock of its own'

export class LockReader {
  readonly #files: ProcFiles
  readonly #owners: OwnerFinder
  readonly #call = emptySystemCall()
  #failure: string | null = null
  readonly #callers: CallerFinder

  constructor(files: ProcFiles, processes: ReadonlyMap<number, TrackedProcess>, procRoot: string) {
    this.#files = files
    this.#callers = new CallerFinder(files)
    this.#owners = new OwnerFinder(files, processes, procRoot)
  }

  startPass(): void {
    this.#owners.startPass()
  }

  /** Preconditions: it was in a futex call when it was classified. */
  see(process: TrackedProcess, thread: TrackedThread): Sight {
    this.#failure = null
    const seen = lockOf(thread.futex!, (address, bytes) => this.#readWords(process, address, bytes))
    if (seen === null) return this.#failure
    const lock = this.#byCaller(process, thread.futex!, seen)
    if (lock === null) return notTheLibrary
    const place = lock.isPrivate || lock.kind === 'thread' ? null : this.#owners.placeOf(process, lock.address)
    if (typeof place === 'string') return place
    // Memory that no other process sees: the call is just more cautious than it need be.
    const shared = place?.isShared ? place : null
    const owner = this.#owners.find(process, lock.tid, shared)
    if (typeof owner === 'string') return owner
    const object =
      shared === null
        ? `0x${lock.address.toString(16)}`
        : `${shared.device}:${shared.inode}+0x${shared.offset.toString(16)}`
    const isOwn = owner === thread && lock.mayBeGate
    return { lock: isOwn ? { ...lock, evidence: 'own-mutex' } : lock, object, isShared: shared !== null, owner }
  }

  /** Null: others wait in a way that looks like this. */
  #byCaller(process: TrackedProcess, { programCounter }: FutexCall, lock: FutexLock): FutexLock | null {
    if (lock.isVouched) return lock
    const caller = this.#callers.find(process, programCounter)
    if (caller === 'other') return null
    return caller === 'unknown' ? { ...lock, evidence: lock.evidence ?? 'unknown-caller' } : lock
  }

  /** Whether it sleeps in the same call still as when it was classified. */
  isInSameCall(thread: TrackedThread): boolean {
    return thread.futex !== null && this.isIn(thread, thread.futex)
  }

  isIn(thread: TrackedThread, call: FutexCall): boolean {
    const length = this.#files.read(thread.syscall)
    if (length <= 0 || !parseSyscall(this.#files.bytes, length, this.#call) || this.#call.kind !== 'inside')
      return false
    return sameCall(futexCallOf(this.#call), call)
  }

  hasOwnMemory(process: TrackedProcess): boolean {
    return this.#owners.hasOwnMemory(process)
  }

  #readWords(process: TrackedProcess, address: number, bytes: number): DataView | null {
    const files = this.#files
    let length = files.readFrom(process.memory, address, bytes, false, 1)
    if (length === 0) {
      // The file is of the memory that it had when the file was opened: by now it has executed another program.
      files.forget(process.memory)
      process.callers.clear()
      length = files.readFrom(process.memory, address, bytes, false, 1)
    }
    if (length < 0 && (isDenied(length) || isGone(length))) this.#failure = reasonOf(length)
    if (length < bytes) return null
    return new DataView(files.bytes.buffer.slice(files.bytes.byteOffset, files.bytes.byteOffset + bytes) as ArrayBuffer)
  }
}
