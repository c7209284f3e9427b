/** Makes the zod schema of the data of each event type from the rows of `kernel/events.ts`. */

import type { z } from 'zod'
import { eventTypes } from '../kernel/events.ts'
import { objectSchemaOf } from './field-schemas.ts'

export const eventDataSchemas: ReadonlyMap<string, z.ZodObject> = new Map(
  eventTypes.map(({ type, data }) => [type, objectSchemaOf(data)]),
)
