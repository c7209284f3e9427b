/**
 * Finds out which thread waits for which at one instant. Everything reported at the end of a pass holds at the instant
 * T, between two readings of the words of all locks:
 *
 *   1. The pass has read for each thread how often it had run, then the system call in which it slept (for a thread
 *      that has not run since, in an earlier pass).
 *   2. Read the words of all locks. Then comes T.
 *   3. Read the calls and the words of all once more.
 *   4. Read how often each thread has run. Reported is what was the same in 2 and 3, for threads that have not run
 *      between 1 and 4.
 *
 * So each reported waiter slept in that very call from 1 to 4, T included, because a thread must run to leave a call.
 * Its owner may have run, and may have released the lock and taken it again between 2 and 3. But an owner that is
 * itself a reported waiter has not run from 1 to 4: it held at T what it held at 2, because only its owner releases a
 * lock. A cycle consists of such owners only, so every cycle in one report existed at T as a whole.
 */

import type { ProcFiles } from '../native/proc-files.ts'
import { type FutexCall, isParked } from '../parse/futex-call.ts'
import type { ObservedWait, ThreadFacts } from '../protocol.ts'
import { futexUnknown } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import { ClosedSetFinder } from './closed-set-finder.ts'
import { type LockInspection, type LockObservation, LockReader, sameObservation } from './lock-reader.ts'
import type { ScheduleReader, WaitReport } from './scan-ports.ts'
import { type ConfirmedWait, isObservation, UnconfirmedWaits, type WaitInspection } from './unconfirmed-waits.ts'

const whyWeak = {
  'own-mutex':
    'it owns this mutex itself: POSIX lets no other thread unlock it, but programs that use a mutex as a gate do',
  'rwlock-writer': 'its words in memory look like a read-write lock that a writer holds: likely, not proven',
  'unknown-caller':
    'its words in memory look like a lock of a C library built into a program that names no functions: likely, not proven',
  'pi-stack': 'parked by the C library: the priority-inheriting mutex that it wants is likely, not proven',
}

/** The kernel itself puts the owner's TID in the futex word. */
function isInheriting({ lock: { kind, isConfirmed } }: LockObservation): boolean {
  return kind === 'mutex' && isConfirmed
}

function parked({ address, isPrivate }: FutexCall): LockObservation {
  return {
    lock: { kind: 'mutex', evidence: 'pi-stack', address, isPrivate, tid: 0, isConfirmed: true, mayBeGate: false },
    isShared: false,
    object: '(not known which)',
    owner: null,
  }
}

export interface LockWatchParts {
  readonly files: ProcFiles
  readonly report: WaitReport
  readonly processes: ReadonlyMap<number, TrackedProcess>
  readonly procRoot: string
  readonly pageBytes: number
  readonly threadReader: ScheduleReader
}

export class LockWatch {
  readonly #parts: LockWatchParts
  readonly #reader: LockReader
  readonly #closedSets: ClosedSetFinder
  #confirmed = new Map<TrackedThread, ConfirmedWait>()
  readonly #unconfirmed: UnconfirmedWaits

  constructor(parts: LockWatchParts) {
    this.#parts = parts
    this.#reader = new LockReader(parts)
    this.#unconfirmed = new UnconfirmedWaits(parts, this.#reader)
    this.#closedSets = new ClosedSetFinder(parts, this.#reader)
  }

  /**
   * Called after a pass that read the processes in `scope`. Waits found earlier in other processes are read again too,
   * because all waits of a report must hold at the same instant.
   */
  finishPass(scope: Iterable<TrackedProcess>, reportsAll: boolean): void {
    const processes = [...scope]
    this.#reader.startPass()
    const inspections = this.#gather(processes)
    const closedCandidates = this.#closedSets.select(processes)
    for (const inspection of inspections)
      if (!inspection.isSettled) inspection.first = this.#reader.inspect(inspection.process, inspection.thread)
    // ---- T ----
    for (const inspection of inspections) if (!inspection.isSettled) inspection.second = this.#inspectAgain(inspection)
    this.#guessParked(inspections)
    this.#closedSets.inspectAgain(closedCandidates)
    for (const inspection of inspections) inspection.stands = this.#hasNotRun(inspection.thread)
    const changed = this.#settle(inspections, this.#restOf(inspections), new Set(processes))
    if (changed || reportsAll) this.#parts.report.waits = this.#observedWaits()
    this.#parts.report.closedSets = this.#closedSets.settle(closedCandidates, (thread) => this.#joins(thread))
  }

  /** Selects threads whose object, according to their call, may have an owner. */
  #gather(processes: readonly TrackedProcess[]): WaitInspection[] {
    const inspections = new Map<TrackedThread, WaitInspection>()
    for (const process of processes) {
      if (process.denied || process.zombie) continue
      for (const thread of process.threads)
        if (thread.mayHaveOwner && !thread.gone) inspections.set(thread, this.#inspectionOf(process, thread))
    }
    const former = [...this.#confirmed, ...this.#unconfirmed.waits()]
    for (const [thread, { process }] of former) {
      if (inspections.has(thread) || thread.gone || this.#parts.processes.get(process.pid) !== process) continue
      if (thread.mayHaveOwner) inspections.set(thread, this.#inspectionOf(process, thread))
    }
    return [...inspections.values()]
  }

  #inspectionOf(process: TrackedProcess, thread: TrackedThread): WaitInspection {
    const former = this.#confirmed.get(thread) ?? null
    const isSettled = former !== null && former.timesRun === thread.timesRun && this.#cannotBeReleased(former)
    return { process, thread, former, isSettled, first: null, second: null, stands: false }
  }

  #cannotBeReleased({ owner, ownerTimesRun }: ConfirmedWait): boolean {
    return owner === null || (!owner.gone && owner.blocked && owner.timesRun === ownerTimesRun)
  }

  #inspectAgain({ process, thread, first }: WaitInspection): LockInspection {
    if (first === null || typeof first === 'string') return first
    return this.#reader.isInSameCall(thread) ? this.#reader.inspect(process, thread) : null
  }

  /**
   * The mutex that a parked thread wanted is seldom found. But if it owns a priority-inheriting mutex for which another
   * thread waits, it is most likely parked without end.
   */
  #guessParked(inspections: readonly WaitInspection[]): void {
    const seenBy = (inspection: WaitInspection): LockInspection =>
      inspection.isSettled ? inspection.former : inspection.second
    const owners = new Set(
      inspections
        .map(seenBy)
        .flatMap((seen) => (isObservation(seen) && isInheriting(seen) && seen.owner !== null ? [seen.owner] : [])),
    )
    for (const inspection of inspections) {
      const { thread } = inspection
      if (inspection.isSettled || inspection.second !== null || !owners.has(thread)) continue
      if (!isParked(thread.futex!) || !this.#reader.isInSameCall(thread)) continue
      inspection.first = parked(thread.futex!)
      inspection.second = inspection.first
    }
  }

  #hasNotRun(thread: TrackedThread): boolean {
    this.#parts.threadReader.readSchedule(thread, false)
    return !thread.ran && !thread.gone && thread.timesRun >= 0
  }

  /** For each waiter and owner, whether it slept from 1 to 4. */
  #restOf(inspections: readonly WaitInspection[]): Map<TrackedThread, boolean> {
    const restingThreads = new Map(inspections.map(({ thread, stands }) => [thread, stands]))
    for (const { former, isSettled, second } of inspections) {
      const seen = isSettled ? former : second
      if (seen === null || typeof seen === 'string' || seen.owner === null || restingThreads.has(seen.owner)) continue
      restingThreads.set(seen.owner, this.#hasNotRun(seen.owner))
    }
    return restingThreads
  }

  /** Sets the waits that are reported from now on. Returns true if they differ from those before. */
  #settle(
    inspections: readonly WaitInspection[],
    restingThreads: ReadonlyMap<TrackedThread, boolean>,
    scope: ReadonlySet<TrackedProcess>,
  ): boolean {
    const confirmed = new Map<TrackedThread, ConfirmedWait>()
    for (const inspection of inspections) {
      if (!inspection.stands) continue
      const wait = this.#waitOf(inspection, restingThreads)
      if (wait === null) this.#reportUnknown(inspection)
      else {
        confirmed.set(inspection.thread, wait)
        this.#reportKnown(inspection.thread, wait)
      }
    }
    const former = this.#confirmed
    const haveUnconfirmedChanged = this.#unconfirmed.settle({ former, confirmed, inspections, scope })
    this.#confirmed = confirmed
    if (haveUnconfirmedChanged) return true
    if (former.size !== confirmed.size) return true
    for (const [thread, wait] of confirmed) {
      const before = former.get(thread)
      if (before === undefined || !sameObservation(before, wait)) return true
    }
    return false
  }

  #waitOf(inspection: WaitInspection, restingThreads: ReadonlyMap<TrackedThread, boolean>): ConfirmedWait | null {
    const { former, first, second, process, thread } = inspection
    if (inspection.isSettled) return this.#stillHolds(former!, restingThreads) ? former : null
    if (first === null || second === null || typeof first === 'string' || typeof second === 'string') return null
    if (!sameObservation(first, second)) return null
    const { owner } = second
    const ownerTimesRun = owner !== null && restingThreads.get(owner) === true ? owner.timesRun : -1
    return { ...second, process, call: thread.futex!, timesRun: thread.timesRun, ownerTimesRun }
  }

  #stillHolds({ owner, ownerTimesRun }: ConfirmedWait, restingThreads: ReadonlyMap<TrackedThread, boolean>): boolean {
    return owner === null || (restingThreads.get(owner) === true && owner.timesRun === ownerTimesRun)
  }

  /** The thread's state is certain as long as it waits, even if the owner changes. */
  #reportKnown(thread: TrackedThread, { lock: { kind, evidence } }: ConfirmedWait): void {
    const state = kind === 'thread' ? 'JOIN' : 'MUTEX'
    this.#reportCondition(thread, { state, certain: evidence === null, why: evidence && whyWeak[evidence] })
  }

  #reportUnknown({ thread, first }: WaitInspection): void {
    if (typeof first !== 'string' || thread.facts?.state !== 'CONDVAR') return
    this.#reportCondition(thread, { state: 'CONDVAR', certain: false, why: `${futexUnknown}: ${first}` })
  }

  #reportCondition(thread: TrackedThread, condition: Pick<ThreadFacts, 'state' | 'certain' | 'why'>): void {
    const { facts } = thread
    if (facts === null || (facts.state === condition.state && facts.why === condition.why)) return
    thread.facts = { ...facts, ...condition }
    this.#parts.report.thread(thread.facts)
  }

  #joins(thread: TrackedThread): boolean {
    return this.#confirmed.get(thread)?.lock.kind === 'thread'
  }

  #observedWaits(): ObservedWait[] {
    const unconfirmed = this.#unconfirmed.waits().map(([thread, wait]) => [thread, wait, true] as const)
    const known = [...this.#confirmed].map(([thread, wait]) => [thread, wait, false] as const)
    return [...known, ...unconfirmed].map(([{ pid, tid }, { lock, object, isShared, owner }, isUnconfirmed]) => ({
      pid,
      tid,
      kind: lock.kind,
      object,
      evidence: lock.evidence,
      owner: owner === null ? null : { pid: owner.pid, tid: owner.tid },
      ownerTid: lock.tid,
      isShared,
      isUnconfirmed,
    }))
  }
}
