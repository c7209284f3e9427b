/** Tests the zod schemas that are made from the field descriptions of event rows: every field of every row. */

import { expect, test } from 'vitest'
import type { EventRow } from '../../src/kernel/events/row.ts'
import { eventTypes } from '../../src/kernel/events.ts'
import type { DataFields, Field, FieldForm } from '../../src/kernel/fields.ts'
import { fieldSchemaOf, objectSchemaOf } from '../../src/tree/field-schemas.ts'

interface Samples {
  readonly accepted: readonly unknown[]
  readonly refused: readonly unknown[]
}

/** Values for each kind of description, written down here independently of the schemas. */
function samplesOf(form: FieldForm): Samples {
  switch (form.kind) {
    case 'text':
      return { accepted: ['', 'web'], refused: [1, true, null] }
    case 'path':
      return { accepted: ['/sys/proc/42'], refused: [42, null] }
    case 'time':
      return { accepted: ['2026-01-02T03:04:05.678Z'], refused: ['yesterday', '2026-01-02', 1, null] }
    case 'integer':
      return { accepted: [0, -1, Number.MAX_SAFE_INTEGER], refused: [1.5, Number.NaN, 2 ** 53, '1', null] }
    case 'bool':
      return { accepted: [true, false], refused: ['true', 0, null] }
    case 'amounts':
      return { accepted: [{}, { fds: 1, threads: 2 }], refused: [{ apples: 1 }, { fds: 1.5 }, { fds: '1' }, null] }
    case 'texts-and-numbers':
      return { accepted: [{}, { mutex: 'm', pid: 1 }], refused: [{ pid: null }, { isOpen: true }, 'mutex', null] }
    case 'literal':
      return { accepted: [form.value], refused: [`not ${form.value}`, null] }
    case 'one-of':
      return { accepted: form.values, refused: ['no-such-value', 1, null] }
    case 'nullable':
      return nullableSamples(samplesOf(form.field.form))
    case 'list':
      return listSamples(samplesOf(form.field.form))
    case 'any-of':
      return { accepted: form.fields.flatMap((field) => samplesOf(field.form).accepted), refused: [1, {}, null] }
    case 'object':
      return objectSamples(form.fields)
  }
}

function nullableSamples({ accepted, refused }: Samples): Samples {
  return { accepted: [null, ...accepted], refused: [undefined, ...refused.filter((value) => value !== null)] }
}

function listSamples({ accepted, refused }: Samples): Samples {
  return { accepted: [[], [...accepted]], refused: [...refused.map((value) => [value]), { 0: accepted[0] }, null] }
}

function objectSamples(fields: DataFields): Samples {
  const entries = Object.entries(fields).map(([name, field]) => ({ name, field, samples: samplesOf(field.form) }))
  const whole = Object.fromEntries(entries.map(({ name, samples }) => [name, samples.accepted[0]]))
  const required = Object.fromEntries(Object.entries(whole).filter(([name]) => !isOptional(fields[name]!)))
  return {
    accepted: [
      whole,
      required,
      ...entries.flatMap(({ name, samples }) => samples.accepted.map((value) => ({ ...whole, [name]: value }))),
    ],
    refused: [
      ...entries.flatMap(({ name, samples }) => samples.refused.map((value) => ({ ...whole, [name]: value }))),
      ...Object.keys(required).map((name) => withoutField(whole, name)),
      { ...whole, unexpected: 1 },
      [],
      null,
    ],
  }
}

function isOptional(field: Field<unknown>): boolean {
  return 'isOptional' in field
}

function withoutField(data: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([each]) => each !== name))
}

const rows: readonly EventRow[] = eventTypes

test.each(rows)('the schema of $type accepts the described data', ({ data }) => {
  const schema = objectSchemaOf(data)
  for (const value of objectSamples(data).accepted)
    expect([value, schema.safeParse(value).error?.issues]).toEqual([value, undefined])
})

test.each(rows)('the schema of $type refuses a wrong, missing or unknown field', ({ data }) => {
  const schema = objectSchemaOf(data)
  for (const value of objectSamples(data).refused)
    expect([value, schema.safeParse(value).success]).toEqual([value, false])
})

test.each(rows)('the schema of $type does not accept undefined in place of an absent field', ({ data }) => {
  const schema = objectSchemaOf(data)
  const [whole] = objectSamples(data).accepted
  for (const name of Object.keys(data))
    expect([name, schema.safeParse(Object.assign({}, whole, { [name]: undefined })).success]).toEqual([name, false])
})

test('the sentence of a field becomes the description of its schema', () => {
  const described = rows.flatMap(({ data }) => Object.values(data)).filter(({ note }) => note !== undefined)
  expect(described.length).toBeGreaterThan(50)
  for (const field of described) expect(fieldSchemaOf(field).description).toBe(field.note)
})

test('an object with a name has one schema, wherever it occurs', () => {
  const waiting = rows
    .flatMap(({ data }) => Object.values(data))
    .flatMap(({ form }) => (form.kind === 'list' ? [form.field] : []))
  const named = waiting.filter(({ form }) => form.kind === 'object' && form.id === 'Waiting')
  expect(named.length).toBeGreaterThan(1)
  expect(new Set(named.map(fieldSchemaOf)).size).toBe(1)
})
