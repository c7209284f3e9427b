/** Writes what was read in the form that is wanted. */

import { Readable } from 'node:stream'
import { bounds } from '../base/bounds.ts'
import { limits } from '../kernel/limits/table.ts'
import type { Column, Definition } from '../tree/definition.ts'
import { MalformedQuery } from '../tree/errors.ts'
import { pathsOf } from '../tree/fields.ts'
import type { ReadResult } from '../tree/read.ts'
import { flatten, renderPairs, renderTable } from '../tree/text.ts'
import { forms, type ReadForm } from './negotiate.ts'
import { Problem } from './problems.ts'

export interface Written {
  readonly type: string
  readonly body: string | Buffer | Readable
}

export function writeReading(definition: Definition, reading: ReadResult, { form, pretty, what }: ReadForm): Written {
  if (form === 'ndjson') return { type: forms.ndjson, body: Readable.from(chunks(reading.lines())) }
  if (form === 'json')
    return { type: `${forms.json}; charset=utf-8`, body: pretty ? spread(reading) : compact(reading) }
  if (form === 'dot' || form === 'mermaid') {
    const draw = definition.as?.[form]
    if (draw === undefined) throw new Problem('not-acceptable', `${form} is a form of wait alone`)
    return { type: `${forms[form]}; charset=utf-8`, body: draw(reading.views()[0] as never) }
  }
  if ((what.depth ?? 0) > (reading.list === null ? 0 : 1)) {
    throw new MalformedQuery('depth', 'text shows one level; JSON and NDJSON show more')
  }
  return { type: `${forms.text}; charset=utf-8`, body: text(definition, reading) }
}

const comma = Buffer.from(',')
const newline = Buffer.from('\n')

function compact({ list, lines, text }: ReadResult): string | Buffer {
  if (list === null) return text()
  const parts: Buffer[] = [Buffer.from(`{"path":${JSON.stringify(list.path)},"entries":[`)]
  for (const line of lines()) parts.push(line, comma)
  if (parts.length > 1) parts.pop()
  parts.push(Buffer.from(`],"next":${JSON.stringify(list.next)}}`))
  return Buffer.concat(parts)
}

/** For people. */
function spread({ list, views }: ReadResult): string {
  const view = list === null ? views()[0] : { path: list.path, entries: views(), next: list.next }
  return `${JSON.stringify(view, null, 2)}\n`
}

/** All lines are there, so that they are one snapshot; what is written at once is bounded. */
function* chunks(lines: readonly Buffer[]): Generator<Buffer> {
  let parts: Buffer[] = []
  let bytes = 0
  for (const line of lines) {
    parts.push(line, newline)
    bytes += line.length + 1
    if (bytes < bounds.chunkBytes) continue
    yield Buffer.concat(parts)
    parts = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(parts)
}

function text({ columns }: Definition, { list, fields, views, words }: ReadResult): string {
  if (words !== null && fields === null) return words()
  if (list === null || columns === undefined) return renderPairs(views()[0] ?? {}, unitOf)
  if (fields === null) return renderTable(columns, views() as never[])
  const rows = views().map((view) => new Map(flatten(view, '')))
  return renderTable([...pathsOf(fields)].map(fieldColumn), rows)
}

/** A field as a column, by its dotted name; what it has below it stands there as name=value words. */
function fieldColumn(name: string): Column<ReadonlyMap<string, string>> {
  return {
    title: name,
    align: 'left',
    cell: (row) => row.get(name) ?? wordsBelow(row, `${name}.`),
  }
}

function wordsBelow(row: ReadonlyMap<string, string>, prefix: string): string {
  const below = [...row].filter(([name]) => name.startsWith(prefix))
  return below.length === 0 ? '-' : below.map(([name, value]) => `${name.slice(prefix.length)}=${value}`).join(' ')
}

function unitOf(name: string): string | null {
  return limits.find((row) => name === row.name || name.endsWith(`.${row.name}`))?.unit ?? null
}
