/** Generates pseudorandom numbers, the same on every machine: Mulberry32, which has one 32-bit word of state. */

export const seedMax = 2 ** 32 - 1

export class Random {
  #state: number

  /** @param seed 0 to 4,294,967,295 */
  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** @returns an integer from low to high, both included. Preconditions: low <= high, and high - low < 2^32. */
  between(low: number, high: number): number {
    return low + Math.floor((this.#word() / 2 ** 32) * (high - low + 1))
  }

  #word(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let word = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return (word ^ (word >>> 14)) >>> 0
  }
}
