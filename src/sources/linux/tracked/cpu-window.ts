/** Computes the share of one CPU that a thread used over about the last second, from readings of its CPU time. */

const windowMs = 1000
// Readings come about every second. One that is slightly younger still counts as a second old.
const oldEnoughMs = 900
const spacingMs = 100
const slots = 12

export class CpuWindow {
  readonly #at = new Float64Array(slots)
  readonly #usedNs = new Float64Array(slots)
  #newest = 0
  #count = 1

  /** Starts with the first known point: the thread's birth with 0 ns used, or the first reading. */
  constructor(at: number, usedNs: number) {
    this.#at[0] = at
    this.#usedNs[0] = usedNs
  }

  add(at: number, usedNs: number): void {
    if (at - this.#at[this.#newest]! < spacingMs) return
    this.#newest = (this.#newest + 1) % slots
    this.#at[this.#newest] = at
    this.#usedNs[this.#newest] = usedNs
    if (this.#count < slots) this.#count++
  }

  /** Permille of one CPU; null until enough readings are known. */
  permille(now: number, usedNs: number): number | null {
    for (let back = 0; back < this.#count; back++) {
      const slot = (this.#newest - back + slots) % slots
      const elapsedMs = now - this.#at[slot]!
      if (elapsedMs >= oldEnoughMs) return Math.max(0, Math.round((usedNs - this.#usedNs[slot]!) / elapsedMs / 1000))
    }
    const oldest = (this.#newest - this.#count + 1 + slots) % slots
    // The thread was born within the last second, so all its CPU time counts.
    return this.#usedNs[oldest] === 0 ? Math.round(usedNs / windowMs / 1000) : null
  }
}
