/**
 * Reads the decimal numbers of a file of /proc one after the other, directly from its bytes. A hot path, so it makes no
 * strings.
 */
export class DecimalReader {
  at = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #end = 0

  start(bytes: Uint8Array, at: number, end: number): void {
    this.#bytes = bytes
    this.at = at
    this.#end = end
  }

  /**
   * The next number, exact up to 2^53; NaN if there is none. Any byte except digits and a minus sign separates numbers.
   */
  next(): number {
    const bytes = this.#bytes
    const end = this.#end
    let at = this.at
    let byte = 0
    while (at < end) {
      byte = bytes[at]!
      if ((byte >= 48 && byte <= 57) || byte === 45) break
      at++
    }
    const negative = byte === 45
    if (negative) at++
    const first = at
    let value = 0
    for (; at < end; at++) {
      const digit = bytes[at]! - 48
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    this.at = at
    if (at === first) return Number.NaN
    return negative ? -value : value
  }

  skip(count: number): void {
    for (let left = count; left > 0; left--) this.next()
  }
}
