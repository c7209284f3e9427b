/** What comes to thresholds with time alone: `for`, `every` and `ttl`. */

import type { Kernel } from '../../../kernel/kernel.ts'

interface Parts {
  readonly periodMs: number
  /** ms of Unix time. */
  readonly now: () => number
}

// Timers take no longer delays.
const sleepMsMax = 2 ** 31 - 1

export class ThresholdExpiry {
  readonly #kernel: Kernel
  readonly #parts: Parts
  #timer: NodeJS.Timeout | null = null
  #stopped = false

  constructor(kernel: Kernel, parts: Parts) {
    this.#kernel = kernel
    this.#parts = parts
  }

  /**
   * It is told with the readings of that time: what has returned by then has not stayed past. Where none come, as of
   * births and deaths, it is a period late.
   */
  look(): void {
    const { now: clock, periodMs } = this.#parts
    const now = clock()
    const { notifier } = this.#kernel
    if ((notifier.nextAt() ?? Number.POSITIVE_INFINITY) <= now) this.#kernel.update(now, () => notifier.expire(now))
    const next = notifier.nextAt()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (next === null || this.#stopped) return
    const delayMs = Math.min(Math.max(0, next - now) + periodMs, sleepMsMax)
    this.#timer = setTimeout(() => this.look(), delayMs)
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }
}
