/** Reads what a thread in a futex call waits for: the words in memory, the object they belong to, and its owner. */

import type { ProcFiles } from '../native/proc-files.ts'
import { type FutexCall, futexCallOf } from '../parse/futex-call.ts'
import { type FutexLock, lockOf } from '../parse/futex-lock.ts'
import { emptySystemCall, parseSyscall } from '../parse/syscall.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import { CallerFinder } from './caller-finder.ts'
import { LocalDevices } from './local-devices.ts'
import { MapsReader } from './maps-reader.ts'
import { OwnerFinder } from './owner-finder.ts'
import { ProcessMemory } from './process-memory.ts'

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

const notYet = 'the code in which it waits is looked up in a later scan'
const notTheLibrary = 'it waits in code outside the C library, for a lock of that code'

export interface LockReaderParts {
  readonly files: ProcFiles
  readonly processes: ReadonlyMap<number, TrackedProcess>
  readonly procRoot: string
  readonly pageBytes: number
}

export class LockReader {
  readonly #files: ProcFiles
  readonly #owners: OwnerFinder
  readonly #call = emptySystemCall()
  readonly #maps: MapsReader
  readonly #devices: LocalDevices
  readonly #memory: ProcessMemory
  readonly #callers: CallerFinder

  constructor({ files, processes, procRoot, pageBytes }: LockReaderParts) {
    this.#files = files
    const maps = new MapsReader(files)
    this.#maps = maps
    this.#devices = new LocalDevices(files)
    this.#memory = new ProcessMemory({ files, maps, devices: this.#devices, pageBytes })
    this.#callers = new CallerFinder({ files, maps, memory: this.#memory, devices: this.#devices })
    this.#owners = new OwnerFinder({ files, maps, processes, procRoot })
  }

  startPass(): void {
    this.#maps.startPass()
    this.#devices.startPass()
    this.#callers.startPass()
    this.#owners.startPass()
  }

  /** Preconditions: the thread was in a futex call when it was classified. */
  inspect(process: TrackedProcess, thread: TrackedThread): LockInspection {
    let failure: string | null = null
    const seen = lockOf(thread.futex!, (address, bytes) => {
      const words = this.#memory.read(process, address, bytes)
      failure = this.#memory.failure ?? failure
      return words
    })
    if (seen === null) return failure
    const lock = this.#byCaller(process, thread.futex!, seen)
    if (typeof lock === 'string') return lock
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

  /** A string is the reason why it counts as no lock, although the words look like one. */
  #byCaller(process: TrackedProcess, { programCounter }: FutexCall, lock: FutexLock): FutexLock | string {
    if (lock.isConfirmed) return lock
    const caller = this.#callers.find(process, programCounter)
    if (caller === null) return notYet
    if (caller === 'other') return notTheLibrary
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
}
