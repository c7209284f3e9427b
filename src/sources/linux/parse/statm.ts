import { DecimalReader } from './decimal-reader.ts'

/** `/proc/P/statm`, in pages. */
export interface Statm {
  size: number
  resident: number
  data: number
}

export function emptyStatm(): Statm {
  return { size: 0, resident: 0, data: 0 }
}

const numbers = new DecimalReader()

/** Fills `into`; false where the bytes are no whole `statm`. */
export function parseStatm(bytes: Uint8Array, length: number, into: Statm): boolean {
  numbers.start(bytes, 0, length)
  into.size = numbers.next()
  into.resident = numbers.next()
  numbers.skip(3) // shared, text, library
  into.data = numbers.next()
  return !Number.isNaN(into.data)
}
