/** Parses `/proc/P/task/T/schedstat`: how often and how long a thread ran. */

import { DecimalReader } from './decimal-reader.ts'

/** Values of `/proc/P/task/T/schedstat`. */
export interface Schedstat {
  runNs: number
  waitNs: number
  timesRun: number
}

export function emptySchedstat(): Schedstat {
  return { runNs: 0, waitNs: 0, timesRun: 0 }
}

const numbers = new DecimalReader()

// More than a century. The counters of some kernels fall below zero, and are then near 2^64.
const runNsMax = 2 ** 62

/** Fills `into`; returns false if the bytes are not a whole `schedstat`, or if no thread can have run for so long. */
export function parseSchedstat(bytes: Uint8Array, length: number, into: Schedstat): boolean {
  numbers.start(bytes, 0, length)
  into.runNs = numbers.next()
  into.waitNs = numbers.next()
  into.timesRun = numbers.next()
  return into.runNs >= 0 && into.runNs <= runNsMax && into.timesRun >= 0
}
