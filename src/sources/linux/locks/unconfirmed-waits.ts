/**
 * Tracks waits that were confirmed before, whose thread has run since, for example in a signal handler or under a
 * debugger, and that were not contradicted. An unconfirmed wait creates no deadlock, but does not end one that was
 * reported.
 */

import type { FutexCall } from '../parse/futex-call.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import { type LockInspection, type LockObservation, type LockReader, sameObservation } from './lock-reader.ts'
import type { ScheduleReader } from './scan-ports.ts'

/** A confirmed wait, with what is needed to see whether it still holds. */
export interface ConfirmedWait extends LockObservation {
  readonly process: TrackedProcess
  readonly call: FutexCall
  /** Number of times that waiter and owner had run then; -1 for an owner that was not asleep all the time. */
  readonly timesRun: number
  readonly ownerTimesRun: number
}

/** A wait whose thread has run since it was confirmed, and that was not contradicted. */
interface UnconfirmedWait {
  readonly wait: ConfirmedWait
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
function isStuck(thread: TrackedThread, waits: ReadonlyMap<TrackedThread, UnconfirmedWait>): boolean {
  const passed = new Set<TrackedThread>()
  for (let at = thread; !passed.has(at); ) {
    passed.add(at)
    const wait = waits.get(at)?.wait
    if (wait === undefined) return false
    if (wait.owner === null) return true
    at = wait.owner
  }
  return true
}

interface UnconfirmedWaitsParts {
  readonly processes: ReadonlyMap<number, TrackedProcess>
  readonly threadReader: ScheduleReader
}

/** Results of a pass. */
interface Pass {
  readonly former: ReadonlyMap<TrackedThread, ConfirmedWait>
  readonly confirmed: ReadonlyMap<TrackedThread, ConfirmedWait>
  readonly inspections: readonly WaitInspection[]
  /** Processes that the pass read. */
  readonly scope: ReadonlySet<TrackedProcess>
}

export class UnconfirmedWaits {
  readonly #parts: UnconfirmedWaitsParts
  readonly #reader: LockReader
  #waits: ReadonlyMap<TrackedThread, UnconfirmedWait> = new Map()

  constructor(parts: UnconfirmedWaitsParts, reader: LockReader) {
    this.#parts = parts
    this.#reader = reader
  }

  waits(): (readonly [TrackedThread, ConfirmedWait])[] {
    return [...this.#waits].map(([thread, { wait }]) => [thread, wait])
  }

  /** Returns true if the set of unconfirmed waits has changed. */
  settle(pass: Pass): boolean {
    const before = this.#waits
    this.#waits = this.#after(pass)
    return before.size !== this.#waits.size || [...before.keys()].some((thread) => !this.#waits.has(thread))
  }

  #after({ former, confirmed, inspections, scope }: Pass): Map<TrackedThread, UnconfirmedWait> {
    const { threadReader, processes } = this.#parts
    const { now } = threadReader
    const inspectionOf = new Map(inspections.map((inspection) => [inspection.thread, inspection]))
    const candidates = new Map(this.#waits)
    for (const [thread, wait] of former) candidates.set(thread, { wait, misses: 0, since: now })
    const waits = new Map<TrackedThread, UnconfirmedWait>()
    for (const [thread, unconfirmed] of candidates) {
      const isGone = thread.gone || thread.dead || processes.get(thread.pid) !== unconfirmed.wait.process
      if (isGone || confirmed.has(thread) || !isStuck(thread, candidates)) continue
      const inspection = inspectionOf.get(thread)
      const isInspected = inspection !== undefined || scope.has(unconfirmed.wait.process)
      const next = isInspected ? nextOf(unconfirmed, this.#compare(unconfirmed, thread, inspection), now) : unconfirmed
      if (next !== null) waits.set(thread, next)
    }
    return waits
  }

  /** Compares the wait with the present inspection. */
  #compare({ wait }: UnconfirmedWait, thread: TrackedThread, inspection: WaitInspection | undefined): Comparison {
    // A stopped thread, for example under a debugger, continues with the same call.
    if (thread.facts?.state === 'STOPPED') return this.#reader.isIn(thread, wait.call) ? 'none' : 'missed'
    if (inspection === undefined) return 'missed'
    if (inspection.isSettled) return 'none'
    if (!isObservation(inspection.second)) return 'missed'
    return sameObservation(inspection.second, wait) ? 'same' : 'another'
  }
}

type Comparison = 'same' | 'missed' | 'another' | 'none'

/** Null: it was contradicted, or not found for too long. */
function nextOf(unconfirmed: UnconfirmedWait, comparison: Comparison, now: number): UnconfirmedWait | null {
  if (comparison === 'none') return unconfirmed
  if (comparison === 'same') return { ...unconfirmed, misses: 0, since: now }
  if (comparison === 'another' || (unconfirmed.misses >= missesMax && now - unconfirmed.since >= missedMsMax))
    return null
  return { ...unconfirmed, misses: unconfirmed.misses + 1, since: unconfirmed.misses === 0 ? now : unconfirmed.since }
}
