/**
 * Rewrites the OpenAPI document, which is of version 3.1, as one of version 3.0 for the many generators that do not
 * read 3.1 well. It says the same, apart from the few things for which 3.0 has no word: the types of the members of
 * tuples and the names of keys.
 */

import type { Json } from './json-schema.ts'

/** Versions of OpenAPI in which the document can be had, the first by default. */
export const openApiVersions = ['3.1', '3.0'] as const
export type OpenApiVersion = (typeof openApiVersions)[number]

export function asOpenApi30({ info, components, ...document }: Json): Json {
  const { license, ...about } = info as Json
  const whole = {
    ...document,
    openapi: '3.0.3',
    info: { ...about, license: { name: (license as Json).name, url: 'https://opensource.org/license/mit' } },
    components: withoutParts(components as Json),
  }
  return renamed(rewritten(whole) as Json)
}

/** In Java, classes of these names would hide those of `java.lang`. */
const javaNames = ['System', 'Process', 'Thread']

function renamed({ components, ...document }: Json): Json {
  const { schemas, ...others } = components as Json
  const nameOf = (name: string) => (javaNames.includes(name) ? `${name}Node` : name)
  const named = Object.fromEntries(Object.entries(schemas as Json).map(([name, schema]) => [nameOf(name), schema]))
  const text = JSON.stringify({ ...document, components: { ...others, schemas: named } })
  return JSON.parse(text.replaceAll(/(?<="#\/components\/schemas\/)\w+(?=")/g, nameOf))
}

/** Keys whose values are tables of things by name, and no schemas. */
const tables = new Set(['properties', 'schemas', 'parameters', 'headers', 'responses', 'content', 'x-content', 'paths'])

function rewritten(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => rewritten(one))
  if (typeof value !== 'object' || value === null) return value
  const parts = Object.entries(value).map(([name, part]) => [name, rewritten(part, name)])
  const whole: Json = Object.fromEntries(parts)
  return tables.has(key) ? whole : withoutNewWords(whole)
}

/** A document that clients save and restore without looking into it needs no type, and its parts need none. */
const opaque = 'MachineState'
const opaqueParts = ['PartitionState', 'ProcessState', 'ThreadState']

function withoutParts({ schemas, ...components }: Json): Json {
  const shown = Object.entries(schemas as Json).filter(([name]) => !opaqueParts.includes(name))
  const whole = { type: 'object', description: 'Save and restore it unchanged', additionalProperties: true }
  return { ...components, schemas: { ...Object.fromEntries(shown), [opaque]: whole } }
}

/** Preconditions: the schemas within this one are rewritten. */
function withoutNewWords({ propertyNames, prefixItems, examples, ...rest }: Json): Json {
  const schema: Json = Array.isArray(examples) ? { ...rest, example: examples[0] } : rest
  if ('const' in schema) {
    const { const: only, ...others } = schema
    return { ...others, enum: [only] }
  }
  if (Array.isArray(schema.type)) return nullable({ ...schema, type: schema.type.find((type) => type !== 'null') })
  // There is no type of null alone: a field that is always null is described as one that may be.
  if (schema.type === 'null') return nullable({ ...schema, type: 'string' })
  for (const word of ['anyOf', 'oneOf'] as const) if (Array.isArray(schema[word])) return withNull(schema, word)
  if (schema.type === 'integer') return sized(schema)
  // The format says it. With a pattern too, the generator for Python writes code that does not run.
  return schema.format === 'date-time' ? { ...schema, pattern: undefined } : schema
}

function nullable(schema: Json): Json {
  return {
    ...schema,
    nullable: true,
    ...(Array.isArray(schema.enum) && { enum: [...new Set([...schema.enum, null])] }),
  }
}

/** An alternative without a type of its own is null: it was rewritten before. */
function isNull({ type, nullable: isNullable, ...others }: Json): boolean {
  return type === 'string' && isNullable === true && Object.keys(others).length === 0
}

function withNull(schema: Json, word: 'anyOf' | 'oneOf'): Json {
  const { [word]: alternatives, ...rest } = schema
  const all = alternatives as Json[]
  const others = all.filter((one) => !isNull(one))
  if (others.length > 1 && others.every(isScalar)) return anyOf(others, rest)
  if (others.length === all.length) return schema
  const [only] = others
  if (others.length > 1) return { ...rest, [word]: others.map((one, place) => (place === 0 ? orNull(one) : one)) }
  if ('$ref' in only!) return { ...rest, ...orNull(only) }
  const sentences = [rest.description, only!.description].filter((text) => text !== undefined).join('. ')
  const whole = { ...only, ...rest, ...(sentences !== '' && { description: sentences }) }
  return 'type' in whole ? nullable(whole) : whole
}

/** The siblings of a reference are ignored, so it moves into a list. */
function orNull(schema: Json): Json {
  return nullable('$ref' in schema ? { allOf: [schema] } : schema)
}

function isScalar({ type }: Json): boolean {
  return type === 'string' || type === 'integer' || type === 'number' || type === 'boolean'
}

/** Any value, also null. Most generators make a class of a number or a text, and some write its values wrongly. */
function anyOf(scalars: readonly Json[], { description = '', ...rest }: Json): Json {
  const types = [...new Set(scalars.map(({ type }) => type))].join(' or ')
  return { ...rest, description: `${description}${description === '' ? '' : '. '}Type: ${types}` }
}

/** Without a format many generators use 32 bits, and sizes in bytes need more. */
function sized(schema: Json): Json {
  const { minimum, maximum } = schema
  const isSmall =
    typeof maximum === 'number' && maximum < 2 ** 31 && typeof minimum === 'number' && minimum >= -(2 ** 31)
  return { ...schema, format: isSmall ? 'int32' : 'int64' }
}
