/** A passage is one piece of prose in a file: a comment, a Markdown paragraph, a test name or a message. */

export interface Passage {
  /** Line of its first row, from 1. */
  readonly line: number
  /** Text of each line that it covers, without comment marks, bullets and quotation marks. */
  readonly rows: readonly string[]
}

/** One fault that a style rule found. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly text: string
}

/** First word in lower case; undefined when the passage begins with code, a tag or a number. */
export function firstWordOf({ rows }: Passage): string | undefined {
  const text = rows.find((row) => row.trim() !== '') ?? ''
  return /^[\s*_("'“]*([A-Za-z]+)/.exec(text)?.[1]?.toLowerCase()
}

/** Shortens a text to what fits on one line of a report. */
export function excerpt(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ')
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}
