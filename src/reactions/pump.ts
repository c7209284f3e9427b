/**
 * Delivers the events of one route from the journal, in order and at least once. The cursor moves when an event was
 * delivered or is a dead letter, so a restart continues with the first event that was neither.
 */

import { bounds } from '../base/bounds.ts'
import type { EventLog, LoggedEvent } from '../stream/event-log.ts'
import { backoffMs, pause } from './backoff.ts'
import { type DeliveredEvent, deletedEvents } from './delivered-event.ts'

export interface Delivery {
  readonly events: readonly DeliveredEvent[]
  /** From 1. */
  readonly attempt: number
  /** Aborted when the service ends. */
  readonly signal: AbortSignal
}

export type Outcome =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'failed'
      readonly reason: string
      /** The receiver refuses these events themselves. A few more attempts are made. */
      readonly isRefused?: boolean
      /** The time after which the receiver wants the next attempt. */
      readonly retryAfterMs?: number
    }

export interface Retry {
  readonly firstMs: number
  readonly mostMs: number
  /** Time for which delivery is tried; null is not limited by time. */
  readonly forMs: number | null
  /** Attempts for one batch; null is not limited in number. */
  readonly attemptsMax: number | null
}

export interface DeadLetter {
  readonly reason: string
  readonly attempts: number
}

export interface PumpOptions {
  readonly log: EventLog
  readonly wants: (event: LoggedEvent) => boolean
  readonly source: string
  readonly batchMax: number
  /** Batches that are delivered at the same time. With more than one, their order may change. */
  readonly slots: number
  readonly retry: Retry
  readonly cursor: number
  /** Must not throw. */
  readonly deliver: (delivery: Delivery) => Promise<Outcome>
  /** Called when the cursor has moved. */
  readonly persist: (cursor: number) => void
  /** Stores events that could not be delivered. @throws when that fails; then delivery goes on */
  readonly deadLetter: (events: readonly DeliveredEvent[], letter: DeadLetter) => void
  /** Called when deliveries fail several times, with the reason, and with null when one succeeds again. */
  readonly onFailing: (reason: string | null) => void
  /** ms of Unix time. */
  readonly now: () => number
}

interface Job {
  /** Cursor of the event before the first of the job. */
  readonly before: number
  readonly events: readonly DeliveredEvent[]
}

interface Queued {
  /** Cursor of the event before it. */
  readonly before: number
  readonly event: DeliveredEvent
}

export interface PumpFigures {
  readonly cursor: number
  readonly behind: number
  readonly delivered: number
  readonly failures: number
  readonly deadLetters: number
  /** Why the last attempt failed; null when it succeeded. */
  readonly failing: string | null
}

export class Pump {
  readonly #options: PumpOptions
  readonly #ending = new AbortController()
  /** Events that were read and have no job yet. Reading many at once saves most of the work of the journal. */
  readonly #queue: Queued[] = []
  /** In the order of their events. */
  readonly #jobs = new Set<Job>()
  readonly #running = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout
  #read: number
  #persisted: number
  #soon: NodeJS.Immediate | null = null
  #delivered = 0
  #failures = 0
  #deadLetters = 0
  #failing: { readonly since: number; readonly reason: string; readonly isReported: boolean } | null = null

  constructor(options: PumpOptions) {
    this.#options = options
    this.#read = options.cursor
    this.#persisted = options.cursor
    // Events of other routes move the cursor too, but not at once: each move is a write.
    this.#timer = setInterval(() => this.#persistIfMoved(), bounds.reactionCursorEveryMs).unref()
    this.wake()
  }

  /** Every event up to the cursor was delivered, or is a dead letter, or belongs to other routes. */
  get cursor(): number {
    const [first] = this.#jobs
    return (first ?? this.#queue[0])?.before ?? this.#read
  }

  figures(): PumpFigures {
    const { cursor } = this
    return {
      cursor,
      behind: Math.max(0, this.#options.log.newest - cursor),
      delivered: this.#delivered,
      failures: this.#failures,
      deadLetters: this.#deadLetters,
      failing: this.#failing?.reason ?? null,
    }
  }

  /** There are new events. Called for each event, so it must be quick. */
  wake(): void {
    if (this.#soon !== null || this.#jobs.size >= this.#options.slots || this.#ending.signal.aborted) return
    this.#soon = setImmediate(() => {
      this.#soon = null
      this.#fill()
    })
  }

  /** Aborts what is under way. It is delivered again after the next start. */
  async stop(): Promise<void> {
    this.#ending.abort()
    clearInterval(this.#timer)
    if (this.#soon !== null) clearImmediate(this.#soon)
    await Promise.all(this.#running)
    this.#persistIfMoved()
  }

  #fill(): void {
    const { slots, batchMax } = this.#options
    while (this.#jobs.size < slots && !this.#ending.signal.aborted) {
      const isMore = this.#queue.length < batchMax && this.#readOn()
      const [first, ...rest] = this.#queue.splice(0, batchMax)
      if (first === undefined) {
        if (isMore) this.wake()
        return
      }
      const job = { before: first.before, events: [first, ...rest].map(({ event }) => event) }
      this.#jobs.add(job)
      const run = this.#run(job).finally(() => this.#running.delete(run))
      this.#running.add(run)
    }
  }

  /**
   * Queues the next events of the route. It examines a limited number of events in one turn of the event loop.
   * @returns whether there are more to examine
   */
  #readOn(): boolean {
    const { log, wants, batchMax, source, now } = this.#options
    const { oldestCursor, newest } = log
    if (this.#read < oldestCursor || this.#read > newest) {
      const cursor = Math.min(oldestCursor, newest)
      this.#queue.push({ before: this.#read, event: deletedEvents({ source, after: this.#read, cursor, now: now() }) })
      this.#read = cursor
    }
    let examined = 0
    for (const event of log.after(this.#read)) {
      if (this.#queue.length >= Math.max(batchMax, bounds.replayEventsAtOnce)) break
      if (examined === bounds.replayEventsPerTurn) break
      examined++
      const { sequence, type } = event
      if (wants(event)) this.#queue.push({ before: this.#read, event: { sequence, type, json: event.json } })
      this.#read = sequence
    }
    // If nothing could be examined, the journal cannot be read now. The next event wakes the pump again.
    return examined > 0 && this.#read < log.newest
  }

  async #run(job: Job): Promise<void> {
    const { signal } = this.#ending
    for (let attempt = 1; !signal.aborted; attempt++) {
      const outcome = await this.#options.deliver({ events: job.events, attempt, signal })
      if (outcome.kind === 'done') {
        this.#recovered()
        this.#delivered += job.events.length
        this.#complete(job)
        return
      }
      if (signal.aborted) return
      this.#failed(outcome.reason, attempt)
      if (this.#isDead(job, attempt, outcome)) {
        const letter = { reason: outcome.reason, attempts: attempt }
        const dead = outcome.isRefused ? await this.#refusedOnes(job, attempt, signal) : job.events
        if (signal.aborted || this.#giveUp(job, dead, letter)) return
      }
      await pause(Math.max(backoffMs(this.#options.retry, attempt), outcome.retryAfterMs ?? 0), signal)
    }
  }

  #isDead({ events }: Job, attempt: number, { isRefused = false }: { readonly isRefused?: boolean }): boolean {
    const { retry, now } = this.#options
    if (isRefused && attempt >= bounds.reactionRefusedMax) return true
    if (retry.attemptsMax !== null && attempt >= retry.attemptsMax) return true
    if (retry.forMs === null) return false
    const isOld = (since: number) => now() - since >= retry.forMs!
    // Events that are younger than the failure wait for their own time.
    return isOld(this.#failing?.since ?? now()) && events.every(({ json }) => isOld(timeOf(json)))
  }

  /** One event of a batch may be the reason for its refusal: each is tried alone. @returns those that fail alone too */
  async #refusedOnes({ events }: Job, attempt: number, signal: AbortSignal): Promise<readonly DeliveredEvent[]> {
    if (events.length === 1) return events
    const refused: DeliveredEvent[] = []
    for (const event of events) {
      const { kind } = await this.#options.deliver({ events: [event], attempt, signal })
      if (kind === 'failed') refused.push(event)
    }
    return refused
  }

  /** @returns false when the events could not be stored: they must not be lost, so delivery goes on */
  #giveUp(job: Job, dead: readonly DeliveredEvent[], letter: DeadLetter): boolean {
    try {
      if (dead.length > 0) this.#options.deadLetter(dead, letter)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#failed(`the dead letter could not be stored: ${reason}`, letter.attempts)
      return false
    }
    this.#deadLetters += dead.length
    this.#delivered += job.events.length - dead.length
    this.#complete(job)
    return true
  }

  #complete(job: Job): void {
    this.#jobs.delete(job)
    this.#persistIfMoved()
    this.wake()
  }

  /** A single failure is not reported: the next attempt comes soon. */
  #failed(reason: string, attempt: number): void {
    const isReported = this.#failing?.isReported === true || attempt >= bounds.reactionFailuresUnreportedMax
    if (isReported && this.#failing?.isReported !== true) this.#options.onFailing(reason)
    this.#failures++
    this.#failing = { since: this.#failing?.since ?? this.#options.now(), reason, isReported }
  }

  #recovered(): void {
    if (this.#failing?.isReported === true) this.#options.onFailing(null)
    this.#failing = null
  }

  #persistIfMoved(): void {
    const { cursor } = this
    if (cursor === this.#persisted) return
    this.#persisted = cursor
    this.#options.persist(cursor)
  }
}

function timeOf(json: Buffer): number {
  const { time }: { time?: string } = JSON.parse(json.toString())
  return time === undefined ? 0 : Date.parse(time)
}
