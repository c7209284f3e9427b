/**
 * The shapes of answers. What goes out is typed by the same schemas that document it, and tests check it against them.
 */

import { z } from 'zod'
import { chainEnd, waitingThread } from '../kernel/events/deadlock-fields.ts'
import { levels } from '../kernel/limits/table.ts'
import { thresholdActions } from '../kernel/limits/thresholds/threshold.ts'
import { threadStates } from '../kernel/states.ts'
import { fieldSchemaOf } from './field-schemas.ts'
import { limitName, path, time, whole } from './value-schemas.ts'

const level = z.enum(levels)

export const UsageView = z
  .partialRecord(limitName, whole)
  .describe('Usage of each limit that is known here, in its own unit; what is not known is absent')

const unavailable = z
  .partialRecord(limitName, z.string())
  .optional()
  .describe('Limits that could not be read here, with the reason')

/** The entries of a directory below, where `depth` includes them. */
function inline<Entry extends z.ZodType>(entry: Entry) {
  return z.array(entry).optional()
}

export const SystemView = z
  .strictObject({
    path,
    node: z.string().describe('Name of this machine'),
    source: z.string().describe('What feeds the model'),
    version: z.string(),
    directories: z.array(path),
    documents: z.array(path),
    usage: UsageView,
    get proc() {
      return inline(ProcessView)
    },
    get part() {
      return inline(PartitionView)
    },
  })
  .meta({ id: 'System' })

export const PartitionView = z
  .strictObject({
    path,
    name: z.string(),
    partitions: whole.describe('Partitions directly below'),
    usage: UsageView,
    unavailable,
    get proc() {
      return inline(ProcessView)
    },
    get part(): z.ZodOptional<z.ZodArray<typeof PartitionView>> {
      return inline(PartitionView)
    },
  })
  .meta({ id: 'Partition' })

export const ProcessView = z
  .strictObject({
    path,
    pid: whole,
    identity: z.string().describe('Opaque; no two processes share one, even where they share a pid'),
    started: time,
    name: z.string(),
    executable: z.string().nullable().describe('Null for kernel threads, and where it may not be read'),
    parent: whole.nullable().describe('pid; null where there is none or it is not known'),
    uid: whole.nullable().describe('Effective user id'),
    partition: path.nullable(),
    self: z.literal(true).optional().describe('This service itself'),
    state: z
      .partialRecord(z.enum([...threadStates, 'unknown']), whole)
      .describe('How many of its threads are in each state'),
    usage: UsageView,
    unavailable,
    get thread() {
      return inline(ThreadView)
    },
  })
  .meta({ id: 'Process' })

export const ThreadView = z
  .strictObject({
    path,
    pid: whole,
    tid: whole,
    name: z.string(),
    state: z.enum(threadStates).nullable().describe('Null where it is unknown; `why` has the reason'),
    certain: z
      .literal(false)
      .optional()
      .describe('The source cannot distinguish this state from another; `why` names it'),
    why: z.string().optional(),
    since: time.describe('When this state was first seen'),
    on: z
      .record(z.string(), z.union([z.string(), z.number()]))
      .optional()
      .describe('What it blocks on'),
    priority: whole.nullable(),
    usage: UsageView,
    unavailable,
  })
  .meta({ id: 'Thread' })

const duration = z.string().nullable().describe('As in 500ms, 30s or 1h')
const point = z.union([z.int(), z.string()]).describe('A number in the limit’s unit, or a percentage of capacity')
export const watchState = z.enum(['armed', 'tripped', 'unknown'])
export const thresholdState = z
  .enum([...watchState.options, 'disabled'])
  .describe('`disabled`: its limit, or all, is switched off')

export const ThresholdView = z
  .strictObject({
    path,
    on: z.enum(['cross', 'change']),
    at: point.nullable().describe('Null with `change`'),
    rearm: point.nullable(),
    direction: z.enum(['rising', 'falling']),
    per: level.nullable(),
    where: z
      .strictObject({ name: z.string().nullable(), uid: whole.nullable(), partition: path.nullable() })
      .nullable(),
    for: duration,
    once: z.boolean(),
    action: z.enum(thresholdActions),
    signal: z.string().optional().describe('What is sent, with the action `signal`'),
    delta: whole.nullable(),
    every: duration,
    ttl: duration,
    expires: time.optional().describe('When it is removed, with a `ttl`'),
    note: z.string().nullable(),
    owner: z.string().nullable().describe('Name of the token that set it; null where no tokens are in use'),
    state: thresholdState,
    dryRun: z.literal(true).optional().describe('Nothing was set: this is what would be'),
    value: whole.nullable().optional().describe('Usage now; null where it is not known. Not with `per`'),
    capacity: whole.nullable().optional(),
    unreadable: whole.optional().describe('Parts of the sum that cannot be read: the value is a lower bound'),
    estimate: z.literal('touched').optional().describe('The value is a high-water mark'),
    nodes: whole.optional().describe('With `per`: how many nodes are watched'),
    tripped: z.array(path).optional().describe('With `per`: the nodes’ limits that are past it'),
    unknown: whole.optional().describe('With `per`: how many cannot be read just now'),
    withoutCapacity: whole.optional().describe('With `per` and a percentage: how many have none, and are skipped'),
  })
  .meta({ id: 'Threshold' })

export const TimeoutView = z
  .strictObject({
    path,
    holds: path
      .nullable()
      .describe('The timer that holds here: its own, or the nearest above; null where there is none'),
    states: z.array(z.enum(threadStates)).describe('In which a thread may not stay for long; none exempts'),
    after: z.string().nullable().describe('How long it may, as in 500ms'),
    owner: z.string().nullable().describe('Name of the token that the timer was set with'),
    warned: z.array(path).describe('Threads below that were warned of and still wait'),
  })
  .meta({ id: 'Timeout' })

export const WaitingView = fieldSchemaOf(waitingThread)

export const WaitChainView = z
  .strictObject({
    path,
    chain: z.array(WaitingView),
    end: fieldSchemaOf(chainEnd).describe('Why it goes no further'),
    deadlocks: z.array(path).describe('Those that it is a member or a victim of'),
  })
  .meta({ id: 'WaitChain' })

export const WaitGraphView = z
  .strictObject({
    path,
    waiting: whole.describe('Threads that wait for something that is traced'),
    omitted: whole.describe('Of those, how many are not shown'),
    threads: z.array(WaitingView),
  })
  .meta({ id: 'WaitGraph' })

export const LimitView = z
  .strictObject({
    path,
    limit: limitName,
    unit: z.string(),
    value: whole.nullable().describe('Null where it is not known'),
    peak: whole.nullable().describe('High-water mark of this node’s own value'),
    capacity: whole.nullable().describe('What a percentage refers to; null where there is none'),
    asOf: time.nullable(),
    period: z.string().nullable().describe('How often it is sampled; null where it is counted as it happens'),
    unreadable: whole.optional().describe('Parts of the sum that cannot be read: the value is a lower bound'),
    estimate: z.literal('touched').optional().describe('The value is a high-water mark: how far it has ever reached'),
    unavailable: z.string().optional().describe('Why there is no value'),
    thresholds: z.array(z.strictObject({ path, at: point.nullable(), state: thresholdState })),
  })
  .meta({ id: 'Limit' })

export const RlimitView = z
  .strictObject({
    path,
    rlimit: z.string(),
    unit: z.string(),
    soft: z.union([whole, z.literal('unlimited')]).nullable(),
    hard: z.union([whole, z.literal('unlimited')]).nullable(),
    unavailable: z.string().optional(),
  })
  .meta({ id: 'Rlimit' })

export const SignalRowView = z
  .strictObject({
    number: whole,
    name: z.string(),
    refusable: z
      .boolean()
      .describe('A sender gets EAGAIN where the signal would pass a limit of the receiver, and nothing is queued'),
    why: z.string().nullable().describe('Why it is not; null where it is'),
  })
  .meta({ id: 'SignalRow' })

export const SignalsView = z
  .strictObject({
    path,
    signals: z.array(z.string()),
    refused: z.string().nullable().describe('Why none can be sent; null where they can'),
  })
  .meta({ id: 'Signals' })

export const SentView = z
  .strictObject({ path, signal: z.string(), pid: whole, identity: z.string().describe('Of the process that got it') })
  .meta({ id: 'SignalSent' })

export const StateView = z
  .strictObject({
    number: whole,
    name: z.enum(threadStates),
    summary: z.string(),
    transient: z.boolean(),
    legalForever: z.boolean().describe('It is legal to stay in it for ever'),
    owned: z.boolean().describe('What it blocks on has an owner'),
    network: z.boolean(),
    canonical: z.boolean().describe('Not transient, not legal for ever, owned, not a network state'),
  })
  .meta({ id: 'StateRow' })

export const LimitRowView = z
  .strictObject({
    path: path.describe('Of the limit at the system, where it has one there'),
    name: limitName,
    summary: z.string(),
    unit: z.string(),
    home: level.describe('Where it is counted'),
    levels: z.array(level).describe('Where it can be read'),
    adds: z.enum(['sum', 'maximum', 'read', 'none']).describe('How it adds up above its home level'),
    errno: z.string().nullable().describe('What a refusal answers'),
    rlimit: z.string().nullable(),
    available: z.boolean(),
    reason: z.string().optional().describe('Why this source cannot measure it'),
    period: z.string().nullable(),
  })
  .meta({ id: 'LimitRow' })

/** A directory: what it lists, and where the list goes on. */
export function listOf<Entry extends z.ZodType>(entry: Entry) {
  return z.strictObject({
    path,
    entries: z.array(entry),
    next: z.string().nullable().describe('Cursor of the next page; null at the end'),
  })
}

export type SystemView = z.infer<typeof SystemView>
export type PartitionView = z.infer<typeof PartitionView>
export type ProcessView = z.infer<typeof ProcessView>
export type ThreadView = z.infer<typeof ThreadView>
export type ThresholdView = z.infer<typeof ThresholdView>
export type LimitView = z.infer<typeof LimitView>
export type RlimitView = z.infer<typeof RlimitView>
