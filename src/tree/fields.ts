/** Selects fields of a reply by the query parameter `fields=pid,usage.fds`, checked against the reply's schema. */

import { z } from 'zod'
import { MalformedQuery } from './errors.ts'

/** The selected fields: null for a whole field, else the fields selected within it. */
export interface Fields extends ReadonlyMap<string, Fields | null> {}

/** @throws MalformedQuery naming the fields that there are */
export function parseFields(text: string, shape: z.ZodType): Fields {
  const selected: Growing = new Map()
  for (const path of text.split(',')) add(selected, path.split('.'), shape, path)
  return selected
}

type Growing = Map<string, Growing | null>

function add(selected: Growing, [name, ...rest]: readonly string[], shape: z.ZodType, path: string): void {
  const below = shapeOf(shape, name!)
  if (below === null)
    throw new MalformedQuery('fields', `there is no field ${path}; the fields are ${namesOf(shape).join(', ')}`)
  const former = selected.get(name!)
  const inner: Growing = former ?? new Map()
  // Checked even where the whole field is selected already.
  if (rest.length > 0) add(inner, rest, below, path)
  selected.set(name!, rest.length === 0 || former === null ? null : inner)
}

/** The schema inside optional, nullable and array schemas. */
function bare(shape: z.ZodType): z.ZodType {
  if (shape instanceof z.ZodOptional || shape instanceof z.ZodNullable) return bare(shape.unwrap() as z.ZodType)
  return shape instanceof z.ZodArray ? bare(shape.element as z.ZodType) : shape
}

function shapeOf(shape: z.ZodType, name: string): z.ZodType | null {
  const inner = bare(shape)
  if (inner instanceof z.ZodObject) return Object.hasOwn(inner.shape, name) ? inner.shape[name] : null
  if (inner instanceof z.ZodRecord)
    return z.safeParse(inner.keyType, name).success ? (inner.valueType as z.ZodType) : null
  return null
}

function namesOf(shape: z.ZodType): readonly string[] {
  const inner = bare(shape)
  if (inner instanceof z.ZodObject) return Object.keys(inner.shape)
  if (inner instanceof z.ZodRecord && inner.keyType instanceof z.ZodEnum) return inner.keyType.options.map(String)
  return ['none']
}

export function select(view: object, fields: Fields): object {
  const selected = Object.entries(view).filter(([name]) => fields.has(name))
  return Object.fromEntries(
    selected.map(([name, value]) => {
      const below = fields.get(name)
      return [name, below ? selectWithin(value, below) : value]
    }),
  )
}

function selectWithin(value: unknown, fields: Fields): unknown {
  if (Array.isArray(value)) return value.map((item) => selectWithin(item, fields))
  return typeof value === 'object' && value !== null ? select(value, fields) : value
}

/** The dotted names of the fields, for column headings. */
export function* pathsOf(fields: Fields, above = ''): Generator<string> {
  for (const [name, below] of fields) {
    if (below === null) yield `${above}${name}`
    else yield* pathsOf(below, `${above}${name}.`)
  }
}
