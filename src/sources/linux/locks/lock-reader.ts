/** Reads what a thread in a futex call waits for: the words in memory, the object they belong to, and its owner. */

import { isDenied, isGone, type ProcFiles } from '../native/proc-files.ts'
import { type FutexCall, futexCallOf } from '../parse/futex-call.ts'
import { type FutexLock, lockOf } from '../parse/futex-lock.ts'
import { emptySystemCall, parseSyscall } from '../parse/syscall.ts'
import { reasonOf } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import { CallerFinder } from './caller-finder.ts'
import { OwnerFinder } from './owner-finder.ts'

export interface LockObservation {
  readonly lock: FutexLock
  /**
   * Equal strings mean the same object. It is an address, or for an object that processes share, its place in a file.
   */
  readonly object: string
  readonly isShared: boolean
  /** Null: the owner has ended, and no other thread can release the object. */
  readonly owner: TrackedThread | null
}

/** Null if the object has no owner; a string is the reason why the owner is unknown. */
export type LockInspection = LockObservation | string | null

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

export function sameObservation(one: LockObservation, other: LockObservation): boolean {
  return (
    one.owner === other.owner &&
    one.object === other.object &&
    one.lock.tid === other.lock.tid &&
    one.lock.kind === other.lock.kind
  )
}

const notTheLibrary = 'it waits in code outside the C library, for a lock of that code'

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

  /** Preconditions: the thread was in a futex call when it was classified. */
  inspect(process: TrackedProcess, thread: TrackedThread): LockInspection {
    this.#failure = null
    const seen = lockOf(thread.futex!, (address, bytes) => this.#readWords(process, address, bytes))
    if (seen === null) return this.#failure
    const lock = this.#byCaller(process, thread.futex!, seen)
    if (lock === null) return notTheLibrary
    const place = lock.isPrivate || lock.kind === 'thread' ? null : this.#owners.placeOf(process, lock.address)
    if (typeof place === 'string') return place
    // The call permits sharing, but the memory is private to this process.
    const shared = place?.isShared ? place : null
    const owner =
      lock.tid === 0
        ? this.#owners.findByDescriptor(process, lock.address)
        : this.#owners.find(process, lock.tid, shared)
    if (typeof owner === 'string') return owner
    const object =
      shared === null
        ? `0x${lock.address.toString(16)}`
        : `${shared.device}:${shared.inode}+0x${shared.offset.toString(16)}`
    const isOwn = owner === thread && lock.mayBeGate
    const proven = isOwn ? { ...lock, evidence: 'own-mutex' as const } : lock
    return { lock: proven, object, isShared: shared !== null, owner }
  }

  /** Null: the words look like a lock, but the waiting code is not the C library's. */
  #byCaller(process: TrackedProcess, { programCounter }: FutexCall, lock: FutexLock): FutexLock | null {
    if (lock.isConfirmed) return lock
    const caller = this.#callers.find(process, programCounter)
    if (caller === 'other') return null
    return caller === 'unknown' ? { ...lock, evidence: lock.evidence ?? 'unknown-caller' } : lock
  }

  /** Whether it still sleeps in the call in which it was classified. */
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
      // An open `mem` stays with the memory from the time of opening. The process has executed another program since,
      // so open it again.
      files.release(process.memory)
      process.callers.clear()
      length = files.readFrom(process.memory, address, bytes, false, 1)
    }
    if (length < 0 && (isDenied(length) || isGone(length))) this.#failure = reasonOf(length)
    if (length < bytes) return null
    return new DataView(files.bytes.buffer.slice(files.bytes.byteOffset, files.bytes.byteOffset + bytes) as ArrayBuffer)
  }
}
