/**
 * Converts zod schemas to JSON Schema. A schema with a name becomes a component of the document, and references name
 * it.
 */

import { z } from 'zod'

export type Json = Record<string, unknown>

/** The side of a schema: before parsing (a request) or after it (a reply). */
type Direction = 'input' | 'output'

/** OpenAPI uses the newest dialect, AsyncAPI an older one. */
type Dialect = 'draft-2020-12' | 'draft-7'

function nameOf(schema: z.ZodType): string | undefined {
  return schema.meta()?.id
}

const references = /#\/(?:\$defs|definitions)\//g

/** Drops definitions, which become components, and points references to the components. */
function inComponents({ $defs, definitions, $schema, ...schema }: Json): Json {
  const text = JSON.stringify(schema, (key, value) => (key === 'id' && typeof value === 'string' ? undefined : value))
  return JSON.parse(text.replaceAll(references, '#/components/schemas/'))
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
