/** Finds the prose of a Markdown page: paragraphs, list items and headings, without tables and fenced code. */

import type { Passage } from './passage.ts'

interface MarkdownProse {
  /** Paragraphs and list items. */
  readonly paragraphs: readonly Passage[]
  readonly headings: readonly Passage[]
}

const bullet = /^(?:[-*+]|\d+[.)])\s+/

/** Outside a paragraph, an indented line is code, unless it is an item of a nested list. */
function isCodeOrMarkup(row: string): boolean {
  const text = row.trim()
  return text.startsWith('<') || (/^(?: {4}|\t)/.test(row) && !bullet.test(text))
}

export function markdownProse(lines: readonly string[]): MarkdownProse {
  const paragraphs: { line: number; rows: string[] }[] = []
  const headings: Passage[] = []
  let open = false
  let fence: string | undefined
  for (const [place, row] of lines.entries()) {
    const text = row.trim().replace(/^(?:>\s*)+/, '')
    const mark = /^(?:```+|~~~+)/.exec(text)?.[0]
    if (fence !== undefined || mark !== undefined) {
      if (fence === undefined) fence = mark
      else if (mark?.startsWith(fence)) fence = undefined
      open = false
    } else if (text === '' || text.startsWith('|') || (!open && isCodeOrMarkup(row))) {
      open = false
    } else if (/^#{1,6}\s/.test(text)) {
      headings.push({ line: place + 1, rows: [text.replace(/^#+\s+/, '')] })
      open = false
    } else if (open && !bullet.test(text)) {
      paragraphs.at(-1)!.rows.push(text)
    } else {
      paragraphs.push({ line: place + 1, rows: [text.replace(bullet, '')] })
      open = true
    }
  }
  return { paragraphs, headings }
}
