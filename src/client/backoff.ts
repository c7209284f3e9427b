/** How long to wait before trying again: full jitter, so that those who lost one service do not come back all at once. */

export interface BackoffOptions {
  /** Bound of the first wait; it doubles with each. */
  readonly firstMs: number
  readonly mostMs: number
  /** From 0 up to 1. */
  readonly random: () => number
}

export class Backoff {
  readonly #options: BackoffOptions
  #failures = 0

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  /** @param leastMs that the service asks for; what is random comes on top of it */
  next(leastMs = 0): number {
    const { firstMs, mostMs, random } = this.#options
    const bound = Math.min(mostMs, firstMs * 2 ** this.#failures)
    this.#failures++
    return leastMs + Math.floor(random() * bound)
  }

  reset(): void {
    this.#failures = 0
  }
}
