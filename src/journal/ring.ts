/**
 * The recent events in memory. Each is encoded as a CloudEvent once, when the first who wants it asks: with nobody
 * listening, a storm of births and deaths costs little more than being counted. The oldest go when there are too many.
 */

import { cursorText } from '../base/cursor.ts'
import { isForAll, type KernelEvent } from '../kernel/events.ts'

export class RingEvent {
  readonly sequence: number
  readonly #source: string
  readonly #event: KernelEvent
  #json: Buffer | null = null

  constructor(sequence: number, source: string, event: KernelEvent) {
    this.sequence = sequence
    this.#source = source
    this.#event = event
  }

  get type(): string {
    return this.#event.type
  }

  get isForAll(): boolean {
    return isForAll(this.#event.type)
  }

  get places(): readonly string[] {
    return [this.#event.subject, ...this.#event.about]
  }

  get json(): Buffer {
    this.#json ??= Buffer.from(encode(this.sequence, this.#source, this.#event))
    return this.#json
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
  /** Sequence of the first event. Without a journal: the start time in µs, so that an old cursor is known to be old. */
  readonly firstSequence: number
  readonly eventsMax: number
}

export class EventRing {
  readonly #options: RingOptions
  #events: RingEvent[] = []
  /** Events at the front of the array that are gone already; it is cut when they are the greater part. */
  #gone = 0
  #next: number

  constructor(options: RingOptions) {
    this.#options = options
    this.#next = options.firstSequence
  }

  get newest(): number {
    return this.#next - 1
  }

  get oldestCursor(): number {
    return this.#next - 1 - (this.#events.length - this.#gone)
  }

  append(news: KernelEvent): RingEvent {
    const event = new RingEvent(this.#next++, this.#options.source, news)
    this.#events.push(event)
    this.#forget()
    return event
  }

  *after(sequence: number): Generator<RingEvent> {
    // Looked up anew each time: the ring goes on while a slow reader reads.
    for (let wanted = sequence + 1; wanted < this.#next; wanted++) {
      const event = this.#events[this.#gone + (wanted - this.oldestCursor - 1)]
      if (event === undefined || wanted <= this.oldestCursor) return
      yield event
    }
  }

  #forget(): void {
    if (this.#events.length - this.#gone > this.#options.eventsMax) this.#gone++
    if (this.#gone < 1_024 || this.#gone < this.#events.length / 2) return
    this.#events = this.#events.slice(this.#gone)
    this.#gone = 0
  }
}
