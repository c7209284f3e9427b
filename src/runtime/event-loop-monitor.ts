/**
 * Whether the event loop turns: while it does not, nobody is told or answered anything. Seen afterwards, by a timer that
 * comes late: a stretch of work that was too long, a process that was stopped, or a machine with no CPU to spare.
 */

import { bounds } from '../base/bounds.ts'

export interface EventLoopListener {
  /** It turns again, and had not for so many ms. */
  readonly onBlocked: (ms: number) => void
  /** It has turned freely for a while since. */
  readonly onCalm: () => void
}

export class EventLoopMonitor {
  readonly #now: () => number
  #news: EventLoopListener = { onBlocked: () => {}, onCalm: () => {} }
  #timer: NodeJS.Timeout | null = null
  #looked: number
  #blockedAt: number | null = null

  /** `now` is ms of a clock that nobody sets. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#looked = now()
  }

  start(news: EventLoopListener): void {
    this.#news = news
    this.#looked = this.#now()
    this.#timer = setInterval(() => this.look(), bounds.loopLookEveryMs).unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** It was blocked not long ago. */
  get isBlocked(): boolean {
    return this.#blockedAt !== null
  }

  /** As the timer does. */
  look(): void {
    const now = this.#now()
    const late = now - this.#looked - bounds.loopLookEveryMs
    this.#looked = now
    if (late >= bounds.loopBlockedMs) {
      this.#blockedAt = now
      this.#news.onBlocked(late)
    } else if (this.#blockedAt !== null && now - this.#blockedAt >= bounds.loopCalmMs) {
      this.#blockedAt = null
      this.#news.onCalm()
    }
  }
}
