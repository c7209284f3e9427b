/** Converts the kernel's clocks to the service's time and to the ticks of `stat`. */

import { clockGettime } from './libc.ts'

const clockMonotonic = 1
const clockThreadCpu = 3
const clockBoottime = 7
const ticksPerSecond = 100 // USER_HZ is 100 wherever Node runs

const time = Buffer.alloc(16)

function nanosecondsOf(clock: number): bigint {
  clockGettime(clock, time)
  return time.readBigInt64LE(0) * 1_000_000_000n + time.readBigInt64LE(8)
}

/** CPU time of the calling thread. getrusage(2) would be accurate only to the last tick. */
export function threadCpuMs(): number {
  return Number(nanosecondsOf(clockThreadCpu)) / 1e6
}

export class Clocks {
  readonly #offset: BigInt64Array
  #sleptNs = 0

  /** @param offset ns from CLOCK_MONOTONIC to the service's time, updated by the main thread */
  constructor(offset: BigInt64Array) {
    this.#offset = offset
    this.adjust()
  }

  /** Call it from time to time: CLOCK_MONOTONIC does not count the time that the machine was suspended. */
  adjust(): void {
    const monotonicNs = nanosecondsOf(clockMonotonic)
    this.#sleptNs = Number(nanosecondsOf(clockBoottime) - monotonicNs)
  }

  /** Converts a time of CLOCK_MONOTONIC to Unix milliseconds, with a fraction. */
  unixMs(monotonicNs: number): number {
    return (monotonicNs + Number(Atomics.load(this.#offset, 0))) / 1e6
  }

  /** Field 22 of `stat` for a process born at that time. */
  startTicks(monotonicNs: number): number {
    return Math.floor((monotonicNs + this.#sleptNs) / (1e9 / ticksPerSecond))
  }

  now(): number {
    return this.unixMs(Number(process.hrtime.bigint()))
  }
}
