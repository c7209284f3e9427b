/**
 * Detects a blocked event loop, during which no event is sent and no request answered. A timer that comes late shows it
 * afterwards. Causes are a long piece of work, a stopped process, or a machine without free CPU.
 */

import { bounds } from '../base/bounds.ts'

export interface EventLoopListener {
  /** The event loop turns again, after it was blocked for so many ms. */
  readonly onBlocked: (ms: number) => void
  /** The event loop has not been blocked for a while. */
  readonly onCalm: () => void
}

export class EventLoopMonitor {
  readonly #now: () => number
  #listener: EventLoopListener = { onBlocked: () => {}, onCalm: () => {} }
  #timer: NodeJS.Timeout | null = null
  #looked: number
  #blockedAt: number | null = null

  /** `now` is ms of a monotonic clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#looked = now()
  }

  start(listener: EventLoopListener): void {
    this.#listener = listener
    this.#looked = this.#now()
    this.#timer = setInterval(() => this.look(), bounds.loopLookEveryMs).unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** True from a blocking until `onCalm`. */
  get isBlocked(): boolean {
    return this.#blockedAt !== null
  }

  /** Called by the timer, and by tests. */
  look(): void {
    const now = this.#now()
    const late = now - this.#looked - bounds.loopLookEveryMs
    this.#looked = now
    if (late >= bounds.loopBlockedMs) {
      this.#blockedAt = now
      this.#listener.onBlocked(late)
    } else if (this.#blockedAt !== null && now - this.#blockedAt >= bounds.loopCalmMs) {
      this.#blockedAt = null
      this.#listener.onCalm()
    }
  }
}
