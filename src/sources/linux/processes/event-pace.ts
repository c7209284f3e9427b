/**
 * Bounds the events that one process can cause by renaming itself, changing its user, executing programs or starting
 * threads as fast as it can. Any user may do that, and it must not push the events of all others out of memory and
 * journal.
 */

import { bounds } from '../../../base/bounds.ts'
import type { Process } from '../../../kernel/nodes/process.ts'
import type { Thread } from '../../../kernel/nodes/thread.ts'
import type { ProcessEvent } from '../protocol.ts'

export type PacedEvent = Extract<ProcessEvent, { what: 'name' | 'uid' | 'exec' }>

/** A change that waited, and how many changes it stands for. */
export interface PacedChange {
  readonly event: PacedEvent
  readonly changes: number
}

/** Events of threads of one process that were not emitted. Times are ms of Unix time. */
export interface LeftOut {
  readonly process: Process
  readonly count: number
  /** Times of the first and of the last of them, in ms of Unix time. */
  readonly from: number
  readonly to: number
}

const clockStepMs = 60_000

class Bucket {
  readonly #burst: number
  readonly #perSecond: number
  #tokens: number
  #at: number

  constructor(burst: number, perSecond: number, at: number) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = burst
    this.#at = at
  }

  /** Takes one token. Returns false if there is none. */
  take(at: number): boolean {
    this.#refill(at)
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  isFull(at: number): boolean {
    this.#refill(at)
    return this.#tokens >= this.#burst
  }

  #refill(at: number): void {
    const passedMs = at - this.#at
    // Events come a little later than their time, so the time goes back and forth; far back, the clock was set.
    if (passedMs <= 0 && passedMs > -clockStepMs) return
    this.#tokens = Math.min(this.#burst, this.#tokens + (Math.max(0, passedMs) / 1000) * this.#perSecond)
    this.#at = at
  }
}

class Pace {
  readonly #changes: Bucket
  readonly #executions: Bucket
  readonly threads: Bucket
  /** The newest change of each kind that waits to be recorded. */
  readonly waiting = new Map<PacedEvent['what'], PacedChange>()
  leftOut = 0
  leftOutFrom = 0
  leftOutTo = 0

  constructor(at: number) {
    this.#changes = new Bucket(bounds.processChangesAtOnce, bounds.processChangesPerSecond, at)
    this.#executions = new Bucket(bounds.processChangesAtOnce, bounds.processChangesPerSecond, at)
    this.threads = new Bucket(bounds.threadBirthsAtOnce, bounds.threadBirthsPerSecond, at)
  }

  /** Whether a change has an event now. Renaming delays no event of an exec. */
  mayChange(what: PacedEvent['what'], at: number): boolean {
    return (what === 'exec' ? this.#executions : this.#changes).take(at)
  }

  isIdle(at: number): boolean {
    const isFull = [this.#changes, this.#executions, this.threads].every((bucket) => bucket.isFull(at))
    return isFull && this.waiting.size === 0 && this.leftOut === 0
  }
}

export class EventPace {
  /** Processes that used some of their tokens. */
  readonly #paces = new Map<Process, Pace>()
  /** Processes of which changes wait. */
  readonly #waiting = new Set<Process>()
  /** Threads whose birth has no event, so that their end has none either. */
  readonly #silent = new WeakSet<Thread>()

  /** Returns the change to record now, or null if it waits. It replaces one of the same kind that waits. */
  change(process: Process, event: PacedEvent): PacedChange | null {
    const pace = this.#of(process, event.at)
    const { waiting } = pace
    const changes = (waiting.get(event.what)?.changes ?? 0) + 1
    if (pace.mayChange(event.what, event.at)) {
      waiting.delete(event.what)
      return { event, changes }
    }
    // The program that was executed has a name and user of its own, so earlier changes of these are over.
    const stale = event.what === 'exec' ? [...waiting.values()].filter(({ event: { what } }) => what !== 'exec') : []
    for (const { event: earlier } of stale) waiting.delete(earlier.what)
    const all = stale.reduce((sum, { changes: count }) => sum + count, changes)
    waiting.set(event.what, { event, changes: all })
    this.#waiting.add(process)
    return null
  }

  /** Removes and returns the changes of a process that wait. */
  takeWaiting(process: Process): readonly PacedChange[] {
    if (!this.#waiting.delete(process)) return []
    const { waiting } = this.#of(process, process.started)
    const all = [...waiting.values()]
    waiting.clear()
    return all
  }

  get hasWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** Removes and returns the changes that waited and may be recorded now. */
  *takeDue(at: number): Generator<{ readonly process: Process; readonly change: PacedChange }> {
    for (const process of this.#waiting) {
      const pace = this.#of(process, at)
      const { waiting } = pace
      // It has ended, and nobody saw how.
      if (process.slot < 0) waiting.clear()
      for (const [what, change] of waiting) {
        if (!pace.mayChange(what, at)) continue
        waiting.delete(what)
        yield { process, change }
      }
      if (waiting.size === 0) this.#waiting.delete(process)
    }
  }

  /** Whether the birth of another thread has an event. */
  threadMayBeBorn(process: Process, at: number): boolean {
    return this.#of(process, at).threads.take(at)
  }

  /** The birth of this thread has no event. */
  leaveOut(thread: Thread, at: number): void {
    this.#silent.add(thread)
    this.#count(thread, at)
  }

  /** Whether neither the birth nor the end of a thread has an event. */
  isSilent(thread: Thread): boolean {
    return this.#silent.has(thread)
  }

  /** Whether the end of a thread has an event. */
  threadMayEnd(thread: Thread, at: number): boolean {
    if (!this.#silent.has(thread)) return true
    this.#count(thread, at)
    return false
  }

  /** Removes and returns the numbers of events that were not emitted, and forgets processes that are quiet again. */
  *takeLeftOut(at: number): Generator<LeftOut> {
    for (const [process, pace] of this.#paces) {
      const { leftOut: count, leftOutFrom: from, leftOutTo: to } = pace
      pace.leftOut = 0
      if (count > 0) yield { process, count, from, to }
      else if (process.slot < 0 || pace.isIdle(at)) this.#paces.delete(process)
    }
  }

  #count({ parent }: Thread, at: number): void {
    const pace = this.#of(parent, at)
    if (pace.leftOut === 0) pace.leftOutFrom = at
    pace.leftOutTo = Math.max(pace.leftOutFrom, at)
    pace.leftOut++
  }

  #of(process: Process, at: number): Pace {
    const known = this.#paces.get(process)
    if (known !== undefined) return known
    const pace = new Pace(at)
    this.#paces.set(process, pace)
    return pace
  }
}
