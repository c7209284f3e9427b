/** Turns the readings of one running total into a rate a second. */

import { RateWindow } from './rate-window.ts'

export class Rate {
  #total = 0
  #window: RateWindow | null = null

  /** @param at ms of a clock that cannot be set. A total that fell is that of another file, and starts again. */
  note(at: number, total: number): void {
    if (this.#window === null || total < this.#total) this.#window = new RateWindow(at, total)
    this.#total = total
  }

  /** With the total of the last reading, which still holds. Null until there are readings of a second. */
  perSecond(at: number): number | null {
    const perMs = this.#window?.perMs(at, this.#total) ?? null
    this.#window?.add(at, this.#total)
    return perMs === null ? null : Math.round(perMs * 1000)
  }

  forget(): void {
    this.#window = null
  }
}
