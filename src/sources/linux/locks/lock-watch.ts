/**
 * Who waits for whom at one instant. At the end of a pass everything that is told holds at the moment T between two
 * readings of the words of all locks:
 *
 *   1. the pass has read of each thread how often it had run, then the system call that it slept in (the same in an
 *      earlier pass, for one that has not run since); 2. the words of all locks; T; 3. the calls and words of all once more; 4. how often each
 *      has run. Told is what was the same in 2 and 3, of threads that have not run between 1 and 4.
 *
 * So a thread that is told to wait slept in that very call from 1 to 4, T included, because nobody leaves a call without
 * running. Its owner may have run, and given the lock up and taken it again between 2 and 3. But an owner that is
 * itself told to wait has not run from 1 to 4 either: it held at T what it held at 2, because only its owner gives a
 * lock up. A loop consists of such owners alone, so every loop in one report was there at T as a whole.
 */

import type { ProcFiles } from '../native/proc-files.ts'
import { type FutexCall, isParked } from '../parse/futex-lock.ts'
import type { ObservedWait, ThreadFacts } from '../protocol.ts'
import { futexUnknown } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import { ClosedSetFinder } from './closed-set-finder.ts'
import { LockReader, type Seen, type Sight, sameSight } from './lock-reader.ts'
import type { ScheduleReader, WaitReport } from './scan-ports.ts'
import { type ConfirmedWait, isSeen, UnconfirmedWaits, type WaitInspection } from './unconfirmed-waits.ts'

const whyWeak = {
  'own-mutex':
    'it has this mutex itself: nobody else may unlock it by the rule of POSIX, though programs that use it as a gate do',
  'rwlock-writer': 'by the look of its words a read-write lock that a writer holds: likely, not proven',
  'unknown-caller':
    'by the look of its words a lock of the C library, which is built into a program that names no functions: likely, not proven',
  'pi-stack': 'parked by the C library: which priority-inheriting mutex it wants is likely, not proven',
}

/** The kernel itself keeps the owner's id in the word. */
function isInheriting({ lock: { kind, isVouched } }: Seen): boolean {
  return kind === 'mutex' && isVouched
}

function parked({ address, isPrivate }: FutexCall): Seen {
  return {
    lock: { kind: 'mutex', evidence: 'pi-stack', address, isPrivate, tid: 0, isVouched: true, mayBeGate: false },
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
  readonly threadReader: ScheduleReader
}

export class LockWatch {
  readonly #parts: LockWatchParts
  readonly #reader: LockReader
  readonly #closedSets: ClosedSetFinder
  #edges = new Map<TrackedThread, ConfirmedWait>()
  readonly #doubts: UnconfirmedWaits

  constructor(parts: LockWatchParts) {
    this.#parts = parts
    this.#reader = new LockReader(parts.files, parts.processes, parts.procRoot)
    this.#doubts = new UnconfirmedWaits(parts, this.#reader)
    this.#closedSets = new ClosedSetFinder(parts, this.#reader)
  }

  /** After a pass that read these processes. What it found before of others is looked at as well, as all must hold together. */
  finishPass(scope: Iterable<TrackedProcess>, tellsAll: boolean): void {
    const processes = [...scope]
    this.#reader.startPass()
    const looks = this.#gather(processes)
    const closing = this.#closedSets.gather(processes)
    for (const look of looks) if (!look.isSettled) look.first = this.#reader.see(look.process, look.thread)
    // ---- T ----
    for (const look of looks) if (!look.isSettled) look.second = this.#seeAgain(look)
    this.#guessParked(looks)
    this.#closedSets.lookAgain(closing)
    for (const look of looks) look.stands = this.#hasNotRun(look.thread)
    const changed = this.#settle(looks, this.#restOf(looks), new Set(processes))
    if (changed || tellsAll) this.#parts.report.waits = this.#rows()
    this.#parts.report.closedSets = this.#closedSets.settle(closing, (thread) => this.#joins(thread))
  }

  /** Threads whose call leaves it possible that somebody owns what they wait for. */
  #gather(processes: readonly TrackedProcess[]): WaitInspection[] {
    const looks = new Map<TrackedThread, WaitInspection>()
    for (const process of processes) {
      if (process.denied || process.zombie) continue
      for (const thread of process.threads)
        if (thread.mayHaveOwner && !thread.gone) looks.set(thread, this.#lookAt(process, thread))
    }
    const former = [...this.#edges, ...this.#doubts.edges()]
    for (const [thread, { process }] of former) {
      if (looks.has(thread) || thread.gone || this.#parts.processes.get(process.pid) !== process) continue
      if (thread.mayHaveOwner) looks.set(thread, this.#lookAt(process, thread))
    }
    return [...looks.values()]
  }

  #lookAt(process: TrackedProcess, thread: TrackedThread): WaitInspection {
    const former = this.#edges.get(thread) ?? null
    const isSettled = former !== null && former.timesRun === thread.timesRun && this.#cannotBeReleased(former)
    return { process, thread, former, isSettled, first: null, second: null, stands: false }
  }

  #cannotBeReleased({ owner, ownerTimesRun }: ConfirmedWait): boolean {
    return owner === null || (!owner.gone && owner.blocked && owner.timesRun === ownerTimesRun)
  }

  #seeAgain({ process, thread, first }: WaitInspection): Sight {
    if (first === null || typeof first === 'string') return first
    return this.#reader.isInSameCall(thread) ? this.#reader.see(process, thread) : null
  }

  /**
   * Of one that is parked it is seldom seen what it wanted. But who owns a priority-inheriting mutex that another waits for,
   * and sleeps on a word of its own stack, is most likely parked for ever.
   */
  #guessParked(looks: readonly WaitInspection[]): void {
    const seenBy = (look: WaitInspection): Sight => (look.isSettled ? look.former : look.second)
    const owners = new Set(
      looks
        .map(seenBy)
        .flatMap((seen) => (isSeen(seen) && isInheriting(seen) && seen.owner !== null ? [seen.owner] : [])),
    )
    for (const look of looks) {
      const { thread } = look
      if (look.isSettled || look.second !== null || !owners.has(thread)) continue
      if (!isParked(thread.futex!) || !this.#reader.isInSameCall(thread)) continue
      look.first = parked(thread.futex!)
      look.second = look.first
    }
  }

  #hasNotRun(thread: TrackedThread): boolean {
    this.#parts.threadReader.readSchedule(thread, false)
    return !thread.ran && !thread.gone && thread.timesRun >= 0
  }

  /** Of waiters and owners, whether they slept from 1 to 4. */
  #restOf(looks: readonly WaitInspection[]): Map<TrackedThread, boolean> {
    const standing = new Map(looks.map(({ thread, stands }) => [thread, stands]))
    for (const { former, isSettled, second } of looks) {
      const seen = isSettled ? former : second
      if (seen === null || typeof seen === 'string' || seen.owner === null || standing.has(seen.owner)) continue
      standing.set(seen.owner, this.#hasNotRun(seen.owner))
    }
    return standing
  }

  /** Sets what is told from now on. True where that differs from what was. */
  #settle(
    looks: readonly WaitInspection[],
    standing: ReadonlyMap<TrackedThread, boolean>,
    scope: ReadonlySet<TrackedProcess>,
  ): boolean {
    const edges = new Map<TrackedThread, ConfirmedWait>()
    for (const look of looks) {
      if (!look.stands) continue
      const edge = this.#edgeOf(look, standing)
      if (edge === null) this.#tellUnknown(look)
      else {
        edges.set(look.thread, edge)
        this.#tellKnown(look.thread, edge)
      }
    }
    const former = this.#edges
    const areOther = this.#doubts.settle({ former, edges, looks, scope })
    this.#edges = edges
    if (areOther) return true
    if (former.size !== edges.size) return true
    for (const [thread, edge] of edges) {
      const before = former.get(thread)
      if (before === undefined || !sameSight(before, edge)) return true
    }
    return false
  }

  #edgeOf(look: WaitInspection, standing: ReadonlyMap<TrackedThread, boolean>): ConfirmedWait | null {
    const { former, first, second, process, thread } = look
    if (look.isSettled) return this.#stillHolds(former!, standing) ? former : null
    if (first === null || second === null || typeof first === 'string' || typeof second === 'string') return null
    if (!sameSight(first, second)) return null
    const { owner } = second
    const ownerTimesRun = owner !== null && standing.get(owner) === true ? owner.timesRun : -1
    return { ...second, process, call: thread.futex!, timesRun: thread.timesRun, ownerTimesRun }
  }

  #stillHolds({ owner, ownerTimesRun }: ConfirmedWait, standing: ReadonlyMap<TrackedThread, boolean>): boolean {
    return owner === null || (standing.get(owner) === true && owner.timesRun === ownerTimesRun)
  }

  /** What it waits for is known as long as it waits, whoever owns it. */
  #tellKnown(thread: TrackedThread, { lock: { kind, evidence } }: ConfirmedWait): void {
    const state = kind === 'thread' ? 'JOIN' : 'MUTEX'
    this.#tell(thread, { state, certain: evidence === null, why: evidence && whyWeak[evidence] })
  }

  #tellUnknown({ thread, first }: WaitInspection): void {
    if (typeof first !== 'string' || thread.facts?.state !== 'CONDVAR') return
    this.#tell(thread, { state: 'CONDVAR', certain: false, why: `${futexUnknown}: ${first}` })
  }

  #tell(thread: TrackedThread, condition: Pick<ThreadFacts, 'state' | 'certain' | 'why'>): void {
    const { facts } = thread
    if (facts === null || (facts.state === condition.state && facts.why === condition.why)) return
    thread.facts = { ...facts, ...condition }
    this.#parts.report.thread(thread.facts)
  }

  #joins(thread: TrackedThread): boolean {
    return this.#edges.get(thread)?.lock.kind === 'thread'
  }

  #rows(): ObservedWait[] {
    const doubted = this.#doubts.edges().map(([thread, edge]) => [thread, edge, true] as const)
    const known = [...this.#edges].map(([thread, edge]) => [thread, edge, false] as const)
    return [...known, ...doubted].map(([{ pid, tid }, { lock, object, isShared, owner }, isDoubted]) => ({
      pid,
      tid,
      kind: lock.kind,
      object,
      evidence: lock.evidence,
      owner: owner === null ? null : { pid: owner.pid, tid: owner.tid },
      ownerTid: lock.tid,
      isShared,
      isDoubted,
    }))
  }
}
