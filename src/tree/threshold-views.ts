/** Defines the schema of replies about thresholds, and their states. */

import { z } from 'zod'
import { levels } from '../kernel/limits/limit-row.ts'
import { thresholdActions } from '../kernel/limits/thresholds/threshold.ts'
import { path, time, whole } from './value-schemas.ts'

const duration = z.string().nullable().describe('A duration such as 500ms, 30s or 1h')
export const point = z
  .union([z.int(), z.string()])
  .describe('A number in the limit’s unit, or a percentage of capacity')
export const watchState = z.enum(['armed', 'tripped', 'unknown'])
export const thresholdState = z
  .enum([...watchState.options, 'disabled', 'waiting'])
  .describe(
    '`disabled`: the notifier, or the limit in it, is switched off. `waiting`: its partition is not there (yet). It applies as soon as the partition appears',
  )

export const ThresholdView = z
  .strictObject({
    path,
    on: z.enum(['cross', 'change']),
    at: point.nullable().describe('Null with `change`'),
    rearm: point.nullable(),
    direction: z.enum(['rising', 'falling']),
    per: z.enum(levels).nullable(),
    where: z
      .strictObject({
        name: z.string().nullable(),
        exe: z.string().exactOptional(),
        cmdline: z.string().exactOptional(),
        uid: whole.nullable(),
        partition: path.nullable(),
      })
      .nullable(),
    for: duration,
    once: z.boolean(),
    action: z.enum(thresholdActions),
    signal: z.string().optional().describe('Signal that the action `signal` sends'),
    delta: whole.nullable(),
    every: duration,
    ttl: duration,
    expires: time.optional().describe('With a `ttl`: when the threshold is removed'),
    note: z.string().nullable(),
    owner: z
      .string()
      .nullable()
      .describe('Name of the token that set it, or file and line of the rule; null if it was set without a token'),
    endsWith: z
      .enum(['process', 'thread'])
      .optional()
      .describe('It is set at this process or thread, and is removed when that ends'),
    state: thresholdState,
    advice: z
      .string()
      .optional()
      .describe(
        'In the reply to PUT: that it ends with its process, or that another way to choose processes may be meant',
      ),
    dryRun: z.literal(true).optional().describe('Nothing was set: the reply shows the threshold as it would be'),
    value: whole.nullable().optional().describe('Current usage; null if it is unknown. Absent with `per`'),
    capacity: whole.nullable().optional(),
    unreadable: whole.optional().describe('Parts of the sum that cannot be read: the value is a lower bound'),
    estimate: z.literal('touched').optional().describe('The value is a high-water mark'),
    nodes: whole.optional().describe('With `per`: number of watched nodes'),
    tripped: z.array(path).optional().describe('With `per`: pathnames of the limits that have tripped'),
    unknown: whole.optional().describe('With `per`: number of nodes that cannot be read at present'),
    withoutCapacity: whole
      .optional()
      .describe('With `per` and a percentage: number of nodes without a capacity, which are skipped'),
  })
  .meta({ id: 'Threshold' })

export type ThresholdView = z.infer<typeof ThresholdView>
