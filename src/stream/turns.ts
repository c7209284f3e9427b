/** Those who read on from the journal do so in turns, so much in each turn of the event loop: whoever is live does not wait for them. */

import { bounds } from '../base/bounds.ts'

export interface Reader {
  /** Looks at no more than so many events; adds itself again where there is more. Returns how many it has looked at. */
  read(eventsMax: number): number
}

export class Turns {
  readonly #waiting = new Set<Reader>()
  #soon: NodeJS.Immediate | null = null

  add(reader: Reader): void {
    this.#waiting.add(reader)
    this.#soon ??= setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#soon = null
    let left = bounds.replayEventsPerTurn
    const end = performance.now() + bounds.replayMsPerTurn
    // A set goes through in the order in which they were added: who adds itself again is the last.
    for (const reader of this.#waiting) {
      if (left <= 0 || performance.now() >= end) break
      this.#waiting.delete(reader)
      // Whoever found nothing to read has taken a look all the same.
      left -= Math.max(1, reader.read(Math.min(left, bounds.replayEventsAtOnce)))
    }
    if (this.#waiting.size > 0) this.#soon ??= setImmediate(() => this.#turn())
  }
}
