/**
 * Decodes names that the kernel reports as bytes. Invalid bytes are escaped, so no replacement character ever stands
 * for a byte.
 */

function lengthOfSequence(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  if (at + length > end) return 0
  const second = bytes[at + 1]!
  // The second byte shows overlong forms, surrogates and code points above U+10FFFF.
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < lowest || second > highest) return 0
  for (let next = at + 2; next < at + length; next++) if ((bytes[next]! & 0xc0) !== 0x80) return 0
  return length
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! >= 0x80) return false
  return true
}

function escapeOf(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Decodes the bytes from `start` up to `end` as UTF-8; each invalid byte becomes `\xHH`. */
export function textOfBytes(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (isAscii(bytes, start, end)) {
    let ascii = ''
    for (let at = start; at < end; at++) ascii += String.fromCharCode(bytes[at]!)
    return ascii
  }
  let text = ''
  let validFrom = start
  for (let at = start; at < end; ) {
    const length = lengthOfSequence(bytes, at, end)
    if (length > 0) {
      at += length
      continue
    }
    text += decoder.decode(bytes.subarray(validFrom, at)) + escapeOf(bytes[at]!)
    at++
    validFrom = at
  }
  return text + decoder.decode(bytes.subarray(validFrom, end))
}

/** The bytes up to the first NUL, or up to `end`. */
export function textUpToNul(bytes: Uint8Array, start: number, end: number): string {
  const nul = bytes.indexOf(0, start)
  return textOfBytes(bytes, start, nul === -1 || nul > end ? end : nul)
}
