/** Parses the auxiliary vector of a process, for the page size. */

const atPagesz = 6n

/** The page size from `/proc/self/auxv` (pairs of 64-bit words); null if it has none. */
export function parsePageSize(bytes: Buffer): number | null {
  for (let at = 0; at + 16 <= bytes.length; at += 16)
    if (bytes.readBigUInt64LE(at) === atPagesz) return Number(bytes.readBigUInt64LE(at + 8))
  return null
}
