/**
 * What was found true of a thread that has run since, as for a signal handler or a debugger, and was not contradicted. It
 * makes no deadlock; but one that was told before does not end by it.
 */

import type { FutexCall } from '../parse/futex-lock.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'
import { type LockReader, type Seen, type Sight, sameSight } from './lock-reader.ts'
import type { ScheduleReader } from './scan-ports.ts'

/** A wait that was found true, and what shows that it still is. */
export interface ConfirmedWait extends Seen {
  readonly process: TrackedProcess
  readonly call: FutexCall
  /** How often waiter and owner had run then; -1 of an owner that was not asleep all the time. */
  readonly timesRun: number
  readonly ownerTimesRun: number
}

/** What was found true, of a thread that ran since, and not contradicted. */
interface Doubt {
  readonly edge: ConfirmedWait
  /** So often in a row it was not seen in that call, and since when (ms). */
  readonly misses: number
  readonly since: number
}

export interface WaitInspection {
  readonly process: TrackedProcess
  readonly thread: TrackedThread
  readonly former: ConfirmedWait | null
  /** Nothing can have changed unless waiter or owner ran: nothing but that is read. */
  readonly isSettled: boolean
  first: Sight
  second: Sight
  stands: boolean
}

// A signal handler may run while it is looked at, and does not run for long.
const missesMax = 3
// On a busy machine it waits for a CPU before it is back in its call.
const missedMsMax = 1500

export function isSeen(sight: Sight): sight is Seen {
  return sight !== null && typeof sight !== 'string'
}

/** Whom it waits for waits as well, and so on: of all others a doubt is of no use. */
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

/** What a pass has found. */
interface Pass {
  readonly former: ReadonlyMap<TrackedThread, ConfirmedWait>
  readonly edges: ReadonlyMap<TrackedThread, ConfirmedWait>
  readonly looks: readonly WaitInspection[]
  /** The processes that it looked at. */
  readonly scope: ReadonlySet<TrackedProcess>
}

export class UnconfirmedWaits {
  readonly #parts: DoubtParts
  readonly #reader: LockReader
  #all: ReadonlyMap<TrackedThread, Doubt> = new Map()

  constructor(parts: DoubtParts, reader: LockReader) {
    this.#parts = parts
    this.#reader = reader
  }

  edges(): (readonly [TrackedThread, ConfirmedWait])[] {
    return [...this.#all].map(([thread, { edge }]) => [thread, edge])
  }

  /** True where there are others than before. */
  settle(pass: Pass): boolean {
    const before = this.#all
    this.#all = this.#after(pass)
    return before.size !== this.#all.size || [...before.keys()].some((thread) => !this.#all.has(thread))
  }

  #after({ former, edges, looks, scope }: Pass): Map<TrackedThread, Doubt> {
    const { threadReader, processes } = this.#parts
    const { now } = threadReader
    const lookOf = new Map(looks.map((look) => [look.thread, look]))
    const candidates = new Map(this.#all)
    for (const [thread, edge] of former) candidates.set(thread, { edge, misses: 0, since: now })
    const doubts = new Map<TrackedThread, Doubt>()
    for (const [thread, doubt] of candidates) {
      const isGone = thread.gone || thread.dead || processes.get(thread.pid) !== doubt.edge.process
      if (isGone || edges.has(thread) || !isStuck(thread, candidates)) continue
      const look = lookOf.get(thread)
      const isLookedAt = look !== undefined || scope.has(doubt.edge.process)
      const kept = isLookedAt ? keep(doubt, this.#sightOf(doubt, thread, look), now) : doubt
      if (kept !== null) doubts.set(thread, kept)
    }
    return doubts
  }

  /** How it was seen: in that call, in none, or waiting for something else. */
  #sightOf({ edge }: Doubt, thread: TrackedThread, look: WaitInspection | undefined): How {
    // Whoever is stopped, as by a debugger, goes on with the same call.
    if (thread.facts?.state === 'STOPPED') return this.#reader.isIn(thread, edge.call) ? 'none' : 'missed'
    if (look === undefined) return 'missed'
    if (look.isSettled) return 'none'
    if (!isSeen(look.second)) return 'missed'
    return sameSight(look.second, edge) ? 'same' : 'another'
  }
}

type How = 'same' | 'missed' | 'another' | 'none'

/** Null: it is contradicted, or was not seen for too long. */
function keep(doubt: Doubt, how: How, now: number): Doubt | null {
  if (how === 'none') return doubt
  if (how === 'same') return { ...doubt, misses: 0, since: now }
  if (how === 'another' || (doubt.misses >= missesMax && now - doubt.since >= missedMsMax)) return null
  return { ...doubt, misses: doubt.misses + 1, since: doubt.misses === 0 ? now : doubt.since }
}
