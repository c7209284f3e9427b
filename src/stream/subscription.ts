/**
 * Sends the events that pass the filters of one subscription, in order and without gaps. A subscription is live, or it
 * is parked. A parked subscription catches up from the journal at the speed of its client. It is parked while it
 * resumes from a cursor, while it sends a snapshot, and when the client was too slow for live events.
 */

import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import { hasWanted, isWanted } from '../tree/event-types.ts'
import type { PathFilter } from '../tree/path-filter.ts'
import type { EventLog, LoggedEvent } from './event-log.ts'
import type { ReplayScheduler } from './replay-scheduler.ts'
import type { Snapshot } from './snapshot.ts'
import type { TypeFilter } from './subscription-request.ts'

/** Sends the events of one subscription to its client. */
export interface Sink {
  /** Bytes that were sent and not yet accepted by the operating system. */
  readonly queuedBytes: number
  event(event: LoggedEvent): void
  /** Sends a `snapshot.node` event. */
  node(json: Buffer): void
  /** Sends the end of the snapshot, with the cursor that it is consistent with. */
  snapshotEnded(cursor: number): void
  /** Calls back once, when the queued bytes have been accepted or the connection has ended. */
  whenDrained(then: () => void): void
  close(code: number, reason: string): void
}

export interface SubscriptionParts {
  readonly log: EventLog
  readonly replay: ReplayScheduler
  readonly filter: PathFilter
  readonly types: TypeFilter
}

export class Subscription {
  readonly filter: PathFilter
  readonly #sink: Sink
  readonly #parts: SubscriptionParts
  /** Caches the result of the type filter. There are few types, and the filter runs for every event. */
  readonly #typeMatches = new Map<string, boolean>()
  /** Sequence of the last event examined. An event with several pathnames below the root is offered once for each. */
  #position: number
  #snapshot: Snapshot | null = null
  /** Captures the snapshot that the subscription starts with; null if there is none, or after it was captured. */
  #capture: (() => Snapshot) | null = null
  /** Two states are parked: `reading` from the journal, and `draining` until the client has taken the queued bytes. */
  #state: 'live' | 'reading' | 'draining' | 'ended' = 'live'

  /** A new subscription is live, and starts after the newest event. */
  constructor(sink: Sink, parts: SubscriptionParts) {
    this.filter = parts.filter
    this.#sink = sink
    this.#parts = parts
    this.#position = parts.log.newest
  }

  /** Every event up to and including this sequence has been sent; null while a snapshot is being sent. */
  get cursor(): number | null {
    if (this.#snapshot !== null || this.#capture !== null) return null
    return this.#state === 'live' ? this.#parts.log.newest : this.#position
  }

  get isLive(): boolean {
    return this.#state === 'live'
  }

  /** Sends the events after a cursor, then goes live without a gap or a duplicate. */
  resume(after: number): void {
    this.#position = after
    this.#readSoon()
  }

  /** Sends a snapshot, which is captured when its turn comes, then the events after it. */
  startWithSnapshot(capture: () => Snapshot): void {
    this.#capture = capture
    this.#readSoon()
  }

  /**
   * Sends a live event if it passes the filters. Preconditions: a path is at or below the root of the filter, or the
   * event is for all.
   */
  offer(event: LoggedEvent): void {
    if (this.#state !== 'live' || event.sequence <= this.#position) return
    this.#position = event.sequence
    if (!this.#matchesType(event) || !(this.filter.isPlain || this.#matchesPath(event))) return
    this.#sink.event(event)
    if (this.#sink.queuedBytes > bounds.subscriberQueueBytesMax) this.#drain()
  }

  /** Called by the replay scheduler. Returns the number of events or snapshot nodes read. */
  read(eventsMax: number): number {
    if (this.#state !== 'reading') return 0
    if (this.#capture !== null) {
      this.#snapshot = this.#capture()
      this.#capture = null
      this.#position = this.#parts.log.newest
      this.#readSoon()
      // Capturing a snapshot counts as the work of a whole turn.
      return eventsMax
    }
    if (this.#snapshot !== null) return this.#readSnapshot(this.#snapshot, eventsMax)
    const { log } = this.#parts
    if (this.#position < log.oldestCursor) {
      this.#drop('the client was too slow: its next event is no longer stored')
      return 0
    }
    let examined = 0
    for (const event of log.after(this.#position)) {
      if (examined === eventsMax) {
        this.#readSoon()
        return examined
      }
      examined++
      this.#position = event.sequence
      if (!this.#matchesType(event) || !this.#matchesPath(event)) continue
      this.#sink.event(event)
      if (this.#sink.queuedBytes > bounds.replayQueueBytesMax) {
        this.#drain()
        return examined
      }
    }
    if (this.#position < log.newest) this.#drop('the next event is no longer stored')
    else this.#state = 'live'
    return examined
  }

  end(): void {
    this.#state = 'ended'
    this.#snapshot?.release()
    this.#snapshot = null
    this.#capture = null
  }

  #readSnapshot(snapshot: Snapshot, nodesMax: number): number {
    for (let sent = 0; sent < nodesMax; sent++) {
      const json = snapshot.next()
      if (json === null) {
        snapshot.release()
        this.#snapshot = null
        this.#sink.snapshotEnded(this.#position)
        this.#readSoon()
        return sent
      }
      this.#sink.node(json)
      if (this.#sink.queuedBytes > bounds.replayQueueBytesMax) {
        this.#drain()
        return sent + 1
      }
    }
    this.#readSoon()
    return nodesMax
  }

  #readSoon(): void {
    this.#state = 'reading'
    this.#parts.replay.add(this)
  }

  #drain(): void {
    this.#state = 'draining'
    this.#sink.whenDrained(() => {
      if (this.#state === 'draining') this.#readSoon()
    })
  }

  #matchesType({ type, standsFor }: LoggedEvent): boolean {
    const { types } = this.#parts
    if (types === null) return true
    if (standsFor !== undefined) return hasWanted(types, [type, ...standsFor])
    const known = this.#typeMatches.get(type)
    if (known !== undefined) return known
    const matches = types.some((wanted) => isWanted(wanted, type))
    this.#typeMatches.set(type, matches)
    return matches
  }

  #matchesPath({ isForAll, places }: LoggedEvent): boolean {
    return isForAll || this.filter.concerns(places)
  }

  /** Closes the connection with the cursor after which the client can subscribe again. */
  #drop(reason: string): void {
    this.#sink.close(1013, JSON.stringify({ reason, cursor: cursorText(this.#position) }))
    this.end()
  }
}
