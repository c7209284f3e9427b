/**
 * The service's own time: that of the wall clock, except that it never runs backwards. Where the wall clock was set back it goes
 * on from where it was, at nine tenths of the pace, until the two agree; where that was set forward it follows at once. So
 * whatever counts time goes on counting, and orders by time hold, whatever is done to the wall clock.
 */

import { bounds } from '../base/bounds.ts'

export interface ClockListener {
  /** The wall clock was set by so many ms: below 0 back. */
  readonly onSet: (ms: number) => void
  /** The two agree again. */
  readonly onAgreed: () => void
}

interface Clocks {
  /** ms of Unix time, which somebody may set. */
  readonly wall: () => number
  /** ns of a clock that nobody sets. */
  readonly monotonic: () => bigint
}

const msNs = 1_000_000n
/** The wall clock is read in whole ms, and not at the very same moment: less is no difference. */
const agreedNs = 5n * msNs
/** Between the two readings of it the thread was put off the CPU: what was read is not of one moment. */
const momentNs = msNs
const slowing = 10n

export class ServiceClock {
  /** ns between the two clocks, by which the workers, too, make Unix time of CLOCK_MONOTONIC. */
  readonly offset = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT))
  readonly #clocks: Clocks
  #lookedNs: bigint
  #forwardNs = 0n
  #isTold = false
  #news: ClockListener = { onSet: () => {}, onAgreed: () => {} }
  #timer: NodeJS.Timeout | null = null

  constructor(clocks: Clocks = { wall: Date.now, monotonic: process.hrtime.bigint }) {
    this.#clocks = clocks
    this.#lookedNs = clocks.monotonic()
    this.#put(BigInt(clocks.wall()) * msNs - this.#lookedNs)
  }

  /** Whole ms of Unix time. */
  now(): number {
    const { wall, monotonic } = this.#clocks
    const before = monotonic()
    const wallNs = BigInt(wall()) * msNs
    const now = monotonic()
    if (now - before < momentNs) this.#follow(wallNs - before, now)
    return Number((now + this.#offsetNs) / msNs)
  }

  /** By how much it is ahead of the wall clock, in ms. */
  get aheadMs(): number {
    const { wall, monotonic } = this.#clocks
    return Math.max(0, Number((monotonic() + this.#offsetNs) / msNs) - wall())
  }

  /** It was told that the wall clock was set, and not yet that they agree. */
  get isSet(): boolean {
    return this.#isTold
  }

  start(news: ClockListener): void {
    this.#news = news
    this.#timer = setInterval(() => this.look(), bounds.clockLookEveryMs).unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** As the timer does. */
  look(): void {
    this.now()
    const forward = Number(this.#forwardNs / msNs)
    const { aheadMs } = this
    this.#forwardNs = 0n
    if (forward >= bounds.clockStepMs) this.#tell(forward)
    else if (aheadMs >= bounds.clockStepMs && !this.#isTold) this.#tell(-aheadMs)
    else if (this.#isTold && aheadMs < bounds.clockStepMs / 10) {
      this.#isTold = false
      this.#news.onAgreed()
    }
  }

  #tell(ms: number): void {
    this.#isTold = true
    this.#news.onSet(ms)
  }

  get #offsetNs(): bigint {
    return Atomics.load(this.offset, 0)
  }

  #put(offsetNs: bigint): void {
    Atomics.store(this.offset, 0, offsetNs)
  }

  #follow(measuredNs: bigint, now: bigint): void {
    const aheadNs = this.#offsetNs - measuredNs
    const mostNs = (now - this.#lookedNs) / slowing
    this.#lookedNs = now
    if (aheadNs < 0n) {
      this.#forwardNs -= aheadNs
      this.#put(measuredNs)
    } else if (aheadNs > agreedNs) this.#put(this.#offsetNs - (aheadNs < mostNs ? aheadNs : mostNs))
  }
}
