/** Writes the tables of `events.md` from the rows of the event types. */

import { clearReasons, resolutions } from '../../src/kernel/events/reasons.ts'
import type { EventRow } from '../../src/kernel/events/row.ts'
import { errno, limit, threadState } from '../../src/kernel/events/shared-fields.ts'
import { eventTypes } from '../../src/kernel/events.ts'
import type { DataFields, Field, FieldForm } from '../../src/kernel/fields.ts'
import { eventViews } from '../../src/tree/cloud-event.ts'
import { capital, code, table } from './markdown.ts'

const rows: readonly EventRow[] = eventTypes

/** The types of events, then the messages that only streams send. */
export function eventTypesTable(): string {
  const known = new Map(rows.map((row) => [row.type, row]))
  return table(
    ['type', 'severity', 'condition', 'when'],
    eventViews.map(({ type, summary }) => {
      const row = known.get(type)
      return [code(type), row?.severity ?? '', conditionText(row), summary]
    }),
  )
}

function conditionText(row: EventRow | undefined): string {
  if (row?.opens !== undefined) return `opens ${row.opens}`
  return row?.closes === undefined ? '' : `closes ${row.closes}`
}

/** The reasons of `threshold.cleared`, then the values of `how` of `deadlock.resolved`. */
export function reasonTables(): [string, string] {
  const rowsOf = (meanings: Readonly<Record<string, string>>) =>
    Object.entries(meanings).map(([name, meaning]) => [name, meaning])
  return [
    table(['reason', 'why it is cleared'], rowsOf(clearReasons)),
    table(['how', 'why it is resolved'], rowsOf(resolutions)),
  ]
}

/** A section for each type. Types with the same data share one. Objects with a name have a section at the end. */
export function eventDataText(): string {
  const sections = new Map<string, { readonly types: string[]; readonly data: DataFields }>()
  for (const { type, data } of rows) {
    const same = JSON.stringify(data)
    const section = sections.get(same) ?? { types: [], data }
    section.types.push(type)
    sections.set(same, section)
  }
  const types = [...sections.values()].map(({ types, data }) => sectionText(types.map(code).join(', '), data))
  const objects = [...namedObjects(rows.map(({ data }) => data))].map(([name, data]) => sectionText(name, data))
  return [...types, ...objects].join('\n')
}

function sectionText(heading: string, data: DataFields): string {
  const cells = Object.entries(data).map(([name, field]) => [name, valueText(field), capital(field.note ?? '')])
  return `### ${heading}\n\n${table(['field', 'value', 'meaning'], cells)}`
}

function valueText(field: Field<unknown>): string {
  return `${'isOptional' in field ? 'optional ' : ''}${formText(field.form)}`
}

/** Fields with many possible values, which another page lists. */
const longLists = new Map<FieldForm, string>([
  [errno.form, 'name of an errno'],
  [limit.form, '[limit](limits.md)'],
  [threadState.form, 'thread state'],
])

function formText(form: FieldForm): string {
  switch (form.kind) {
    case 'bool':
      return '`true` or `false`'
    case 'amounts':
      return 'whole numbers by limit'
    case 'texts-and-numbers':
      return 'texts and numbers by name'
    case 'path':
      return 'pathname'
    case 'literal':
      return code(String(form.value))
    case 'one-of':
      return longLists.get(form) ?? form.values.map(code).join(', ')
    case 'nullable':
      return `${formText(form.field.form)} or null`
    case 'list':
      return `list of ${formText(form.field.form)}`
    case 'any-of':
      return form.fields.map((field) => formText(field.form)).join(' or ')
    case 'object':
      return form.id ?? code(objectText(form.fields))
    default:
      return form.kind
  }
}

/** A question mark follows the name of a field that may be absent. */
function objectText(fields: DataFields): string {
  const names = Object.entries(fields).map(([name, field]) => {
    const given = 'isOptional' in field ? `${name}?` : name
    return field.form.kind === 'literal' ? `${given}: ${field.form.value}` : given
  })
  return `{ ${names.join(', ')} }`
}

/** Every object that has a name, wherever in the data it occurs. */
function namedObjects(all: readonly DataFields[], found = new Map<string, DataFields>()): Map<string, DataFields> {
  for (const { form } of all.flatMap((fields) => Object.values(fields))) addNamedObjects(form, found)
  return found
}

function addNamedObjects(form: FieldForm, found: Map<string, DataFields>): void {
  if (form.kind === 'nullable' || form.kind === 'list') addNamedObjects(form.field.form, found)
  if (form.kind === 'any-of') for (const { form: inner } of form.fields) addNamedObjects(inner, found)
  if (form.kind !== 'object') return
  if (form.id !== null) found.set(form.id, form.fields)
  namedObjects([form.fields], found)
}
