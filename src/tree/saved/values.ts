/**
 * Defines the values that occur in many parts of a saved state: ids, names, times, references, and the data of every
 * node.
 */

import { z } from 'zod'
import { bounds } from '../../base/bounds.ts'
import { type LimitName, limits } from '../../kernel/limits/table.ts'
import { clockEnd } from '../../model/machine.ts'
import { signalRows } from '../../model/signals.ts'
import { watchState } from '../threshold-views.ts'

export const count = z.int().nonnegative()
export const id = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
export const positiveId = id.min(1)
/** A receive id is never reused, so it can grow beyond other ids. */
export const rcvid = z.int().min(1)
export const pid = positiveId
export const int32 = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1)
export const nameText = z.string().min(1).max(bounds.nameMax)
export const priority = z.int().min(0).max(255)
export const signalName = z.enum(signalRows.map((row) => row.name))
export const signalNames = z.array(signalName).max(signalRows.length)
export const clockTime = z.int().min(0).max(clockEnd)
/** A due time may lie beyond the end of the clock, but not beyond the last date that JavaScript can represent. */
export const due = z.int().min(0).max(8_640_000_000_000_000)
export const durationMs = z.int().min(0).max(3_600_000_000_000_000)

const limitNames = limits.map((row) => row.name) as [LimitName, ...LimitName[]]
export const LimitNames = z.enum(limitNames)

const SavedUsage = z.strictObject({
  value: count,
  peak: count,
  known: count,
  unreadable: count.exactOptional(),
  estimated: count.exactOptional(),
  capacity: count.exactOptional(),
  at: clockTime.exactOptional(),
  unavailable: z.string().max(bounds.noteMax).exactOptional(),
})

export const savedNodeShape = {
  revision: count,
  usage: z.partialRecord(LimitNames, SavedUsage),
  watches: z.array(
    z.strictObject({
      threshold: z.string(),
      state: watchState,
      fresh: z.boolean(),
      told: z
        .strictObject({ value: count, changes: count, at: clockTime.nullable() })
        .nullable()
        .describe('With `change`: the last reported value, when it was reported, and the number of changes since'),
    }),
  ),
}

export const ArmedSchema = z
  .strictObject({ at: due, place: count })
  .nullable()
  .describe('Time of expiry, and position among all armed timers')

export const EndedRefSchema = z.strictObject({ ended: count })
export const ProcessRefSchema = z.union([pid, EndedRefSchema])
export const ThreadRefSchema = z.union([z.tuple([pid, positiveId]), EndedRefSchema])
export const ChannelRefSchema = z.union([z.tuple([pid, positiveId]), EndedRefSchema])

export const PendingSignalsSchema = z.array(
  z.strictObject({ signal: signalName, code: int32, value: int32, from: pid.nullable() }),
)
