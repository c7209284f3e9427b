/** Fires the time-dependent settings of thresholds, `for`, `every` and `ttl`, and ends requests not renewed. */

import type { Kernel } from '../../../kernel/kernel.ts'

interface Parts {
  readonly periodMs: number
  /** ms of Unix time. */
  readonly now: () => number
}

// setTimeout accepts no longer delay.
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
   * Expires what is due and sets a timer for the next. The timer fires one scan period late, so that the readings of
   * that time come first: a value that has returned below its threshold by then did not stay above it.
   */
  check(): void {
    const { now: clock, periodMs } = this.#parts
    const now = clock()
    const { notifier, requests } = this.#kernel
    requests.expire(now)
    if ((notifier.nextAt() ?? Number.POSITIVE_INFINITY) <= now) this.#kernel.update(now, () => notifier.expire(now))
    const next = notifier.nextAt()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (next === null || this.#stopped) return
    const delayMs = Math.min(Math.max(0, next - now) + periodMs, sleepMsMax)
    this.#timer = setTimeout(() => this.check(), delayMs)
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }
}
