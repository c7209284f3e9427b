/** Defines the body of PUT of a threshold. The kernel checks what the fields mean together (`checkDefinition`). */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { KernelError } from '../kernel/errno.ts'
import { levels } from '../kernel/limits/table.ts'
import { type ThresholdDefinition, thresholdActions } from '../kernel/limits/thresholds/threshold.ts'
import { parseDuration } from '../kernel/time/duration.ts'

function isPercent(text: string): text is `${number}%` {
  return /^\d{1,3}(\.\d{1,2})?%$/.test(text) && Number(text.slice(0, -1)) <= 100
}

const PointBody = z.union(
  [z.int().nonnegative(), z.string().refine(isPercent, 'a percentage from "0%" to "100%", at most two decimals')],
  'a whole number in the limit’s unit, or a percentage of its capacity such as "80%"',
)

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, 'a duration such as "500ms", "30s" or "1h"')
  .nullable()
  .default(null)

const WhereBody = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(bounds.nameMax)
      .nullable()
      .default(null)
      .describe('Name of the process: * matches any characters, ? one'),
    uid: z.int().nonnegative().nullable().default(null),
    partition: z
      .string()
      .max(bounds.pathBytesMax)
      .nullable()
      .default(null)
      .describe('Pathname of a partition; nested partitions are included'),
  })
  .describe('With `per`: only these processes and their threads, checked again when a process execs, changes or moves')

export const ThresholdBody = z
  .strictObject({
    on: z
      .enum(['cross', 'change'])
      .default('cross')
      .describe('`cross`: usage reaches `at`. `change`: usage changes at all; then there is no `at`'),
    at: PointBody.nullable().default(null).describe('Trip point: the threshold trips when usage reaches it'),
    rearm: PointBody.nullable().default(null).describe('Usage at which it clears; strictly on the safe side of `at`'),
    direction: z.enum(['rising', 'falling']).default('rising'),
    per: z.enum(levels).nullable().default(null).describe('Watch every node of this level strictly below separately'),
    where: WhereBody.nullable().default(null),
    for: duration.describe('Trip only after usage has been past `at` for this long'),
    once: z.boolean().default(false).describe('One event for each node; then it stays tripped until put again'),
    action: z
      .enum(thresholdActions)
      .default('notify')
      .describe(
        '`deny`: calls that would pass `at` fail (the model only). `signal`: the process that trips it is sent `signal`',
      ),
    signal: z
      .string()
      .max(bounds.nameMax)
      .exactOptional()
      .describe('Name of the signal to send, as in SIGXCPU; with the action `signal` only'),
    delta: z
      .int()
      .min(1)
      .nullable()
      .default(null)
      .describe('With `change`: the smallest difference from the last reported value that is reported'),
    every: duration.describe('With `change`: the shortest time between two events; each reports all `changes` since'),
    ttl: duration.describe('Remove the threshold after this long, unless it is put again'),
    note: z.string().max(bounds.noteMax).nullable().default(null).describe('Free text, included in every event'),
  })
  .meta({ id: 'ThresholdDefinition' }) satisfies z.ZodType<ThresholdDefinition>

/** @throws KernelError EINVAL */
export function checkThresholdName(name: string): void {
  const isInvalid = name === '.' || name === '..' || name.length > bounds.thresholdNameMax || /\p{Cc}/u.test(name)
  if (isInvalid) {
    const rule = `1 to ${bounds.thresholdNameMax} characters, no control characters, not "." or ".."`
    throw new KernelError('EINVAL', `a threshold cannot have this name: ${rule}`)
  }
}
