/** What was set before a restart, as it comes out of a file. */

import { z } from 'zod'
import type { KeptDefinition } from '../kernel/kept.ts'
import { due, LimitNames, Threshold, Timeout } from './state.ts'

const identity = z.string().nullable()

const Definition: z.ZodType<KeptDefinition> = z.discriminatedUnion('kind', [
  Threshold.extend({ kind: z.literal('threshold'), identity, endsAt: due.nullable() }),
  z.strictObject({
    kind: z.literal('timeout'),
    node: z.string(),
    identity,
    definition: Timeout,
    revision: z.int().min(0),
    owner: z.string().nullable(),
  }),
  z.strictObject({ kind: z.literal('switches'), enabled: z.boolean(), disabled: LimitNames.array() }),
])

/** Null where the text is none, as when a later version wrote it. */
export function parseDefinition(text: string): KeptDefinition | null {
  try {
    return Definition.parse(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null
    throw error
  }
}
