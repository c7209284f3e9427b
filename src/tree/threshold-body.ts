/** Defines the body of PUT of a threshold. The kernel checks what the fields mean together (`checkDefinition`). */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { KernelError } from '../kernel/errno.ts'
import { levels } from '../kernel/limits/limit-row.ts'
import { type ThresholdDefinition, thresholdActions } from '../kernel/limits/thresholds/threshold.ts'
import { canonicalPath } from '../kernel/nodes/path-segment.ts'
import { parseDuration } from '../kernel/time/duration.ts'

function isPercent(text: string): text is `${number}%` {
  return /^\d{1,3}(\.\d{1,2})?%$/.test(text) && Number(text.slice(0, -1)) <= 100
}

const pointForms =
  'a whole number; a percentage from "0%" to "100%", with at most two decimals; or, as text or in a rule, an amount such as 1.5G or 250ms'

const PointBody = z.union(
  [z.int().nonnegative(), z.string().refine(isPercent, pointForms)],
  'a whole number in the limit’s unit, or a percentage of its capacity such as "80%"',
)

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, 'a duration such as "500ms", "30s" or "1h"')
  .nullable()
  .default(null)

const WhereBody = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(bounds.nameMax)
    .nullable()
    .default(null)
    .describe('Name of the process: * matches any characters, ? one. Linux has its first 15 bytes'),
  exe: z
    .string()
    .min(1)
    .max(bounds.exeMax)
    .exactOptional()
    .describe('Base name of the executable, with the same wildcards: for long names, and programs that change theirs'),
  cmdline: z
    .string()
    .min(1)
    .max(bounds.exeMax)
    .exactOptional()
    .describe(
      'The command line, with the same wildcards: arguments with a blank between them. Needs the role `operate`',
    ),
  uid: z.int().nonnegative().nullable().default(null),
  partition: z
    .string()
    .max(bounds.pathBytesMax)
    .overwrite(canonicalPath)
    .nullable()
    .default(null)
    .describe('Pathname of a partition; nested partitions are included'),
})

export const ThresholdBody = z
  .strictObject({
    on: z
      .enum(['cross', 'change'])
      .default('cross')
      .describe('`cross`, or `change`: every change emits `limit.changed`'),
    at: PointBody.nullable()
      .default(null)
      .describe(
        'Trip point: a number in the limit’s unit, or a percentage of the capacity. Reaching it counts. Not with `change`',
      ),
    rearm: PointBody.nullable()
      .default(null)
      .describe(
        'Re-arm point: it clears there, strictly on the safe side of `at`. Default: as soon as usage is not past `at`',
      ),
    direction: z.enum(['rising', 'falling']).default('rising').describe('`rising` or `falling`'),
    per: z
      .enum(levels)
      .nullable()
      .default(null)
      .describe(
        'Separately for every node of this level strictly below, also later ones and those in nested partitions',
      ),
    where: WhereBody.nullable()
      .default(null)
      .describe(
        'With `per`: only processes with this `name` (`*` any text, `?` one character), `exe` (base name of the executable), `cmdline` (command line) or `uid`, or in this `partition` or below it, and their threads',
      ),
    for: duration.describe(
      'Usage must stay past `at` this long. If it returns or becomes unreadable, the time starts again',
    ),
    once: z.boolean().default(false).describe('One event for each node; then none until the threshold is put again'),
    action: z
      .enum(thresholdActions)
      .default('notify')
      .describe(
        '`notify`, `deny` or `signal`. `deny`: calls that would pass `at` fail (the model only). `signal`: the process that trips it is sent `signal`',
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
      .describe('With `change`: the least difference from the value of the last event'),
    every: duration.describe('With `change`: the least time between two events; the next one counts the `changes`'),
    ttl: duration.describe('Removed after this long unless it is put again'),
    note: z.string().max(bounds.noteMax).nullable().default(null).describe('Free text, returned in every event'),
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
