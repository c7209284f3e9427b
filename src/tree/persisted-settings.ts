/** Parses the settings and open alerts that were persisted before a restart. */

import { z } from 'zod'
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
  return parseAs(Definition, text)
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
