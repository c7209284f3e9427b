/**
 * Parses `/proc/P/pagemap`: a little-endian word of 64 bits for each page. Bit 63 means present, bit 62 swapped out.
 */

export const pagemapWordBytes = 8
const presentOrSwapped = 0xc0

/** Index of the lowest page that was ever touched; -1 if there is none. */
export function lowestTouchedPage(bytes: Uint8Array, length: number): number {
  for (let top = pagemapWordBytes - 1; top < length; top += pagemapWordBytes)
    if ((bytes[top]! & presentOrSwapped) !== 0) return (top - pagemapWordBytes + 1) / pagemapWordBytes
  return -1
}

/** Whether all of these pages are in memory, or swapped out, so that reading them needs no file system. */
export function areAllTouched(bytes: Uint8Array, length: number): boolean {
  for (let top = pagemapWordBytes - 1; top < length; top += pagemapWordBytes)
    if ((bytes[top]! & presentOrSwapped) === 0) return false
  return length > 0
}

/** Whether each page in the first `bytes` bytes was ever touched. */
export function isAllTouched(words: Uint8Array, bytes: number, length: number): boolean {
  if (length < bytes) return false
  for (let top = pagemapWordBytes - 1; top < bytes; top += pagemapWordBytes)
    if ((words[top]! & presentOrSwapped) === 0) return false
  return true
}
