/**
 * Holds the recent events in memory. Each is encoded as a CloudEvent once, when the first reader needs it, so that
 * without readers a storm of births and deaths costs little. The oldest events are dropped when there are too many.
 */

import { cursorText } from '../base/cursor.ts'
import { isForAll, type KernelEvent } from '../kernel/events.ts'

export class RingEvent {
  readonly sequence: number
  readonly type: string
  /** ms of Unix time, or of a virtual clock. */
  readonly at: number
  readonly places: readonly string[]
  readonly #source: string
  /** Null once it is encoded: thousands of events are cached, and their data take much more memory than the bytes. */
  #event: KernelEvent | null
  #json: Buffer | null = null

  constructor(sequence: number, source: string, event: KernelEvent) {
    this.sequence = sequence
    this.#source = source
    this.#event = event
    this.type = event.type
    this.at = event.at
    this.places = [event.subject, ...event.about]
  }

  get isForAll(): boolean {
    return isForAll(this.type)
  }

  get json(): Buffer {
    if (this.#event !== null) {
      this.#json = Buffer.from(encode(this.sequence, this.#source, this.#event))
      this.#event = null
    }
    return this.#json!
  }
}

function encode(sequence: number, source: string, { type, at, subject, about, data }: KernelEvent): string {
  const id = cursorText(sequence)
  return JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type,
    subject,
    time: new Date(at).toISOString(),
    sequence: id,
    ...(about.length > 0 && { about: about.join(',') }),
    data,
  })
}

export interface RingOptions {
  /** CloudEvents `source`: the node, as in `/net/alpha`. */
  readonly source: string
  /** Sequence of the first event. */
  readonly firstSequence: number
  readonly eventsMax: number
}

export class EventRing {
  readonly #options: RingOptions
  #events: RingEvent[] = []
  /** Number of dropped events at the front of the array. They are cut off when they are the greater part. */
  #dropped = 0
  #next: number

  constructor(options: RingOptions) {
    this.#options = options
    this.#next = options.firstSequence
  }

  get newest(): number {
    return this.#next - 1
  }

  get oldestCursor(): number {
    return this.#next - 1 - (this.#events.length - this.#dropped)
  }

  /** Time of the oldest event; null if there is none. */
  get oldestAt(): number | null {
    return this.#events[this.#dropped]?.at ?? null
  }

  append(kernelEvent: KernelEvent): RingEvent {
    const event = new RingEvent(this.#next++, this.#options.source, kernelEvent)
    this.#events.push(event)
    this.shrink(this.#options.eventsMax)
    return event
  }

  *after(sequence: number): Generator<RingEvent> {
    // Each event is looked up when it is needed: the ring moves on while a slow reader reads.
    for (let wanted = sequence + 1; wanted < this.#next; wanted++) {
      const event = this.#events[this.#dropped + (wanted - this.oldestCursor - 1)]
      if (event === undefined || wanted <= this.oldestCursor) return
      yield event
    }
  }

  /** Drops the oldest events, so that at most so many are left. */
  shrink(eventsMax: number): void {
    this.#dropped += Math.max(0, this.#events.length - this.#dropped - eventsMax)
    if (this.#dropped < 1_024 || this.#dropped < this.#events.length / 2) return
    this.#events = this.#events.slice(this.#dropped)
    this.#dropped = 0
  }
}
