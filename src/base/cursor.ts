/** A cursor: the sequence of an event as clients see it, in the manner of CloudEvents' `sequence` extension. */

export function cursorText(sequence: number): string {
  return String(sequence).padStart(20, '0')
}

/** Null where the text is no cursor at all. */
export function parseCursor(text: string): number | null {
  const sequence = /^\d{1,20}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(sequence) || sequence > Number.MAX_SAFE_INTEGER ? sequence : null
}
