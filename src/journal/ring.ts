/** The recent events in memory, each encoded once as a CloudEvent. The oldest go when there are too many. */

import { cursorText } from '../cursor.ts'
import type { KernelEvent } from '../kernel/events.ts'

export interface RingEvent {
  readonly sequence: number
  readonly type: string
  readonly places: readonly string[]
  readonly json: Buffer
}

export interface RingOptions {
  /** CloudEvents `source`: the node, as in `/net/alpha`. */
  readonly source: string
  /** Sequence of the first event. Without a journal: the start time in µs, so that an old cursor is known to be old. */
  readonly firstSequence: number
  readonly eventsMax: number
  readonly bytesMax: number
}

export class EventRing {
  readonly #options: RingOptions
  #events: RingEvent[] = []
  /** Events at the front of the array that are gone already; the array is cut when they are the greater part. */
  #gone = 0
  #bytes = 0
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

  append({ type, at, subject, about, data }: KernelEvent): RingEvent {
    const sequence = this.#next++
    const id = cursorText(sequence)
    const json = JSON.stringify({
      specversion: '1.0',
      id,
      source: this.#options.source,
      type,
      subject,
      time: new Date(at).toISOString(),
      sequence: id,
      ...(about.length > 0 && { about: about.join(',') }),
      data,
    })
    const event = { sequence, type, places: [subject, ...about], json: Buffer.from(json) }
    this.#events.push(event)
    this.#bytes += event.json.length
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
    const { eventsMax, bytesMax } = this.#options
    while (this.#events.length - this.#gone > eventsMax || this.#bytes > bytesMax) {
      this.#bytes -= this.#events[this.#gone++]!.json.length
    }
    if (this.#gone < 1_024 || this.#gone < this.#events.length / 2) return
    this.#events = this.#events.slice(this.#gone)
    this.#gone = 0
  }
}
