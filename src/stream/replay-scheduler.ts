/**
 * Shares the event loop among subscriptions that read old events. They take turns, and the work in one turn of the
 * event loop is bounded, so that live subscribers do not wait for them.
 */

import { bounds } from '../base/bounds.ts'

export interface Reader {
  /**
   * Reads at most `eventsMax` events, and adds itself to the scheduler again if there are more. Returns the number
   * read.
   */
  read(eventsMax: number): number
}

export class ReplayScheduler {
  readonly #waiting = new Set<Reader>()
  #next: NodeJS.Immediate | null = null

  add(reader: Reader): void {
    this.#waiting.add(reader)
    this.#next ??= setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#next = null
    let left = bounds.replayEventsPerTurn
    const end = performance.now() + bounds.replayMsPerTurn
    // A set iterates in insertion order. A reader that adds itself again goes to the end.
    for (const reader of this.#waiting) {
      if (left <= 0 || performance.now() >= end) break
      this.#waiting.delete(reader)
      // A read that finds nothing costs something too: it counts as one event.
      left -= Math.max(1, reader.read(Math.min(left, bounds.replayEventsAtOnce)))
    }
    if (this.#waiting.size > 0) this.#next ??= setImmediate(() => this.#turn())
  }
}
