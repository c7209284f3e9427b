/** Finds the thread whose TID is stored in a lock, or the reason why that thread is unknown. */

import { constants } from 'node:os'
import { compareMemory, errorNumber, idExists, robustListOf } from '../native/libc.ts'
import { isGone, type ProcFiles } from '../native/proc-files.ts'
import { descriptorBytes } from '../parse/lock-layouts.ts'
import { findPlace, type MappedPlace, mapsShared } from '../parse/maps.ts'
import { emptyStat, parseStat } from '../parse/stat.ts'
import { emptyStatm, parseStatm } from '../parse/statm.ts'
import { parseStatus } from '../parse/status.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import type { MapsReader } from './maps-reader.ts'

const notKnownYet = 'its owner is a thread that is not known yet'
const ambiguous = 'threads of several pid namespaces may be its owner'
const notPlaced = 'the address that it waits for is in no mapping'
const notItsOwn = 'its owner is no known thread of the process: the lock may be a copy from the process that forked it'
const uncertainIds =
  'a process that shares it was created without the C library: the TID in it may be that of another thread'
const memoryShared = 'its owner may be in another process that shares the memory'

/** Whether two processes may run the same program: processes that share their memory do. */
function isLike(one: TrackedProcess, other: TrackedProcess): boolean {
  if (other.kernelThread || other.zombie) return false
  const [program, another] = [one.facts?.executable ?? null, other.facts?.executable ?? null]
  return program === null || another === null || program === another
}

export interface OwnerFinderParts {
  readonly files: ProcFiles
  readonly maps: MapsReader
  readonly processes: ReadonlyMap<number, TrackedProcess>
  readonly procRoot: string
}

export class OwnerFinder {
  readonly #files: ProcFiles
  readonly #maps: MapsReader
  readonly #processes: ReadonlyMap<number, TrackedProcess>
  readonly #procRoot: string
  readonly #statm = emptyStatm()
  readonly #stat = emptyStat()
  /** Cached for the present pass. */
  readonly #ownsMemory = new Map<TrackedProcess, boolean>()

  constructor({ files, maps, processes, procRoot }: OwnerFinderParts) {
    this.#files = files
    this.#maps = maps
    this.#processes = processes
    this.#procRoot = procRoot
  }

  startPass(): void {
    this.#ownsMemory.clear()
  }

  /** The mapping at an address; a string is the reason why it is unknown. */
  placeOf(process: TrackedProcess, address: number): MappedPlace | string {
    const length = this.#maps.read(process)
    if (typeof length === 'string') return length
    return findPlace(this.#files.bytes, length, address) ?? notPlaced
  }

  /** The thread; null if it has ended; a string is the reason why it is unknown. */
  find(process: TrackedProcess, tid: number, shared: MappedPlace | null): TrackedThread | string | null {
    return shared === null ? this.#findWithin(process, tid) : this.#findAmongAll(process, tid, shared)
  }

  /** For private memory: only threads of the process can release a lock there. */
  #findWithin(process: TrackedProcess, tid: number): TrackedThread | string | null {
    const thread = this.#threadOf(process, tid)
    if (this.#idReliabilityOf(process) === 'uncertain') return uncertainIds
    if (!this.hasOwnMemory(process)) return memoryShared
    if (thread && !thread.dead) return thread
    // A leader that has ended stays in the list until its process ends.
    if (!thread && this.#isListed(process, tid)) return notKnownYet
    if (!thread && !process.formerTids.has(tid) && !this.#hasExecuted(process)) return notItsOwn
    return null
  }

  /**
   * The thread with this descriptor. glibc registers the list of robust mutexes in each thread's descriptor, and the
   * kernel says where that of a thread is, so no offset of a version of glibc matters.
   */
  findByDescriptor(process: TrackedProcess, descriptor: number): TrackedThread | string {
    if (!this.hasOwnMemory(process)) return memoryShared
    const contains = (list: number): boolean => list > descriptor && list < descriptor + descriptorBytes
    const living = process.threads.filter(({ dead, gone, isWorker }) => !dead && !gone && !isWorker)
    // The one that had it at the last reading is read alone.
    const former = living.find(({ robustList }) => contains(robustList))
    for (const thread of former === undefined ? living : [former]) {
      thread.robustList = robustListOf(thread.tid)
      if (contains(thread.robustList)) return thread
    }
    return notKnownYet
  }

  /**
   * For shared memory. A TID there is the owner's in its own pid namespace, and does not say which namespace. So the
   * owner must be the only thread with that TID in all processes that map the file.
   */
  #findAmongAll(process: TrackedProcess, tid: number, shared: MappedPlace): TrackedThread | string | null {
    const owners: TrackedThread[] = []
    let isElsewhere = false
    for (const other of this.#processes.values()) {
      const thread = other.kernelThread ? undefined : this.#threadOf(other, tid)
      if (!thread || thread.dead) continue
      isElsewhere = true
      if (this.#mapsShared(other, shared)) owners.push(thread)
    }
    const [owner, another] = owners
    if (this.#idsAreUncertain(shared)) return uncertainIds
    if (owner) return another ? ambiguous : owner
    return isElsewhere || this.#mayBeUnknown(process, tid, shared) ? notKnownYet : null
  }

  /**
   * Whether the TID may belong to a thread that is not known yet. In other pid namespaces, the TIDs of unknown threads
   * cannot be found.
   */
  #mayBeUnknown(process: TrackedProcess, tid: number, shared: MappedPlace): boolean {
    if (process.namespaceDepth > 1 || this.#mayBeAlive(tid)) return true
    for (const other of this.#processes.values())
      if (other.namespaceDepth > 1 && this.#mapsShared(other, shared)) return true
    return false
  }

  /** Whether a thread with that TID may be alive. A zombie, which is not reaped yet, is not. */
  #mayBeAlive(tid: number): boolean {
    const length = this.#files.readWhole(`${this.#procRoot}/${tid}/stat`)
    // A mount option of /proc may hide it.
    if (length <= 0) return !isGone(length) || idExists(tid)
    return !parseStat(this.#files.bytes, length, this.#stat) || !'ZX'.includes(this.#stat.state)
  }

  /** It called exec, so the process that it was forked from wrote no word in its memory. */
  #hasExecuted({ path }: TrackedProcess): boolean {
    const length = this.#files.readWhole(`${path}/stat`)
    return length > 0 && parseStat(this.#files.bytes, length, this.#stat) && this.#stat.hasExecuted
  }

  /**
   * A thread writes what it believes to be its own TID. In a process made by the bare system call instead of the C
   * library's fork, that is its parent's TID. Such a process has no list of robust mutexes, because fork registers it.
   */
  #idsAreUncertain(shared: MappedPlace): boolean {
    for (const process of this.#processes.values()) {
      if (process.kernelThread || process.zombie) continue
      if (this.#idReliabilityOf(process) === 'uncertain' && this.#mapsShared(process, shared)) return true
    }
    return false
  }

  /**
   * Threads with a list of robust mutexes were created by glibc, so their TIDs are reliable. If no thread has a list
   * and the process called exec, its program does not use glibc, and its TIDs are reliable too. Workers of the kernel
   * run no code of the program, so they write no TIDs.
   */
  #idReliabilityOf(process: TrackedProcess): 'sure' | 'uncertain' {
    const living = process.threads.filter(({ dead, gone, isWorker }) => !dead && !gone && !isWorker)
    for (const thread of living) thread.robustList ||= robustListOf(thread.tid)
    const registered = living.filter(({ robustList }) => robustList !== 0).length
    if (registered === living.length) return 'sure'
    return registered === 0 && this.#hasExecuted(process) ? 'sure' : 'uncertain'
  }

  #threadOf(process: TrackedProcess, tid: number): TrackedThread | undefined {
    const isOuter = process.namespaceDepth === 1
    return process.threads.find((thread) => (isOuter ? thread.tid : this.#innerTidOf(thread, process)) === tid)
  }

  #innerTidOf(thread: TrackedThread, process: TrackedProcess): number {
    if (thread.innerTid === 0) thread.innerTid = this.#readInnerTid(process, thread.tid)
    return thread.innerTid
  }

  /** 0 if it is gone. */
  #readInnerTid(process: TrackedProcess, tid: number): number {
    const length = this.#files.readWhole(`${process.path}/task/${tid}/status`)
    if (length <= 0) return 0
    return parseStatus(this.#files.bytes.toString('latin1', 0, length)).namespacePids.at(-1) ?? 0
  }

  /** Whether the kernel lists the thread by now. */
  #isListed(process: TrackedProcess, tid: number): boolean {
    const tids = this.#files.list(`${process.path}/task`)
    if (typeof tids === 'number') return true
    if (process.namespaceDepth === 1) return tids.includes(tid)
    return tids.some((outer) => this.#readInnerTid(process, outer) === tid)
  }

  #mapsShared(process: TrackedProcess, shared: MappedPlace): boolean {
    const length = this.#files.readWhole(`${process.livePath}/maps`)
    return length > 0 && mapsShared(this.#files.bytes, length, shared)
  }

  /** Whether no other process shares its memory (CLONE_VM) and so could write there. False if unknown. */
  hasOwnMemory(process: TrackedProcess): boolean {
    const known = this.#ownsMemory.get(process)
    if (known !== undefined) return known
    let isOwn = true
    for (const other of this.#processes.values())
      if (other !== process && isLike(process, other) && this.#mayShareMemory(process, other)) isOwn = false
    this.#ownsMemory.set(process, isOwn)
    return isOwn
  }

  #mayShareMemory(process: TrackedProcess, other: TrackedProcess): boolean {
    const compared = compareMemory(process.liveTid, other.liveTid)
    if (compared >= 0) return compared === 0
    if (errorNumber() === constants.errno.ESRCH) return false
    // kcmp(2) is not permitted. Sizes are readable for everyone, and processes with the same memory have the same size.
    const [before, ofOther, after] = [process, other, process].map((one) => this.#sizeOf(one))
    return before === undefined || before !== after || ofOther === before
  }

  #sizeOf({ statm }: TrackedProcess): number | undefined {
    const length = this.#files.read(statm)
    return length > 0 && parseStatm(this.#files.bytes, length, this.#statm) ? this.#statm.size : undefined
  }
}
