/** Shapes as JSON Schema. Those that have a name are said once, among the components of a document. */

import { z } from 'zod'

export type Json = Record<string, unknown>

/** As it comes in, or as it goes out. */
type Direction = 'input' | 'output'

/** OpenAPI speaks the newest; AsyncAPI an older one. */
type Dialect = 'draft-2020-12' | 'draft-7'

function nameOf(schema: z.ZodType): string | undefined {
  return schema.meta()?.id
}

const references = /#\/(?:\$defs|definitions)\//g

/** The definitions within it become components; what it is called stands where it is. */
function inComponents({ $defs, definitions, $schema, ...schema }: Json): Json {
  const text = JSON.stringify(schema, (key, value) => (key === 'id' && typeof value === 'string' ? undefined : value))
  return JSON.parse(text.replaceAll(references, '#/components/schemas/'))
}

/** A reference to what has a name; anything else in full. */
export function schemaOf(schema: z.ZodType, io: Direction = 'output', target: Dialect = 'draft-2020-12'): Json {
  const name = nameOf(schema)
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` }
  return inComponents(z.toJSONSchema(schema, { io, target }))
}

/** All that have a name among these shapes and within them. */
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
      // Of what is both taken and answered, the wider: what may be left out.
      components[name] ??= made
    }
    for (const schema of shapes[io] ?? []) {
      const json: Json = z.toJSONSchema(schema, { io, target })
      for (const [name, inside] of Object.entries(json.$defs ?? json.definitions ?? {})) add(name, inside)
      const name = nameOf(schema)
      // One that is within itself is only referred to here: it stands among the definitions.
      if (name !== undefined && json.$ref === undefined) add(name, json)
    }
  }
  return components
}
