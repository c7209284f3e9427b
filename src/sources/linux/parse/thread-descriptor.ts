/**
 * Parses a thread's descriptor, in which the C library records the thread's stack. Its layout differs between versions,
 * so the record is recognised by its content: the start, size and guard of a block that contains the descriptor itself.
 */

export interface StackBlock {
  /** First address above the guard. */
  readonly start: number
  readonly end: number
}

export const descriptorBytesMax = 2048
const wordBytes = 8
const stackBytesMin = 16 * 1024
/** A larger number is two numbers of 32 bits. */
const stackBytesMax = 0xffff_ffff
/** Addresses in user space are below 2^53. */
const highWordMax = 0x1f_ffff

/** A word as a number; NaN if it is no address. */
function wordAt(bytes: Buffer, at: number): number {
  const high = bytes.readUInt32LE(at + 4)
  return high > highWordMax ? Number.NaN : high * 0x1_0000_0000 + bytes.readUInt32LE(at)
}

/** @param address Address of the first of the bytes, inside the descriptor. Null if the bytes hold no such record. */
export function findStackBlock(bytes: Buffer, length: number, address: number): StackBlock | null {
  for (let at = 0; at + 3 * wordBytes <= length; at += wordBytes) {
    const block = wordAt(bytes, at)
    const size = wordAt(bytes, at + 8)
    const end = block + size
    const isSize = size >= stackBytesMin && size <= stackBytesMax && size % wordBytes === 0
    if (!isSize || !(block > 0) || block % wordBytes !== 0) continue
    if (block >= address || end < address + at + 3 * wordBytes) continue
    const guard = wordAt(bytes, at + 16)
    return { start: guard < size ? block + guard : block, end }
  }
  return null
}
