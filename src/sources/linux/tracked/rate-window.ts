/** Computes how fast a running total grows, from readings of the last second. */

const windowMs = 1000
// Readings come about every second. One that is slightly younger still counts as a second old.
const oldEnoughMs = 900
const spacingMs = 100
const slots = 12

export class RateWindow {
  readonly #at = new Float64Array(slots)
  readonly #totals = new Float64Array(slots)
  #newest = 0
  #count = 1

  /** Starts with the first known point. Times are ms of a clock that cannot be set. */
  constructor(at: number, total: number) {
    this.#at[0] = at
    this.#totals[0] = total
  }

  add(at: number, total: number): void {
    if (at - this.#at[this.#newest]! < spacingMs) return
    this.#newest = (this.#newest + 1) % slots
    this.#at[this.#newest] = at
    this.#totals[this.#newest] = total
    if (this.#count < slots) this.#count++
  }

  /** Growth in one ms since the newest reading that is a second old; null until there is one. */
  perMs(now: number, total: number): number | null {
    for (let back = 0; back < this.#count; back++) {
      const slot = (this.#newest - back + slots) % slots
      const elapsedMs = now - this.#at[slot]!
      if (elapsedMs >= oldEnoughMs) return Math.max(0, (total - this.#totals[slot]!) / elapsedMs)
    }
    return null
  }

  /** The same for a total that was 0 at the first point, its beginning. Null if it was not, or if that is too old. */
  perMsSinceBirth(total: number): number | null {
    const oldest = (this.#newest - this.#count + 1 + slots) % slots
    return this.#totals[oldest] === 0 ? total / windowMs : null
  }
}
