/**
 * Tracks waits that were confirmed before, whose thread has run since, for example in a signal handler or under a
 * debugger, and that were not contradicted. An unconfirmed wait creates no deadlock, but does not end one that was
 * reported.
 */

import type { FutexCall } from '../parse/futex-call.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import { type LockReader, type LockObservation, type LockInspection, sameObservation } from './lock-reader.ts'
import type { ScheduleReader } from './scan-ports.ts'

/** A confirmed wait, with what is needed to see whether it still holds. */
export interface ConfirmedWait extends LockObservation {
  readonly process: TrackedProcess
  readonly call: FutexCall
  /** How often waiter and owner had run then; -1 for an owner that was not asleep all the time. */
  readonly timesRun: number
  readonly ownerTimesRun: number
}

/** A wait whose thread has run since it was confirmed, and that was not contradicted. */
interface Doubt {
  readonly edge: ConfirmedWait
  /** Number of inspections in a row that did not find it in that call, and the time of the first (ms). */
  readonly misses: number
  readonly since: number
}

export interface WaitInspection {
  readonly process: TrackedProcess
  readonly thread: TrackedThread
  readonly former: ConfirmedWait | null
  /** Nothing can have changed unless waiter or owner ran, so only that is read. */
  readonly isSettled: boolean
  first: LockInspection
  second: LockInspection
  stands: boolean
}

// A signal handler may be running during an inspection, but it does not run for long.
const missesMax = 3
// On a busy machine the thread may wait for a CPU before it is back in its call.
const missedMsMax = 1500

export function isObservation(sight: LockInspection): sight is LockObservation {
  return sight !== null && typeof sight !== 'string'
}

/**
 * Whether the thread waits in a chain of unconfirmed waits that ends in a cycle or at an owner that has ended. Other
 * unconfirmed waits are useless.
 */
function isStuck(thread: TrackedThread, doubts: ReadonlyMap<TrackedThread, Doubt>): boolean {
  const passed = new Set<TrackedThread>()
  for (let at = thread; !passed.has(at); ) {
    passed.add(at)
    const edge = doubts.get(at)?.edge
    if (edge === undefined) return false
    if (edge.owner === null) return true
    at = edge.owner
  }
  return true
}

interface DoubtParts {
  readonly processes: ReadonlyMap<number, TrackedProcess>
  readonly threadReader: ScheduleReader
}

/** Results of a pass. */
interface Pass {
  readonly former: ReadonlyMap<TrackedThread, ConfirmedWait>
  readonly edges: ReadonlyMap<TrackedThread, ConfirmedWait>
  readonly looks: readonly WaitInspection[]
  /** Processes that the pass read. */
  readonly scope: ReadonlySet<TrackedProcess>
}

export class UnconfirmedWaits {
  readonly #parts: DoubtParts
  readonly #reader: LockReader
  #waits: ReadonlyMap<TrackedThread, Doubt> = new Map()

  constructor(parts: DoubtParts, reader: LockReader) {
    this.#parts = parts
    this.#reader = reader
  }

  waits(): (readonly [TrackedThread, ConfirmedWait])[] {
    return [...this.#waits].map(([thread, { edge }]) => [thread, edge])
  }

  /** Returns true if the set of unconfirmed waits has changed. */
  settle(pass: Pass): boolean {
    const before = this.#waits
    this.#waits = this.#after(pass)
    return before.size !== this.#waits.size || [...before.keys()].some((thread) => !this.#waits.has(thread))
  }

  #after({ former, edges, looks, scope }: Pass): Map<TrackedThread, Doubt> {
    const { threadReader, processes } = this.#parts
    const { now } = threadReader
    const lookOf = new Map(looks.map((look) => [look.thread, look]))
    const candidates = new Map(this.#waits)
    for (const [thread, edge] of former) candidates.set(thread, { edge, misses: 0, since: now })
    const doubts = new Map<TrackedThread, Doubt>()
    for (const [thread, doubt] of candidates) {
      const isGone = thread.gone || thread.dead || processes.get(thread.pid) !== doubt.edge.process
      if (isGone || edges.has(thread) || !isStuck(thread, candidates)) continue
      const look = lookOf.get(thread)
      const isLookedAt = look !== undefined || scope.has(doubt.edge.process)
      const kept = isLookedAt ? keep(doubt, this.#compare(doubt, thread, look), now) : doubt
      if (kept !== null) doubts.set(thread, kept)
    }
    return doubts
  }

  /** Compares the wait with the present inspection. */
  #compare({ edge }: Doubt, thread: TrackedThread, look: WaitInspection | undefined): How {
    // A stopped thread, for example under a debugger, continues with the same call.
    if (thread.facts?.state === 'STOPPED') return this.#reader.isIn(thread, edge.call) ? 'none' : 'missed'
    if (look === undefined) return 'missed'
    if (look.isSettled) return 'none'
    if (!isObservation(look.second)) return 'missed'
    return sameObservation(look.second, edge) ? 'same' : 'another'
  }
}

type How = 'same' | 'missed' | 'another' | 'none'

/** Null: it was contradicted, or not found for too long. */
function keep(doubt: Doubt, how: How, now: number): Doubt | null {
  if (how === 'none') return doubt
  if (how === 'same') return { ...doubt, misses: 0, since: now }
  if (how === 'another' || (doubt.misses >= missesMax && now - doubt.since >= missedMsMax)) return null
  return { ...doubt, misses: doubt.misses + 1, since: doubt.misses === 0 ? now : doubt.since }
}
