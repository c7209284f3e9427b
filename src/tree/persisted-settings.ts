/** Parses the settings and open alerts that were persisted before a restart. */

import { z } from 'zod'
import { canonicalPath } from '../kernel/nodes/path-segment.ts'
import type { OpenAlert } from '../kernel/persistence/open-alerts.ts'
import type { PersistedDefinition } from '../kernel/persistence/persisted-settings.ts'
import { threadStates } from '../kernel/states.ts'
import { TimeoutSchema } from './saved/threads.ts'
import { due, LimitNames } from './saved/values.ts'
import { SavedThreshold } from './state.ts'

const identity = z.string().nullable()

const Definition: z.ZodType<PersistedDefinition> = z.discriminatedUnion('kind', [
  SavedThreshold.extend({ kind: z.literal('threshold'), identity, endsAt: due.nullable() }),
  z.strictObject({
    kind: z.literal('timeout'),
    node: z.string(),
    identity,
    definition: TimeoutSchema,
    revision: z.int().min(0),
    owner: z.string().nullable(),
  }),
  z.strictObject({ kind: z.literal('switches'), enabled: z.boolean(), disabled: LimitNames.array() }),
])

const alertFields = { path: z.string(), about: z.string().array(), since: z.iso.datetime() }

const Alert: z.ZodType<OpenAlert> = z.discriminatedUnion('kind', [
  z.strictObject({
    ...alertFields,
    kind: z.literal('deadlock'),
    was: z.enum(['detected', 'orphaned', 'suspected']),
    members: z.strictObject({ path: z.string(), name: z.string() }).array(),
  }),
  z.strictObject({
    ...alertFields,
    kind: z.literal('warning'),
    timeout: z.string(),
    pid: z.int(),
    tid: z.int(),
    name: z.string(),
    identity: z.string(),
    state: z.enum(threadStates),
  }),
])

/** Null where the text is invalid, for example written by a later version. */
export function parseDefinition(text: string): PersistedDefinition | null {
  const definition = parseAs(Definition, text)
  return definition === null ? null : withCanonicalPaths(definition)
}

/** Earlier versions encoded more characters of names in pathnames. */
function withCanonicalPaths(definition: PersistedDefinition): PersistedDefinition {
  if (definition.kind === 'switches') return definition
  const node = canonicalPath(definition.node)
  if (definition.kind === 'timeout') return { ...definition, node }
  const { where } = definition.definition
  if (where === null || where.partition === null) return { ...definition, node }
  const partition = canonicalPath(where.partition)
  return { ...definition, node, definition: { ...definition.definition, where: { ...where, partition } } }
}

/** Null where the text is invalid. */
export function parseAlert(text: string): OpenAlert | null {
  return parseAs(Alert, text)
}

function parseAs<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null
    throw error
  }
}
