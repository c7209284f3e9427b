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

/** Number of pages, from the first on, that are in memory or swapped out, so that reading them needs no file system. */
export function touchedPages(bytes: Uint8Array, length: number): number {
  let count = 0
  for (let top = pagemapWordBytes - 1; top < length; top += pagemapWordBytes) {
    if ((bytes[top]! & presentOrSwapped) === 0) break
    count++
  }
  return count
}

/** Whether each page in the first `bytes` bytes was ever touched. */
export function isAllTouched(words: Uint8Array, bytes: number, length: number): boolean {
  if (length < bytes) return false
  for (let top = pagemapWordBytes - 1; top < bytes; top += pagemapWordBytes)
    if ((words[top]! & presentOrSwapped) === 0) return false
  return true
}
