/**
 * Defines the schemas of replies about nodes, limits, thresholds and waits. They type the replies and document them in
 * OpenAPI, and tests check replies against them.
 */

import { z } from 'zod'
import { chainEnd, waitingThread } from '../kernel/events/deadlock-fields.ts'
import { levels } from '../kernel/limits/limit-row.ts'
import { threadStates } from '../kernel/states.ts'
import { fieldSchemaOf } from './field-schemas.ts'
import { point, thresholdState } from './threshold-views.ts'
import { largeNumber, limitName, path, time, whole } from './value-schemas.ts'

const level = z.enum(levels)

export const UsageView = z
  .partialRecord(limitName, whole)
  .describe('Usage of each limit, in the unit of the limit; limits whose usage is unknown are absent')

const unavailable = z
  .partialRecord(limitName, z.string())
  .optional()
  .describe('Limits that could not be read at this node, with the reason')

/** The entries of a directory below the node, present if `depth` includes them. */
function inline<Entry extends z.ZodType>(entry: Entry) {
  return z.array(entry).optional()
}

export const SystemView = z
  .strictObject({
    path,
    node: z.string().describe('Name of this machine'),
    source: z.string().describe('Name of the source: linux or model'),
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
    partitions: whole.describe('Number of partitions directly inside this one'),
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
    identity: z.string().describe('Opaque; unique for each process, even if a pid is reused'),
    started: time,
    name: z.string(),
    executable: z
      .string()
      .nullable()
      .describe('Path of the executable; null for kernel threads, and if it may not be read'),
    parent: whole.nullable().describe('pid of the parent; null if there is none or it is unknown'),
    uid: whole.nullable().describe('Effective user id'),
    partition: path.nullable(),
    self: z.literal(true).optional().describe('Present if the process is this service'),
    kernelThread: z.literal(true).optional().describe('Present if it is a thread of the Linux kernel itself'),
    state: z.partialRecord(z.enum([...threadStates, 'unknown']), whole).describe('Number of threads in each state'),
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
    state: z.enum(threadStates).nullable().describe('Null if it is unknown; `why` gives the reason'),
    certain: z
      .literal(false)
      .optional()
      .describe('The source cannot distinguish this state from another; `why` names it'),
    why: z.string().optional(),
    since: time.describe('When this state was first observed'),
    on: z
      .record(z.string(), z.union([z.string(), z.number()]))
      .optional()
      .describe('The object that the thread is blocked on'),
    priority: whole.nullable(),
    usage: UsageView,
    unavailable,
  })
  .meta({ id: 'Thread' })

export const TimeoutView = z
  .strictObject({
    path,
    holds: path
      .nullable()
      .describe('Pathname of the timeout that applies here: its own, or the nearest above; null if there is none'),
    states: z.array(z.enum(threadStates)).describe('States that the timeout limits; an empty list exempts the node'),
    after: z.string().nullable().describe('Longest time that a thread may stay in such a state, such as 500ms'),
    owner: z.string().nullable().describe('Name of the token that set the timeout, or file and line of the rule'),
    endsWith: z
      .enum(['process', 'thread'])
      .optional()
      .describe('The timeout is set at a process, and is removed when that ends'),
    advice: z.string().optional().describe('In the reply to PUT at a process: that it ends with that process'),
    warned: z.array(path).describe('Threads below that exceeded the timeout and still wait'),
  })
  .meta({ id: 'Timeout' })

export const WaitingView = fieldSchemaOf(waitingThread)

export const WaitChainView = z
  .strictObject({
    path,
    chain: z.array(WaitingView),
    end: fieldSchemaOf(chainEnd).describe('Why the chain ends here'),
    deadlocks: z.array(path).describe('Deadlocks that the thread is a member or a victim of'),
  })
  .meta({ id: 'WaitChain' })

export const WaitGraphView = z
  .strictObject({
    path,
    waiting: whole.describe('Number of threads that wait for a traced object'),
    omitted: whole.describe('Number of these threads that are not shown'),
    threads: z.array(WaitingView),
  })
  .meta({ id: 'WaitGraph' })

export const LimitView = z
  .strictObject({
    path,
    limit: limitName,
    unit: z.string(),
    value: whole.nullable().describe('Current usage; null if it is unknown'),
    peak: whole.nullable().describe('High-water mark of this node’s own value'),
    capacity: whole.nullable().describe('The value that percentages refer to; null if there is none'),
    capacitySource: z
      .string()
      .optional()
      .describe(
        'The maximum that decides the capacity, the least of those that apply: the pathname of the partition whose cgroup sets it (`/sys` for the root cgroup), or the name of a figure of the kernel',
      ),
    reclaimable: whole
      .optional()
      .describe('The part of the value that the kernel can take back when memory is needed, such as page cache'),
    asOf: time.nullable(),
    period: z.string().nullable().describe('Interval of the samples; null if every change is counted at once'),
    unreadable: whole.optional().describe('Parts of the sum that cannot be read: the value is a lower bound'),
    estimate: z.literal('touched').optional().describe('The value is a high-water mark: the largest value so far'),
    granularity: whole
      .optional()
      .describe('Present with an estimate on huge pages: the true depth may exceed the value by less than this'),
    unavailable: z.string().optional().describe('Reason why there is no value'),
    thresholds: z.array(z.strictObject({ path, at: point.nullable(), state: thresholdState })),
  })
  .meta({ id: 'Limit' })

export const RlimitView = z
  .strictObject({
    path,
    rlimit: z.string(),
    unit: z.string(),
    soft: z.union([whole, z.literal('unlimited'), largeNumber]).nullable(),
    hard: z.union([whole, z.literal('unlimited'), largeNumber]).nullable(),
    unavailable: z.string().optional(),
  })
  .meta({ id: 'Rlimit' })

export const SignalRowView = z
  .strictObject({
    number: whole,
    name: z.string(),
    refusable: z
      .boolean()
      .describe('If the signal would exceed a limit of the receiver, the sender gets EAGAIN and nothing is queued'),
    why: z.string().nullable().describe('Reason why it is not refusable; null if it is'),
  })
  .meta({ id: 'SignalRow' })

export const SignalsView = z
  .strictObject({
    path,
    signals: z.array(z.string()),
    refused: z.string().nullable().describe('Reason why no signal can be sent; null if signals can be sent'),
  })
  .meta({ id: 'Signals' })

export const SentView = z
  .strictObject({
    path,
    signal: z.string(),
    pid: whole,
    identity: z.string().describe('Identity of the process that received it'),
  })
  .meta({ id: 'SignalSent' })

export const StateView = z
  .strictObject({
    number: whole,
    name: z.enum(threadStates),
    summary: z.string(),
    transient: z.boolean(),
    legalForever: z.boolean().describe('A thread may stay in this state for ever'),
    owned: z.boolean().describe('The object that blocks the thread has an owner'),
    network: z.boolean(),
    canonical: z.boolean().describe('Not transient, not legal for ever, owned, and not a network state'),
  })
  .meta({ id: 'StateRow' })

export const LimitRowView = z
  .strictObject({
    path: path.describe('Pathname of the limit at the system, for limits that the system has'),
    name: limitName,
    summary: z.string(),
    unit: z.string(),
    home: level.describe('Level at which it is counted'),
    levels: z.array(level).describe('Levels at which it can be read'),
    adds: z.enum(['sum', 'maximum', 'read', 'none']).describe('Rule by which values add up above the home level'),
    errno: z.string().nullable().describe('Error of a request that the limit refuses'),
    rlimit: z.string().nullable(),
    available: z.boolean(),
    reason: z.string().optional().describe('Reason why this source cannot measure it'),
    period: z.string().nullable(),
  })
  .meta({ id: 'LimitRow' })

export type SystemView = z.infer<typeof SystemView>
export type PartitionView = z.infer<typeof PartitionView>
export type ProcessView = z.infer<typeof ProcessView>
export type ThreadView = z.infer<typeof ThreadView>
export type LimitView = z.infer<typeof LimitView>
export type RlimitView = z.infer<typeof RlimitView>
