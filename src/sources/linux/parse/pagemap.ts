/** `/proc/P/pagemap`: a little-endian word of 64 bits a page; bit 63 is "present", bit 62 "swapped out". */

export const pagemapWordBytes = 8
const presentOrSwapped = 0xc0

/** The index of the lowest page that was ever touched; -1 where none was. */
export function lowestTouchedPage(bytes: Uint8Array, length: number): number {
  for (let top = pagemapWordBytes - 1; top < length; top += pagemapWordBytes)
    if ((bytes[top]! & presentOrSwapped) !== 0) return (top - pagemapWordBytes + 1) / pagemapWordBytes
  return -1
}
