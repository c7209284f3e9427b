/** Defines the schema of a process in a saved state, with its threads and everything it has open. */

import { z } from 'zod'
import { bounds } from '../../base/bounds.ts'
import { rlimitNames } from '../../kernel/limits/rlimits.ts'
import { idKinds } from '../../model/objects/model-process.ts'
import { ChannelSchema, SyncSchema, TimerSchema } from './objects.ts'
import { ThreadSchema } from './threads.ts'
import {
  ChannelRefSchema,
  clockTime,
  count,
  id,
  nameText,
  PendingSignalsSchema,
  pid,
  positiveId,
  rcvid,
  savedNodeShape,
  signalName,
} from './values.ts'

const Ids = z.strictObject({ next: count, free: z.array(id) })
const Rlimit = z.strictObject({ soft: count.nullable(), hard: count.nullable() })
export const identityText = z.string().min(1).max(bounds.nameMax)

export const ProcessSchema = z
  .strictObject({
    pid,
    identity: identityText,
    started: clockTime,
    name: nameText,
    uid: count,
    parent: pid.nullable(),
    rlimits: z.record(z.enum(rlimitNames), Rlimit),
    ids: z.record(z.enum(idKinds), Ids),
    dataPages: count,
    lockedPages: count,
    resident: count,
    stopped: z.boolean(),
    overCpu: z.boolean(),
    threads: z.array(ThreadSchema).min(1),
    channels: z.array(ChannelSchema),
    connections: z.array(z.strictObject({ coid: positiveId, channel: ChannelRefSchema, scoid: positiveId })),
    received: z.array(rcvid),
    syncs: z.array(SyncSchema),
    timers: z.array(TimerSchema),
    files: z.array(z.strictObject({ fd: id, path: z.string(), writable: z.boolean(), size: count })),
    zombies: z.array(z.strictObject({ pid, code: z.int().nullable(), signal: signalName.nullable() })),
    dispositions: z.array(z.tuple([signalName, z.enum(['default', 'ignore', 'handle'])])),
    pending: PendingSignalsSchema,
    ...savedNodeShape,
  })
  .meta({ id: 'ProcessState' })
