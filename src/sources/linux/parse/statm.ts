/** Parses `/proc/P/statm`: the memory sizes of a process, in pages. */

import { DecimalReader } from './decimal-reader.ts'

/** Values of `/proc/P/statm`, in pages. */
export interface Statm {
  size: number
  resident: number
  data: number
}

export function emptyStatm(): Statm {
  return { size: 0, resident: 0, data: 0 }
}

const numbers = new DecimalReader()

/** Fills `into`; returns false if the bytes are not a whole `statm`. */
export function parseStatm(bytes: Uint8Array, length: number, into: Statm): boolean {
  numbers.start(bytes, 0, length)
  into.size = numbers.next()
  into.resident = numbers.next()
  numbers.skip(3) // shared, text, library
  into.data = numbers.next()
  return !Number.isNaN(into.data)
}
