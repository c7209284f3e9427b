/** Parses the running totals that rates are computed from: page faults, bytes of storage, and pressure. */

import { DecimalReader } from './decimal-reader.ts'

const closingParenthesis = 41
const numbers = new DecimalReader()

/** Page faults of a process so far, minor and major, from `/proc/P/stat`; NaN if the text has another form. */
export function parseFaults(bytes: Uint8Array, length: number): number {
  let closing = length - 1
  while (closing > 0 && bytes[closing] !== closingParenthesis) closing--
  if (closing <= 0 || closing + 3 >= length) return Number.NaN
  numbers.start(bytes, closing + 3, length)
  numbers.skip(6) // parent, process group, session, terminal, its process group, flags
  const minor = numbers.next()
  numbers.skip(1) // minor faults of children that were collected
  return minor + numbers.next()
}

/** Bytes that a process caused to be read from storage, and to be written to it. */
export interface StorageBytes {
  readonly read: number
  readonly written: number
}

/** Null if `/proc/P/io` has no such lines. */
export function parseStorageBytes(text: string): StorageBytes | null {
  const read = Number(/^read_bytes: (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
  const written = Number(/^write_bytes: (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
  return Number.isNaN(read + written) ? null : { read, written }
}

/** µs in which some task waited so far, from a file of pressure stall information; null without such a line. */
export function parsePressure(text: string): number | null {
  const total = Number(/^some .*\btotal=(\d+)$/m.exec(text)?.[1] ?? Number.NaN)
  return Number.isSafeInteger(total) ? total : null
}
