/** Writes and parses cursors: the sequence of an event as text, as in the `sequence` extension of CloudEvents. */

export function cursorText(sequence: number): string {
  return String(sequence).padStart(20, '0')
}

/** Null when the text is not a cursor. */
export function parseCursor(text: string): number | null {
  const sequence = /^\d{1,20}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(sequence) || sequence > Number.MAX_SAFE_INTEGER ? sequence : null
}
