/** Renders replies as text: a directory as a table with one line per child, a document as `name value unit` lines. */

import { printable } from '../base/terminal-text.ts'
import type { Column } from './definition.ts'

export function renderTable<Entry>(columns: readonly Column<Entry>[], entries: readonly Entry[]): string {
  return alignTable(columns, entries, []).text
}

/** @param atLeast minimum widths of the columns, such as the widths of an earlier table */
export function alignTable<Entry>(
  columns: readonly Column<Entry>[],
  entries: readonly Entry[],
  atLeast: readonly number[],
): { text: string; widths: number[] } {
  const rows = [
    columns.map(({ title }) => title),
    ...entries.map((entry) => columns.map(({ cell }) => printable(cell(entry)))),
  ]
  const widths = columns.map((_, place) =>
    rows.reduce((width, row) => Math.max(width, row[place]!.length), atLeast[place] ?? 0),
  )
  const line = (row: readonly string[]) =>
    row
      .map((text, place) =>
        columns[place]!.align === 'right' ? text.padStart(widths[place]!) : text.padEnd(widths[place]!),
      )
      .join('  ')
      .trimEnd()
  return { text: `${rows.map(line).join('\n')}\n`, widths }
}

/**
 * Renders a document as lines of name and value. Nested values have names with dots.
 * @param meaningOf text after the value, such as its unit; empty for none
 */
export function renderPairs(view: object, meaningOf: (name: string, value: string) => string): string {
  const pairs = [...flatten(view, '')]
  const width = Math.max(0, ...pairs.map(([name]) => name.length))
  return pairs
    .map(([name, value]) => `${`${name.padEnd(width)}  ${value} ${meaningOf(name, value)}`.trimEnd()}\n`)
    .join('')
}

export function* flatten(value: unknown, name: string): Generator<[string, string]> {
  if (Array.isArray(value)) {
    const plain = value.every((item) => typeof item !== 'object')
    if (plain) yield [name, value.length === 0 ? '-' : value.map((item) => printable(String(item))).join(' ')]
    else for (const [place, item] of value.entries()) yield* flatten(item, `${name}.${place}`)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* flatten(item, name === '' ? key : `${name}.${key}`)
  } else yield [name, value === null || value === undefined ? '-' : printable(String(value))]
}
