/**
 * Computes the time between two attempts to connect: exponential backoff with full jitter. The jitter spreads out
 * clients that lost the same service, so that they do not reconnect all at once.
 */

export interface BackoffOptions {
  /** Upper bound of the first wait. It doubles with each failure. */
  readonly firstMs: number
  /** Upper bound of every wait. */
  readonly mostMs: number
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number
}

export class Backoff {
  readonly #options: BackoffOptions
  #failures = 0

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  /** @param minMs wait that the service requests (`Retry-After`); the random time is added to it */
  next(minMs = 0): number {
    const { firstMs, mostMs, random } = this.#options
    const bound = Math.min(mostMs, firstMs * 2 ** this.#failures)
    this.#failures++
    return minMs + Math.floor(random() * bound)
  }

  reset(): void {
    this.#failures = 0
  }
}
