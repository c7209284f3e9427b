/**
 * Converts zod schemas to JSON Schema. A schema with a name becomes a component of the document, and references name
 * it.
 */

import { z } from 'zod'

export type Json = Record<string, unknown>

/** The side of a schema: before parsing (a request) or after it (a reply). */
export type Direction = 'input' | 'output'

/** OpenAPI uses the newest dialect, AsyncAPI an older one. */
type Dialect = 'draft-2020-12' | 'draft-7'

function nameOf(schema: z.ZodType): string | undefined {
  return schema.meta()?.id
}

const references = /#\/(?:\$defs|definitions)\//g

/** Drops definitions, which become components, and points references to the components. */
function inComponents({ $defs, definitions, $schema, ...schema }: Json): Json {
  const text = JSON.stringify(schema, (key, value) => {
    if (key === 'id' && typeof value === 'string') return undefined
    return key === 'properties' ? value : forGenerators(value)
  })
  return JSON.parse(text.replaceAll(references, '#/components/schemas/'))
}

/**
 * Says the same in the words that generators understand:
 * - A default is in the description. A field with the keyword becomes a required one in openapi-typescript.
 * - A tuple has `items` that allow anything: its `maxItems` allows no further ones. To Spectral `false` is an error.
 */
function forGenerators(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const { default: standard, description = '', ...schema } = value as Json
  const tuple = 'prefixItems' in schema && schema.items === false ? { items: {} } : {}
  if (standard === undefined || standard === null) return { ...value, ...tuple, default: undefined }
  const sentences = `${description === '' ? '' : `${description}. `}Default: ${JSON.stringify(standard)}`
  return { description: sentences, ...schema, ...tuple }
}

/** A reference for a schema with a name, else the whole schema. */
export function schemaOf(schema: z.ZodType, io: Direction = 'output', target: Dialect = 'draft-2020-12'): Json {
  const name = nameOf(schema)
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` }
  return inComponents(z.toJSONSchema(schema, { io, target }))
}

/** The named schemas among these and within them. @throws Error where two differ and share a name */
export function componentsOf(
  shapes: Readonly<Partial<Record<Direction, readonly z.ZodType[]>>>,
  target: Dialect = 'draft-2020-12',
): Json {
  const components: Json = {}
  for (const io of ['input', 'output'] as const) {
    const ofDirection: Json = {}
    const add = (name: string, json: Json): void => {
      const [known, made] = [ofDirection[name], inComponents(json)]
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(made))
        throw new Error(`there are two shapes called ${name}`)
      ofDirection[name] = made
      // A schema of both requests and replies is shown as requests have it: with optional fields.
      components[name] ??= made
    }
    for (const schema of shapes[io] ?? []) {
      const json: Json = z.toJSONSchema(schema, { io, target })
      for (const [name, inside] of Object.entries(json.$defs ?? json.definitions ?? {})) add(name, inside)
      const name = nameOf(schema)
      // A recursive schema is only a reference here: it is among the definitions already.
      if (name !== undefined && json.$ref === undefined) add(name, json)
    }
  }
  return components
}
