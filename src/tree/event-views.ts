/** What each type of event says: the shape of its data. AsyncAPI, the reference and the tests are made from these rows. */

import { z } from 'zod'
import { type Errno, errnos } from '../kernel/errno.ts'
import type { EventType } from '../kernel/events.ts'
import { threadStates } from '../kernel/states.ts'
import { DeadlockView } from './deadlock-views.ts'
import { limitName, path, time, WaitChainView, WaitingView, whole } from './views.ts'

const errno = z.enum(Object.keys(errnos) as [Errno, ...Errno[]])
const state = z.enum(threadStates).nullable().describe('Null where it cannot be told')
const peak = z.partialRecord(limitName, whole).describe('The highest known of each limit')
const on = z.record(z.string(), z.union([z.string(), z.number()])).describe('What it blocks on')
const note = z.string().nullable().describe('Of the threshold')
const self = z.literal(true).optional().describe('It is introspectd itself')

const process = {
  pid: whole,
  identity: z.string().describe('Of the process: no two share one, even where they share a pid'),
  name: z.string().describe('Of the process'),
}

const thread = { ...process, tid: whole, name: z.string().describe('Of the thread') }

const ProcessCreated = z.strictObject({
  ...process,
  name: z.string().describe('On Linux its parent’s at first: it gets its own at exec'),
  started: time,
  parent: whole.nullable().describe('pid; null where there is none or it is not known'),
  executable: z.string().nullable().describe('Null for kernel threads, and where it may not be read'),
  uid: whole.nullable().describe('Effective user id'),
  partition: path.nullable(),
  self,
})

const ProcessChanged = z.strictObject({
  what: z.enum(['exec', 'name', 'uid', 'partition']),
  ...process,
  executable: z.string().nullable().describe('Null for kernel threads, and where it may not be read'),
  uid: whole.nullable().describe('Effective user id'),
  partition: path.nullable(),
})

const ProcessDied = z.strictObject({
  ...process,
  code: whole.nullable().describe('Exit code; null where a signal ended it, or it was found gone by polling'),
  signal: z.string().nullable().describe('Which ended it; null where none did, or it was found gone by polling'),
  peak,
})

const OfThread = z.strictObject(thread)

const ThreadChanged = z.strictObject({
  what: z.literal('state'),
  ...thread,
  state,
  on: on.optional(),
  from: z.enum(threadStates).optional().describe('Where it goes on: the state that it was in'),
  call: z.string().nullable().optional().describe('Where it goes on: the call that it was blocked in'),
  errno: errno.optional().describe('Where that call failed'),
})

const PartitionCreated = z.strictObject({ name: z.string() })
const PartitionDied = z.strictObject({ name: z.string(), peak })

const crossing = {
  threshold: path.describe('Pathname of the threshold'),
  limit: limitName,
  value: whole.nullable().describe('Of the node that crossed; null where it is no longer known'),
  capacity: whole.nullable().describe('What a percentage refers to; null where there is none'),
  peak: whole.nullable().describe('High-water mark of the node’s own value'),
  unreadable: whole.optional().describe('Parts of the sum that cannot be read: the value is a lower bound'),
  estimate: z.literal('touched').optional().describe('The value is a high-water mark'),
  identity: z.string().optional().describe('Of the process; not where the node is above processes'),
  name: z.string().optional().describe('Of the process'),
  self,
  period: z.string().nullable().describe('How often the limit is sampled; null where it is counted as it happens'),
  top: z
    .array(
      z.strictObject({
        path,
        pid: whole.optional(),
        tid: whole.optional(),
        name: z.string().optional(),
        identity: z.string().optional(),
        self,
        value: whole,
      }),
    )
    .describe('Of a sum, the three parts that use most'),
  note,
}

const points = {
  at: whole.nullable().describe('Trip point: of a percentage, the first number past it'),
  rearm: whole.nullable().describe('Where it is cleared again'),
  direction: z.enum(['rising', 'falling']),
  for: z.string().optional().describe('How long it stayed past before it was told, where the threshold asks for that'),
}

const ThresholdTripped = z.strictObject({
  ...crossing,
  ...points,
  initial: z.boolean().describe('It was past the point when the threshold was set'),
})

/** Of what ended while the service was not running only little is known. */
const ThresholdCleared = z
  .strictObject({ ...crossing, ...points })
  .partial({ capacity: true, peak: true, period: true, top: true, at: true, rearm: true, direction: true })
  .extend({ reason: z.enum(['rearmed', 'died', 'deleted', 'replaced', 'expired', 'disabled', 'filtered']) })

const LimitChanged = z.strictObject({
  ...crossing,
  from: whole.nullable().describe('The value that was told last; at first the one that was found'),
  changes: whole.describe('How often it has changed since'),
})

const LimitDenied = z.strictObject({
  limit: limitName,
  errno: errno.describe('What the refused call answered, where this is the first that refused'),
  by: z.enum(['threshold', 'rlimit', 'pool']),
  rlimit: z.string().optional().describe('Which, where an rlimit refuses'),
  threshold: path.nullable().describe('Null where none refuses'),
  newborn: z
    .enum(['thread', 'process'])
    .optional()
    .describe('It would have begun past the limit, and is not made; the subject is where it would have been'),
  value: whole.describe('In use'),
  wanted: whole.describe('How much more was wanted'),
  most: whole.describe('The most that is let be'),
  identity: z.string().optional().describe('Of the receiving process'),
  name: z.string().optional().describe('Of the receiving process'),
  note,
  cause: path
    .nullable()
    .describe('Who was refused: a thread; a process whose timer expired, or that ended; a threshold that signals'),
  call: z.string().nullable().describe('What it called; null where nobody called'),
})

const ThresholdActed = z.strictObject({
  ...process,
  threshold: path,
  limit: limitName,
  signal: z.string(),
  tid: whole.optional().describe('Where it goes to one thread'),
  sent: z.boolean(),
  errno: errno.optional().describe('Where it was not sent'),
  reason: z.string().optional().describe('Where it was not sent'),
  note,
})

const timed = {
  ...thread,
  timeout: path.describe('Pathname of the default timer that ran out'),
  state: state.describe('That it was in when it was told of'),
  since: time.describe('When the blocking began'),
  blocked: z.string().describe('How long it had lasted, as in 512ms'),
}

const DeadlockWarning = z.strictObject({
  ...timed,
  on: on.optional(),
  certain: z.literal(false).optional().describe('The source cannot tell that state from another'),
  why: z.string().optional().describe('Which other'),
  after: z.string().describe('How long it may last'),
  chain: WaitChainView.shape.chain.describe('What it waits for, and what that waits for, as `wait` shows it'),
  end: WaitChainView.shape.end,
  initial: z.boolean().describe('It had waited too long when the timer was set, or its process moved'),
})

const DeadlockEased = z.strictObject({
  ...timed,
  blocked: timed.blocked
    .nullable()
    .describe('How long it had lasted; null where the service was not running when it ended'),
  now: state.describe('That it is in now; `DEAD` where it has ended'),
})

const found = {
  since: time.describe('When it was found'),
  closing: DeadlockView.shape.closing,
  members: z.array(WaitingView).describe('In order round the ring, else by pid and tid'),
  victims: z.array(WaitingView).describe('The first of those that are stuck because the members are'),
  victimCount: whole,
}

const DeadlockFound = z.strictObject(found)

const DeadlockSuspected = z.strictObject({
  ...found,
  reason: z.string().describe('What must hold for it to be a deadlock; several with commas'),
})

const DeadlockResolved = z.strictObject({
  how: z.enum(['returned', 'ended', 'abandoned', 'created', 'changed', 'proven', 'restarted']),
  was: z.enum(['detected', 'orphaned', 'suspected']),
  thread: path.nullable().optional().describe('Which changed it; null where that was not seen'),
  errno: errno.optional().describe('Where a member’s call returned with it'),
  proven: path.optional().describe('What a suspicion has become'),
  since: time.describe('When it was found'),
  members: z.array(z.strictObject({ path, name: z.string() })),
  stuck: z
    .array(path)
    .optional()
    .describe(
      'The members that are stuck all the same: looked at again, and told anew. Absent where the service was restarted',
    ),
})

const StateReplaced = z.strictObject({ before: time.describe('Where the clock was before') })

const SourceDegraded = z.strictObject({
  what: z.string(),
  reason: z.string(),
  blocked: z.string().optional().describe('Of the event loop: for how long, as in 2500ms'),
})
const SourceRecovered = z.strictObject({ what: z.string(), reason: z.string().optional() })

const EventsLost = z.strictObject({
  count: whole.nullable().describe('How many; null where nobody knows'),
  from: time.nullable().describe('Null where nobody knows'),
  to: time,
  why: z.string(),
  cursor: z.string().optional().describe('Where it stands for events that could not be kept: the last of those'),
})

export const eventData = {
  'process.created': ProcessCreated,
  'process.died': ProcessDied,
  'process.changed': ProcessChanged,
  'thread.created': OfThread,
  'thread.died': OfThread,
  'thread.changed': ThreadChanged,
  'partition.created': PartitionCreated,
  'partition.died': PartitionDied,
  'threshold.tripped': ThresholdTripped,
  'threshold.acted': ThresholdActed,
  'threshold.cleared': ThresholdCleared,
  'limit.changed': LimitChanged,
  'limit.denied': LimitDenied,
  'deadlock.warning': DeadlockWarning,
  'deadlock.eased': DeadlockEased,
  'deadlock.detected': DeadlockFound,
  'deadlock.orphaned': DeadlockFound,
  'deadlock.suspected': DeadlockSuspected,
  'deadlock.resolved': DeadlockResolved,
  'state.replaced': StateReplaced,
  'source.degraded': SourceDegraded,
  'source.recovered': SourceRecovered,
  'events.lost': EventsLost,
} as const satisfies Record<EventType, z.ZodObject>
