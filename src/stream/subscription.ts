/** One subscriber to one path: live, or still reading what it missed. */

import { bounds } from '../bounds.ts'
import { cursorText } from '../cursor.ts'
import { isWanted } from '../tree/event-types.ts'
import type { EventLog, LoggedEvent } from './event-log.ts'

/** A connection that events are written to. */
export interface Sink {
  /** Bytes handed over and not yet taken by the kernel. */
  readonly queuedBytes: number
  event(event: LoggedEvent): void
  bookmark(bookmark: Bookmark): void
  /** Calls back once when what is queued has been taken, or the connection is gone. */
  whenDrained(then: () => void): void
  close(code: number, reason: string): void
}

export interface Bookmark {
  readonly cursor: number
  readonly json: Buffer
}

export class Subscription {
  readonly sink: Sink
  readonly path: string
  readonly #log: EventLog
  readonly #types: readonly string[] | null
  /** The last event looked at: an event about several places below the path is offered once for each. */
  #position: number
  #state: 'live' | 'replaying' | 'ended' = 'live'

  constructor(sink: Sink, { log, path, types }: { log: EventLog; path: string; types: readonly string[] | null }) {
    this.sink = sink
    this.path = path
    this.#log = log
    this.#types = types
    this.#position = log.newest
  }

  /** Begins with what came after a cursor, and goes over to live without a gap or a duplicate. */
  replay(after: number): void {
    this.#position = after
    this.#state = 'replaying'
    this.#read()
  }

  offer(event: LoggedEvent): void {
    if (this.#state !== 'live' || event.sequence <= this.#position) return
    this.#position = event.sequence
    if (!this.#wants(event.type)) return
    this.sink.event(event)
    if (this.sink.queuedBytes > bounds.subscriberQueueBytesMax) this.#drop('too slow: its queue is full')
  }

  /** A subscriber still reading old events is not up to date: it gets none. */
  bookmark(bookmark: Bookmark): void {
    if (this.#state === 'live') this.sink.bookmark(bookmark)
  }

  end(): void {
    this.#state = 'ended'
  }

  #read(): void {
    if (this.#state !== 'replaying') return
    if (this.#position < this.#log.oldestCursor) {
      this.#drop('too slow: what it missed is gone')
      return
    }
    let looked = 0
    for (const event of this.#log.after(this.#position)) {
      // A long journal in which little concerns this subscriber keeps nobody else waiting.
      if (looked++ === bounds.replayEventsPerTurn) {
        setImmediate(() => this.#read())
        return
      }
      this.#position = event.sequence
      if (!this.#concerns(event) || !this.#wants(event.type)) continue
      this.sink.event(event)
      if (this.sink.queuedBytes > bounds.replayQueueBytesMax) {
        this.sink.whenDrained(() => this.#read())
        return
      }
    }
    if (this.#position < this.#log.newest) {
      this.#drop('what it missed is gone')
      return
    }
    this.#state = 'live'
  }

  #wants(type: string): boolean {
    return this.#types === null || this.#types.some((wanted) => isWanted(wanted, type))
  }

  #concerns({ isForAll, places }: LoggedEvent): boolean {
    return isForAll || places.some((place) => place === this.path || place.startsWith(`${this.path}/`))
  }

  #drop(reason: string): void {
    this.#state = 'ended'
    this.sink.close(1013, JSON.stringify({ reason, cursor: cursorText(this.#position) }))
  }
}
