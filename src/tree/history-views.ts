/** Shape of a history as it is answered. */

import { z } from 'zod'
import { limitName, path, time, whole } from './value-schemas.ts'

export const IntervalView = z.strictObject({
  start: time.describe('It ends where the next one begins'),
  minimum: whole.nullable().describe('Null, all three: not known'),
  maximum: whole.nullable(),
  last: whole.nullable(),
})

export type IntervalView = z.output<typeof IntervalView>

export const HistoryView = z
  .strictObject({
    path,
    limit: limitName,
    unit: z.string(),
    every: z.string().describe('Length of an interval. Usage is noted ten times in it at the most'),
    keep: z.string().describe('How long intervals are kept'),
    kept: z.boolean().describe('It is noted at present'),
    why: z.string().optional().describe('Why it is not'),
    entries: z.array(IntervalView).describe('The oldest first'),
  })
  .meta({ id: 'History' })
