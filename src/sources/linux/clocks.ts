/** Translates the kernel's clocks to Unix time and to the ticks of `stat`. */

import { clockGettime } from './libc.ts'

const clockMonotonic = 1
const clockThreadCpu = 3
const clockBoottime = 7
const ticksPerSecond = 100 // USER_HZ is 100 wherever Node runs
const stepMs = 5

const time = Buffer.alloc(16)

const nanosecondsOf = (clock: number): bigint => {
  clockGettime(clock, time)
  return time.readBigInt64LE(0) * 1_000_000_000n + time.readBigInt64LE(8)
}

/** The CPU time of the calling thread. getrusage would know it only as of the last tick. */
export const threadCpuMs = (): number => Number(nanosecondsOf(clockThreadCpu)) / 1e6

export class Clocks {
  private offsetMs = Number.NEGATIVE_INFINITY
  private sleptNs = 0

  constructor() {
    this.adjust()
  }

  /** To be called now and then: Unix time may be set, and a machine that slept is older than CLOCK_MONOTONIC says. */
  adjust(): void {
    const monotonicNs = nanosecondsOf(clockMonotonic)
    const offset = Date.now() - Number(monotonicNs) / 1e6
    // Date.now() cuts the fraction off, so the largest of many offsets is the best, until the clock is set.
    if (offset > this.offsetMs || this.offsetMs - offset > stepMs) this.offsetMs = offset
    this.sleptNs = Number(nanosecondsOf(clockBoottime) - monotonicNs)
  }

  /** Unix milliseconds, with a fraction, of a time of CLOCK_MONOTONIC. */
  unixMs(monotonicNs: number): number {
    return monotonicNs / 1e6 + this.offsetMs
  }

  /** What field 22 of `stat` says of a process born at that time. */
  startTicks(monotonicNs: number): number {
    return Math.floor((monotonicNs + this.sleptNs) / (1e9 / ticksPerSecond))
  }

  now(): number {
    return this.unixMs(Number(process.hrtime.bigint()))
  }
}
