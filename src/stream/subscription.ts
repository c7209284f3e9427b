/**
 * One subscriber to what a filter lets through. It is live, or it reads on from the journal at its own speed: because it resumes, because it
 * begins with a snapshot, or because it was too slow for live events and has been parked.
 */

import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import { isWanted } from '../tree/event-types.ts'
import type { PathFilter } from '../tree/path-filter.ts'
import type { EventLog, LoggedEvent } from './event-log.ts'
import type { Snapshot } from './snapshot.ts'
import type { TypeFilter } from './subscription-request.ts'
import type { Turns } from './turns.ts'

/** What carries the events of one subscription to its client. */
export interface Sink {
  /** Bytes handed over and not yet taken by the kernel. */
  readonly queuedBytes: number
  event(event: LoggedEvent): void
  /** A `snapshot.node` event. */
  node(json: Buffer): void
  /** The snapshot has ended, and was of this cursor. */
  snapshotEnded(cursor: number): void
  /** Calls back once when what is queued has been taken, or the connection is gone. */
  whenDrained(then: () => void): void
  close(code: number, reason: string): void
}

export interface SubscriptionParts {
  readonly log: EventLog
  readonly turns: Turns
  readonly filter: PathFilter
  readonly types: TypeFilter
}

export class Subscription {
  readonly filter: PathFilter
  readonly #sink: Sink
  readonly #parts: SubscriptionParts
  /** By type: there are few, and they are asked for with every event. */
  readonly #wanted = new Map<string, boolean>()
  /** The last event looked at: an event about several places below the path is offered once for each. */
  #position: number
  #snapshot: Snapshot | null = null
  /** It begins with a snapshot that has not been taken yet. */
  #take: (() => Snapshot) | null = null
  /** `waiting`: until what is queued has been taken. */
  #state: 'live' | 'reading' | 'waiting' | 'ended' = 'live'

  /** It is live, and has everything up to the newest event. */
  constructor(sink: Sink, parts: SubscriptionParts) {
    this.filter = parts.filter
    this.#sink = sink
    this.#parts = parts
    this.#position = parts.log.newest
  }

  /** Everything up to it has been sent; null where a snapshot is still on its way. */
  get cursor(): number | null {
    if (this.#snapshot !== null || this.#take !== null) return null
    return this.#state === 'live' ? this.#parts.log.newest : this.#position
  }

  get isLive(): boolean {
    return this.#state === 'live'
  }

  /** Begins with what came after a cursor, and goes over to live without a gap or a duplicate. */
  resume(after: number): void {
    this.#position = after
    this.#readSoon()
  }

  /** Begins with a snapshot, which is taken when it is its turn, and goes on with what came after that. */
  begin(take: () => Snapshot): void {
    this.#take = take
    this.#readSoon()
  }

  /** Preconditions: it concerns the root of the filter, or everybody. */
  offer(event: LoggedEvent): void {
    if (this.#state !== 'live' || event.sequence <= this.#position) return
    this.#position = event.sequence
    if (!this.#wants(event) || !(this.filter.isPlain || this.#concerns(event))) return
    this.#sink.event(event)
    if (this.#sink.queuedBytes > bounds.subscriberQueueBytesMax) this.#wait()
  }

  read(eventsMax: number): number {
    if (this.#state !== 'reading') return 0
    if (this.#take !== null) {
      this.#snapshot = this.#take()
      this.#take = null
      this.#position = this.#parts.log.newest
      this.#readSoon()
      // To take one is as much as all that one has a turn for.
      return eventsMax
    }
    if (this.#snapshot !== null) return this.#readSnapshot(this.#snapshot, eventsMax)
    const { log } = this.#parts
    if (this.#position < log.oldestCursor) {
      this.#drop('too slow: what it missed is gone')
      return 0
    }
    let looked = 0
    for (const event of log.after(this.#position)) {
      if (looked === eventsMax) {
        this.#readSoon()
        return looked
      }
      looked++
      this.#position = event.sequence
      if (!this.#wants(event) || !this.#concerns(event)) continue
      this.#sink.event(event)
      if (this.#sink.queuedBytes > bounds.replayQueueBytesMax) {
        this.#wait()
        return looked
      }
    }
    if (this.#position < log.newest) this.#drop('what it missed is gone')
    else this.#state = 'live'
    return looked
  }

  end(): void {
    this.#state = 'ended'
    this.#snapshot?.release()
    this.#snapshot = null
    this.#take = null
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
        this.#wait()
        return sent + 1
      }
    }
    this.#readSoon()
    return nodesMax
  }

  #readSoon(): void {
    this.#state = 'reading'
    this.#parts.turns.add(this)
  }

  #wait(): void {
    this.#state = 'waiting'
    this.#sink.whenDrained(() => {
      if (this.#state === 'waiting') this.#readSoon()
    })
  }

  #wants({ type }: LoggedEvent): boolean {
    const { types } = this.#parts
    if (types === null) return true
    const known = this.#wanted.get(type)
    if (known !== undefined) return known
    const wants = types.some((wanted) => isWanted(wanted, type))
    this.#wanted.set(type, wants)
    return wants
  }

  #concerns({ isForAll, places }: LoggedEvent): boolean {
    return isForAll || this.filter.concerns(places)
  }

  #drop(reason: string): void {
    this.#sink.close(1013, JSON.stringify({ reason, cursor: cursorText(this.#position) }))
    this.end()
  }
}
