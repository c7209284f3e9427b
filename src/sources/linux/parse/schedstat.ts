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

/** Fills `into`; returns false if the bytes are not a whole `schedstat`. */
export function parseSchedstat(bytes: Uint8Array, length: number, into: Schedstat): boolean {
  numbers.start(bytes, 0, length)
  into.runNs = numbers.next()
  into.waitNs = numbers.next()
  into.timesRun = numbers.next()
  return !Number.isNaN(into.timesRun)
}
