/**
 * The clock of the service: the wall clock, but it never runs backwards. When the wall clock is set back, this clock
 * continues at nine tenths of the pace until the two agree. When the wall clock is set forward, this clock follows at
 * once. So timers continue to expire, and events stay in the order of their times.
 */

import { bounds } from '../base/bounds.ts'

export interface ClockListener {
  /** The wall clock was set by so many ms; below 0, back. */
  readonly onSet: (ms: number) => void
  /** The two clocks agree again. */
  readonly onAgreed: () => void
}

interface Clocks {
  /** ms of Unix time. It may be set at any time. */
  readonly wall: () => number
  /** ns of a clock that cannot be set. */
  readonly monotonic: () => bigint
}

const msNs = 1_000_000n
/** A smaller difference is ignored: the wall clock is read in whole ms, and not at exactly the same moment. */
const agreedNs = 5n * msNs
/** A longer time between two readings means that the thread lost the CPU, and the readings cannot be compared. */
const momentNs = msNs
const slowing = 10n

export class ServiceClock {
  /** ns between the two clocks. The workers also use it to compute Unix time from CLOCK_MONOTONIC. */
  readonly offset = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT))
  readonly #clocks: Clocks
  #lookedNs: bigint
  #forwardNs = 0n
  #isReported = false
  #listener: ClockListener = { onSet: () => {}, onAgreed: () => {} }
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

  /** Difference between this clock and the wall clock, in ms; 0 if this clock is not ahead. */
  get aheadMs(): number {
    const { wall, monotonic } = this.#clocks
    return Math.max(0, Number((monotonic() + this.#offsetNs) / msNs) - wall())
  }

  /** True from `onSet` until `onAgreed`. */
  get isSet(): boolean {
    return this.#isReported
  }

  start(listener: ClockListener): void {
    this.#listener = listener
    this.#timer = setInterval(() => this.look(), bounds.clockLookEveryMs).unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** Called by the timer, and by tests. */
  look(): void {
    this.now()
    const forward = Number(this.#forwardNs / msNs)
    const { aheadMs } = this
    this.#forwardNs = 0n
    if (forward >= bounds.clockStepMs) this.#report(forward)
    else if (aheadMs >= bounds.clockStepMs && !this.#isReported) this.#report(-aheadMs)
    else if (this.#isReported && aheadMs < bounds.clockStepMs / 10) {
      this.#isReported = false
      this.#listener.onAgreed()
    }
  }

  #report(ms: number): void {
    this.#isReported = true
    this.#listener.onSet(ms)
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
