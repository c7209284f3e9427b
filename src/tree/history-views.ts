/** Defines the schema of a history. */

import { z } from 'zod'
import { limitName, path, time, whole } from './value-schemas.ts'

export const IntervalView = z.strictObject({
  start: time.describe('Start of the interval, which ends at the start of the next one'),
  minimum: whole.nullable().describe('All three values are null if the usage is unknown'),
  maximum: whole.nullable(),
  last: whole.nullable(),
})

export type IntervalView = z.output<typeof IntervalView>

export const HistoryView = z
  .strictObject({
    path,
    limit: limitName,
    unit: z.string(),
    every: z.string().describe('Length of an interval. Usage is recorded at most ten times in it'),
    keep: z.string().describe('Time for which intervals are stored'),
    kept: z.boolean().describe('Whether usage is recorded at present'),
    why: z.string().optional().describe('Reason why it is not recorded'),
    entries: z.array(IntervalView).describe('The oldest first'),
  })
  .meta({ id: 'History' })
