/** `fields=pid,usage.fds`: only those fields of what is shown. Names are checked against the shape of the answer. */

import { z } from 'zod'
import { MalformedQuery } from './errors.ts'

/** Each field that is wanted, whole (null) or in part. */
export interface Fields extends ReadonlyMap<string, Fields | null> {}

/** @throws MalformedQuery naming what there is */
export function parseFields(text: string, shape: z.ZodType): Fields {
  const wanted: Growing = new Map()
  for (const path of text.split(',')) add(wanted, path.split('.'), shape, path)
  return wanted
}

type Growing = Map<string, Growing | null>

function add(wanted: Growing, [name, ...rest]: readonly string[], shape: z.ZodType, path: string): void {
  const below = shapeOf(shape, name!)
  if (below === null) throw new MalformedQuery('fields', `there is no ${path}; there are ${namesOf(shape).join(', ')}`)
  const former = wanted.get(name!)
  const inner: Growing = former ?? new Map()
  // Checked too where the whole is wanted already.
  if (rest.length > 0) add(inner, rest, below, path)
  wanted.set(name!, rest.length === 0 || former === null ? null : inner)
}

/** Through what only wraps another shape. */
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
  return ['no fields below it']
}

export function select(value: unknown, fields: Fields): unknown {
  if (Array.isArray(value)) return value.map((item) => select(item, fields))
  if (typeof value !== 'object' || value === null) return value
  const chosen = Object.entries(value).filter(([name]) => fields.has(name))
  return Object.fromEntries(
    chosen.map(([name, inner]) => {
      const below = fields.get(name)
      return [name, below ? select(inner, below) : inner]
    }),
  )
}

/** The fields as they were named, for headings. */
export function* pathsOf(fields: Fields, above = ''): Generator<string> {
  for (const [name, below] of fields) {
    if (below === null) yield `${above}${name}`
    else yield* pathsOf(below, `${above}${name}.`)
  }
}
