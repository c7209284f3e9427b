/**
 * Defines the schemas of the objects that processes use, in a saved state: synchronization objects, channels and
 * timers.
 */

import { z } from 'zod'
import { mutexKinds } from '../../model/objects/sync.ts'
import { pulseCodeRange } from '../calls.ts'
import {
  ArmedSchema,
  count,
  durationMs,
  id,
  int32,
  nameText,
  pid,
  positiveId,
  priority,
  signalName,
  ThreadRefSchema,
} from './values.ts'

export const SyncSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('mutex'),
    name: nameText,
    kind: z.enum(mutexKinds),
    owner: ThreadRefSchema.nullable(),
    count,
  }),
  z.strictObject({ type: z.literal('condvar'), name: nameText }),
  z.strictObject({ type: z.literal('semaphore'), name: nameText, value: count }),
])

const Pulse = z.strictObject({
  priority,
  code: pulseCodeRange,
  value: int32,
  scoid: id,
  count: z.int().min(1),
  arrival: count,
})

export const ChannelSchema = z.strictObject({
  chid: positiveId,
  fixedPriority: z.boolean(),
  pulses: z.array(Pulse),
  servers: z.array(z.strictObject({ client: pid, scoid: positiveId })),
  lastReceivers: z.array(positiveId),
})

const Notice = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pulse'), coid: positiveId.nullable(), code: pulseCodeRange, value: int32 }),
  z.strictObject({ kind: z.literal('signal'), signal: signalName, code: int32, value: int32 }),
])

export const TimerSchema = z.strictObject({
  timerid: positiveId,
  notice: Notice,
  intervalMs: durationMs,
  overruns: count,
  armed: ArmedSchema,
})
