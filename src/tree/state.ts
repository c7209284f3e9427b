/**
 * Defines the schema of a saved state of the model, and saves the state unless it is too large to load again. The
 * schema checks everything that the kernel assumes about a state (`model/state`). The kernel checks references between
 * objects itself while it loads the state.
 */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { KernelError } from '../kernel/errno.ts'
import type { Machine } from '../model/machine.ts'
import { exportState, type MachineState, stateVersion } from '../model/state/state.ts'
import { threadPath } from './calls.ts'
import { SyncSchema } from './saved/objects.ts'
import { SystemSchema } from './saved/partitions.ts'
import { identityText, ProcessSchema } from './saved/processes.ts'
import { TimeoutSchema } from './saved/threads.ts'
import {
  clockTime,
  count,
  due,
  id,
  LimitNames,
  nameText,
  ProcessRefSchema,
  pid,
  positiveId,
  ThreadRefSchema,
} from './saved/values.ts'
import { ThresholdBody } from './threshold-body.ts'

/** Later deadlock ids continue after the loaded ones, and must stay exact as JavaScript numbers. */
const deadlockIdMax = 2 ** 52

/** A threshold in a saved state. */
export const SavedThreshold = z.strictObject({
  node: z.string().describe('Pathname of the node that it is set at'),
  limit: LimitNames,
  name: z.string(),
  definition: ThresholdBody,
  revision: count,
  owner: z.string().nullable(),
})

const EndedThings = z.strictObject({
  processes: z.array(z.strictObject({ pid, identity: identityText, started: clockTime, name: nameText, uid: count })),
  threads: z.array(z.strictObject({ process: ProcessRefSchema, tid: positiveId, name: z.string() })),
  channels: z.array(z.strictObject({ owner: ProcessRefSchema, chid: positiveId, fixedPriority: z.boolean() })),
})

const path = '/sys/state'

export type SavedState = MachineState & { readonly path: typeof path }

export const StateSchema: z.ZodType<SavedState> = z
  .strictObject({
    path: z.literal(path),
    version: z
      .literal(stateVersion, `only a state of version ${stateVersion} can be loaded here`)
      .describe('Version of this format'),
    now: clockTime.describe('Time of the kernel’s clock, in ms'),
    births: count,
    arrivals: count,
    lastPid: id,
    pids: z.array(pid),
    running: ThreadRefSchema.nullable(),
    nextRevision: count,
    system: SystemSchema,
    processes: z.array(ProcessSchema),
    shared: z.array(SyncSchema),
    thresholds: z.array(SavedThreshold),
    notifier: z
      .strictObject({ enabled: z.boolean(), disabled: LimitNames.array() })
      .describe('Whether the notifier is enabled, and the limits that are disabled'),
    waiting: z
      .array(z.strictObject({ threshold: z.string(), node: z.string().nullable(), at: due }))
      .describe('Thresholds that expire or wait at a node, in the order in which they were armed'),
    deadlocks: z.array(
      z.strictObject({
        id: z.int().min(1).max(deadlockIdMax, 'an id after which there is room for others'),
        kind: z.enum(['detected', 'orphaned', 'suspected']),
        // Only live machines have weaker evidence.
        reasons: z.array(z.enum(['receiver-will-reply', 'timed'])),
        since: clockTime,
        closing: z.strictObject({
          what: z.enum(['blocked', 'ended', 'released', 'observed']),
          thread: z.string().regex(threadPath, 'the pathname of a thread, as in /sys/proc/1/thread/1').nullable(),
          state: z.string().nullable(),
          call: z.string().nullable(),
        }),
        members: z.array(z.tuple([pid, positiveId])).min(1),
      }),
    ),
    timeouts: z.array(
      z.strictObject({ node: z.string(), definition: TimeoutSchema, revision: count, owner: z.string().nullable() }),
    ),
    nextTimeoutRevision: count,
    ended: EndedThings,
  })
  .meta({ id: 'MachineState' })

/** The current state of a machine. @throws EFBIG the state is too large to be loaded again */
export function saveState(machine: Machine): SavedState {
  const state = { path, ...exportState(machine) } as const
  let left = bounds.stateBytesMax
  for (const part of partsOf(state)) {
    left -= Buffer.byteLength(JSON.stringify(part))
    if (left < 0)
      throw new KernelError(
        'EFBIG',
        `as JSON this state has more than the ${bounds.stateBytesMax} bytes that can be read`,
      )
  }
  return state
}

/** Splits a state into parts that are small even when the whole state is large. */
function* partsOf({ processes, ...rest }: SavedState): Generator<unknown> {
  yield rest
  for (const { threads, ...process } of processes) {
    yield process
    yield* threads
  }
}
