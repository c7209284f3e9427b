/** Converts the kernel's clocks to the service's time and to the ticks of `stat`. */

import { readFileSync } from 'node:fs'
import { clockGettime } from './libc.ts'

const clockMonotonic = 1
const clockThreadCpu = 3
const clockBoottime = 7
const ticksPerSecond = 100 // USER_HZ is 100 wherever Node runs

const offsetsFile = '/proc/self/timens_offsets'

const time = Buffer.alloc(16)

function nanosecondsOf(clock: number): bigint {
  clockGettime(clock, time)
  return time.readBigInt64LE(0) * 1_000_000_000n + time.readBigInt64LE(8)
}

/** CPU time of the calling thread. getrusage(2) would be accurate only to the last tick. */
export function threadCpuMs(): number {
  return Number(nanosecondsOf(clockThreadCpu)) / 1e6
}

/**
 * Time since boot in ticks of `stat`. It is the clock of the start times there, while a container may replace
 * /proc/uptime by the age of the container (LXCFS).
 */
export function bootAgeTicks(): number {
  return Number(nanosecondsOf(clockBoottime)) / (1e9 / ticksPerSecond)
}

/**
 * ns by which CLOCK_MONOTONIC of this time namespace is ahead of the machine's own, which the kernel's events use.
 * Kernels before 5.6 have no time namespaces.
 */
function readNamespaceOffset(): number {
  try {
    const [, seconds, nanoseconds] = /^monotonic\s+(-?\d+)\s+(\d+)/m.exec(readFileSync(offsetsFile, 'latin1')) ?? []
    return seconds === undefined ? 0 : Number(seconds) * 1e9 + Number(nanoseconds)
  } catch {
    return 0 // no time namespaces
  }
}

export class Clocks {
  /** A process stays in its time namespace. */
  readonly #namespaceNs = readNamespaceOffset()
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

  /** Converts a time of an event of the kernel to Unix milliseconds, with a fraction. */
  unixMs(kernelNs: number): number {
    return this.#unixMs(kernelNs + this.#namespaceNs)
  }

  #unixMs(monotonicNs: number): number {
    return (monotonicNs + Number(Atomics.load(this.#offset, 0))) / 1e6
  }

  /** Field 22 of `stat` for a process born at that time of an event of the kernel. */
  startTicks(kernelNs: number): number {
    return Math.floor((kernelNs + this.#namespaceNs + this.#sleptNs) / (1e9 / ticksPerSecond))
  }

  /** ms since boot, with a fraction. No clock setting changes it. */
  bootMs(): number {
    return (Number(process.hrtime.bigint()) + this.#sleptNs) / 1e6
  }

  now(): number {
    return this.#unixMs(Number(process.hrtime.bigint()))
  }
}
