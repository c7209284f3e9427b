/** From the TID in a lock to the thread that it means. */

import { constants } from 'node:os'
import { compareMemory, errorNumber, robustListOf } from '../native/libc.ts'
import { isGone, type ProcFiles } from '../native/proc-files.ts'
import { findPlace, type MappedPlace, mapsShared } from '../parse/maps.ts'
import { emptyStat, parseStat } from '../parse/stat.ts'
import { emptyStatm, parseStatm } from '../parse/statm.ts'
import { parseStatus } from '../parse/status.ts'
import { reasonOf } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'

const notKnownYet = 'its owner is a thread that is not known yet'
const ambiguous = 'threads of several pid namespaces may be its owner'
const notPlaced = 'what it waits for lies in no mapping'
const notItsOwn =
  'its owner is no thread of the process that is known: the lock may be a copy of one of the process that it was forked from'
const uncertainIds =
  'a process that shares it was made without the C library: the id in it may be that of another thread'
const memoryShared = 'its owner is no thread of the process, whose memory others may share'

/** Those that have the same memory run the same program. */
function isLike(one: TrackedProcess, other: TrackedProcess): boolean {
  if (other.kernelThread || other.zombie) return false
  const [program, another] = [one.facts?.executable ?? null, other.facts?.executable ?? null]
  return program === null || another === null || program === another
}

export class OwnerFinder {
  readonly #files: ProcFiles
  readonly #processes: ReadonlyMap<number, TrackedProcess>
  readonly #procRoot: string
  readonly #statm = emptyStatm()
  readonly #stat = emptyStat()
  /** Of this pass. */
  readonly #ownMemory = new Map<TrackedProcess, boolean>()

  constructor(files: ProcFiles, processes: ReadonlyMap<number, TrackedProcess>, procRoot: string) {
    this.#files = files
    this.#processes = processes
    this.#procRoot = procRoot
  }

  startPass(): void {
    this.#ownMemory.clear()
  }

  /** What an address belongs to; a text is the reason why that is not known. */
  placeOf(process: TrackedProcess, address: number): MappedPlace | string {
    const length = this.#files.readOnce(`${process.insidePath}/maps`)
    if (length < 0) return reasonOf(length)
    return findPlace(this.#files.bytes, length, address) ?? notPlaced
  }

  /** The thread; null where it has ended; a text is the reason why it is not known. */
  find(process: TrackedProcess, tid: number, shared: MappedPlace | null): TrackedThread | string | null {
    return shared === null ? this.#findWithin(process, tid) : this.#findAmongAll(process, tid, shared)
  }

  /** Private memory: nobody but the threads of the process can release what lies there. */
  #findWithin(process: TrackedProcess, tid: number): TrackedThread | string | null {
    const thread = this.#threadOf(process, tid)
    if (this.#idsOf(process) === 'uncertain') return uncertainIds
    if (!this.hasOwnMemory(process)) return memoryShared
    if (thread && !thread.dead) return thread
    // A leader that has ended stays in the list until its process ends.
    if (!thread && this.#lists(process, tid)) return notKnownYet
    if (!thread && !process.formerTids.has(tid) && !this.#hasExecuted(process)) return notItsOwn
    return null
  }

  /**
   * An id in shared memory is that of the owner in its own pid namespace, and does not say in which: it must be the only
   * thread so called in all the processes that map the file.
   */
  #findAmongAll(process: TrackedProcess, tid: number, shared: MappedPlace): TrackedThread | string | null {
    const owners: TrackedThread[] = []
    let isThere = false
    for (const other of this.#processes.values()) {
      const thread = other.kernelThread ? undefined : this.#threadOf(other, tid)
      if (!thread || thread.dead) continue
      isThere = true
      if (this.#maps(other, shared)) owners.push(thread)
    }
    const [owner, another] = owners
    if (this.#idsAreUncertain(shared)) return uncertainIds
    if (owner) return another ? ambiguous : owner
    return isThere || this.#mayBeUnknown(process, tid, shared) ? notKnownYet : null
  }

  /** There is no telling which of the threads of another pid namespace that are not known yet has that id. */
  #mayBeUnknown(process: TrackedProcess, tid: number, shared: MappedPlace): boolean {
    if (process.namespaceDepth > 1 || this.#mayLive(tid)) return true
    for (const other of this.#processes.values()) if (other.namespaceDepth > 1 && this.#maps(other, shared)) return true
    return false
  }

  /** Who has ended and is not collected yet is still there. */
  #mayLive(tid: number): boolean {
    const length = this.#files.readOnce(`${this.#procRoot}/${tid}/stat`)
    if (length <= 0) return !isGone(length)
    return !parseStat(this.#files.bytes, length, this.#stat) || !'ZX'.includes(this.#stat.state)
  }

  /** No word in its memory was written by the process that it was forked from. */
  #hasExecuted({ path }: TrackedProcess): boolean {
    const length = this.#files.readOnce(`${path}/stat`)
    return length > 0 && parseStat(this.#files.bytes, length, this.#stat) && this.#stat.hasExecuted
  }

  /**
   * A thread writes the id that it takes for its own. In a process that was made by the bare system call, not by the C
   * library's fork, that is the id of its parent. Such a process has no list of robust mutexes, which fork registers.
   */
  #idsAreUncertain(shared: MappedPlace): boolean {
    for (const process of this.#processes.values()) {
      if (process.kernelThread || process.zombie) continue
      if (this.#idsOf(process) === 'uncertain' && this.#maps(process, shared)) return true
    }
    return false
  }

  /** Of threads that have a list of robust mutexes glibc has made them all; of a process without any, whatever its program has. */
  #idsOf(process: TrackedProcess): 'sure' | 'uncertain' {
    const living = process.threads.filter(({ dead, gone }) => !dead && !gone)
    for (const thread of living) thread.isRegistered ||= robustListOf(thread.tid) !== 0
    const registered = living.filter(({ isRegistered }) => isRegistered).length
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

  /** 0 where it is gone. */
  #readInnerTid(process: TrackedProcess, tid: number): number {
    const length = this.#files.readOnce(`${process.path}/task/${tid}/status`)
    if (length <= 0) return 0
    return parseStatus(this.#files.bytes.toString('latin1', 0, length)).namespacePids.at(-1) ?? 0
  }

  /** Whether the kernel lists it by now. */
  #lists(process: TrackedProcess, tid: number): boolean {
    const tids = this.#files.list(`${process.path}/task`)
    if (typeof tids === 'number') return true
    if (process.namespaceDepth === 1) return tids.includes(tid)
    return tids.some((outer) => this.#readInnerTid(process, outer) === tid)
  }

  #maps(process: TrackedProcess, shared: MappedPlace): boolean {
    const length = this.#files.readOnce(`${process.insidePath}/maps`)
    return length > 0 && mapsShared(this.#files.bytes.toString('latin1', 0, length), shared)
  }

  /** That no other process was made with CLONE_VM, and so can write there. False where it cannot be told. */
  hasOwnMemory(process: TrackedProcess): boolean {
    if (this.#procRoot !== '/proc') return false
    const known = this.#ownMemory.get(process)
    if (known !== undefined) return known
    let isOwn = true
    for (const other of this.#processes.values())
      if (other !== process && isLike(process, other) && this.#mayShareMemory(process, other)) isOwn = false
    this.#ownMemory.set(process, isOwn)
    return isOwn
  }

  #mayShareMemory(process: TrackedProcess, other: TrackedProcess): boolean {
    const compared = compareMemory(process.seenThrough, other.seenThrough)
    if (compared >= 0) return compared === 0
    if (errorNumber() === constants.errno.ESRCH) return false
    // Not permitted. The sizes are told to everybody, and one memory has one size.
    const [before, ofOther, after] = [process, other, process].map((one) => this.#sizeOf(one))
    return before === undefined || before !== after || ofOther === before
  }

  #sizeOf({ statm }: TrackedProcess): number | undefined {
    const length = this.#files.read(statm)
    return length > 0 && parseStatm(this.#files.bytes, length, this.#statm) ? this.#statm.size : undefined
  }
}
