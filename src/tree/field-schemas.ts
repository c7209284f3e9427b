/** Turns the kernel's descriptions of plain data (`kernel/fields.ts`) into zod schemas. */

import { z } from 'zod'
import type { DataFields, Field, FieldForm } from '../kernel/fields.ts'
import { limitName, path, time, whole } from './value-schemas.ts'

/** Schemas with an id. Each is made once: OpenAPI does not accept two schemas with one id. */
const named = new Map<string, z.ZodType>()

/** The schema of one value. TypeScript cannot follow the type through the description, so it is asserted here. */
export function fieldSchemaOf<Value>(field: Field<Value>): z.ZodType<Value> {
  const { form, note } = field
  const schema = schemaOfForm(form)
  return (note === undefined ? schema : schema.describe(note)) as z.ZodType<Value>
}

/** A strict object: a field that is not described is refused. */
export function objectSchemaOf(fields: DataFields): z.ZodObject {
  return z.strictObject(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => {
        const schema = fieldSchemaOf(field)
        return [name, 'isOptional' in field ? schema.exactOptional() : schema]
      }),
    ),
  )
}

function schemaOfForm(form: FieldForm): z.ZodType {
  switch (form.kind) {
    case 'text':
      return z.string()
    case 'path':
      return path
    case 'time':
      return time
    case 'integer':
      return whole
    case 'bool':
      return z.boolean()
    case 'amounts':
      return z.partialRecord(limitName, whole)
    case 'texts-and-numbers':
      return z.record(z.string(), z.union([z.string(), z.number()]))
    case 'literal':
      return z.literal(form.value)
    case 'one-of':
      return z.enum(form.values)
    case 'nullable':
      return fieldSchemaOf(form.field).nullable()
    case 'list':
      return z.array(fieldSchemaOf(form.field))
    case 'any-of':
      return z.union(form.fields.map(fieldSchemaOf))
    case 'object':
      return form.id === null ? objectSchemaOf(form.fields) : namedSchema(form.id, form.fields)
  }
}

function namedSchema(id: string, fields: DataFields): z.ZodType {
  const known = named.get(id)
  if (known !== undefined) return known
  const schema = objectSchemaOf(fields).meta({ id })
  named.set(id, schema)
  return schema
}
