/** Writes the result of a read in the negotiated form: JSON, NDJSON, text or a drawing. */

import { Readable } from 'node:stream'
import { bounds } from '../base/bounds.ts'
import { amountText, unitOfLimit } from '../kernel/limits/amount-text.ts'
import type { Column } from '../tree/definition.ts'
import { MalformedQuery } from '../tree/errors.ts'
import { pathsOf } from '../tree/fields.ts'
import type { ReadResult } from '../tree/read.ts'
import type { Resolved } from '../tree/resolve.ts'
import { flatten, renderPairs, renderTable } from '../tree/text.ts'
import { forms, type ReadForm } from './negotiate.ts'
import { Problem } from './problems.ts'
import { jsonText, jsonType } from './send.ts'

export interface Written {
  readonly type: string
  readonly body: string | Buffer | Readable
}

type Row = Pick<Resolved, 'definition' | 'params'>

/** @throws Problem, MalformedQuery */
export function writeReading(
  { definition, params }: Row,
  result: ReadResult,
  { form, pretty, read }: ReadForm,
): Written {
  if (form === 'ndjson') return { type: forms.ndjson, body: Readable.from(chunks(result.lines())) }
  if (form === 'json') return { type: jsonType, body: pretty ? indented(result) : compact(result) }
  if (form === 'dot' || form === 'mermaid') {
    const { drawings } = definition
    const draw = drawings?.[form]
    if (draw === undefined) throw new Problem('not-acceptable', `only paths that end in /wait have the form ${form}`)
    return { type: `${forms[form]}; charset=utf-8`, body: draw(result.views()[0]!) }
  }
  if ((read.depth ?? 0) > (result.list === null ? 0 : 1)) {
    throw new MalformedQuery('depth', 'text shows one level; use JSON or NDJSON for more')
  }
  return { type: `${forms.text}; charset=utf-8`, body: text({ definition, params }, result) }
}

const comma = Buffer.from(',')
const newline = Buffer.from('\n')

function compact({ list, lines, text }: ReadResult): string | Buffer {
  if (list === null) return text()
  const parts: Buffer[] = [Buffer.from(`{"path":${JSON.stringify(list.path)},"entries":[`)]
  for (const line of lines()) parts.push(line, comma)
  if (parts.length > 1) parts.pop()
  parts.push(Buffer.from(`],${JSON.stringify(endOf(list)).slice(1)}`))
  return Buffer.concat(parts)
}

function indented({ list, views }: ReadResult): string {
  return jsonText(list === null ? views()[0] : { path: list.path, entries: views(), ...endOf(list) }, true)
}

/** The fields after the entries. */
function endOf({ next, incomplete }: NonNullable<ReadResult['list']>): object {
  return { next, ...(incomplete !== null && { incomplete }) }
}

/** Bounds the size of each write. The lines exist already, because they are one snapshot. */
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

function text(row: Row, result: ReadResult): string {
  const incomplete = result.list?.incomplete ?? null
  return `${entriesText(row, result)}${incomplete === null ? '' : `Incomplete: ${incomplete}\n`}`
}

function entriesText({ definition, params }: Row, { list, fields, views, prose }: ReadResult): string {
  const { columns, amounts = [] } = definition
  if (prose !== null && fields === null) return prose()
  if (list === null || columns === undefined) {
    const own = params.limit ?? null
    return renderPairs(views()[0] ?? {}, (name, value) => {
      const limit = limitOfField(name) ?? (amounts.includes(name.replace(/\.\d+/g, '')) ? own : null)
      return limit === null ? '' : amountMeaning(limit, value)
    })
  }
  if (fields === null) {
    const { entries, note } = definition.arrange?.(views()) ?? { entries: views(), note: null }
    return `${renderTable(columns, entries)}${note === null ? '' : `${note}\n`}`
  }
  const rows = views().map((view) => new Map(flatten(view, '')))
  return renderTable([...pathsOf(fields)].map(fieldColumn), rows)
}

/** A column for a field by its dotted name. A field with fields below it is shown as name=value words. */
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

/** The limit of a field by its dotted name: the objects `usage` and `pools` have a field for each limit. */
function limitOfField(name: string): string | null {
  return /(?:^|\.)(?:usage|pools)\.([^.]+)$/.exec(name)?.[1] ?? null
}

/** The unit of an amount, and the amount for people where it is shorter. */
function amountMeaning(limit: string, value: string): string {
  const unit = unitOfLimit(limit)
  if (unit === null || !/^\d+$/.test(value)) return ''
  const text = amountText(limit, Number(value))
  return text === value || text === `${value}${unit}` ? unit : `${unit} (${text})`
}
