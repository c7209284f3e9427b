/**
 * The shape of a saved state, as it goes out and comes in: what the kernel takes for granted of one (`kernel/state`) is
 * looked at here. Whether what it names is in it, the kernel finds as it loads it.
 */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { errnos, KernelError } from '../kernel/errno.ts'
import { rlimitNames } from '../kernel/limits/rlimits.ts'
import { type LimitName, limits } from '../kernel/limits/table.ts'
import { threadStates, timeoutStates } from '../kernel/states.ts'
import { clockEnd, type Machine } from '../model/machine.ts'
import { idKinds } from '../model/objects/model-process.ts'
import { mutexKinds } from '../model/objects/sync.ts'
import { signalRows } from '../model/signals.ts'
import type { PartitionState } from '../model/state/containers.ts'
import { exportState, type MachineState, stateVersion } from '../model/state/state.ts'
import { callName, payload, threadPath } from './calls.ts'
import { ThresholdBody } from './threshold-body.ts'
import { watchState } from './views.ts'

const count = z.int().nonnegative()
const id = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
const named = id.min(1)
/** None comes again: they outgrow other ids. */
const rcvid = z.int().min(1)
const pid = named
const integer = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1)
const name = z.string().min(1).max(bounds.nameMax)
const priority = z.int().min(0).max(255)
const signal = z.enum(signalRows.map((row) => row.name))
const signals = z.array(signal).max(signalRows.length)
const time = z.int().min(0).max(clockEnd)
/** Durations reach beyond the end of the clock, and no further than dates do. */
export const due = z.int().min(0).max(8_640_000_000_000_000)
const duration = z.int().min(0).max(3_600_000_000_000_000)
/** The ids of later deadlocks count on from these, and must stay exact. */
const deadlockIdMax = 2 ** 52

const limitNames = limits.map((row) => row.name) as [LimitName, ...LimitName[]]
export const LimitNames = z.enum(limitNames)

const Held = z.strictObject({
  value: count,
  peak: count,
  known: count,
  unreadable: count.exactOptional(),
  estimated: count.exactOptional(),
  capacity: count.exactOptional(),
  at: time.exactOptional(),
  unavailable: z.string().max(bounds.noteMax).exactOptional(),
})

const nodeShape = {
  revision: count,
  usage: z.partialRecord(LimitNames, Held),
  watches: z.array(
    z.strictObject({
      threshold: z.string(),
      state: watchState,
      fresh: z.boolean(),
      told: z
        .strictObject({ value: count, changes: count, at: time.nullable() })
        .nullable()
        .describe('With `change`: the last reported value, when it was reported, and the number of changes since'),
    }),
  ),
}

const Armed = z.strictObject({ at: due, place: count }).nullable().describe('When it expires, and its place among all')

const Ended = z.strictObject({ ended: count })
const ProcessRef = z.union([pid, Ended])
const ThreadRef = z.union([z.tuple([pid, named]), Ended])
const ChannelRef = z.union([z.tuple([pid, named]), Ended])

const Pending = z.array(z.strictObject({ signal, code: integer, value: integer, from: pid.nullable() }))

const Returned = z.union([
  z.strictObject({ call: callName, value: z.record(z.string(), z.unknown()) }),
  z.strictObject({ call: callName, errno: z.enum(Object.keys(errnos) as (keyof typeof errnos)[]) }),
])

const Blocker = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('SEND'), coid: named, payload }),
  z.strictObject({ state: z.literal('REPLY'), coid: named, payload, rcvid, receiver: named }),
  z.strictObject({ state: z.literal('RECEIVE'), chid: named }),
  z.strictObject({
    state: z.literal('MUTEX'),
    mutex: name,
    after: z.strictObject({ outcome: z.enum(['locked', 'signalled', 'timed-out']), count }),
  }),
  z.strictObject({ state: z.literal('CONDVAR'), condvar: name, mutex: name, count }),
  z.strictObject({ state: z.literal('SEM'), semaphore: name }),
  z.strictObject({ state: z.literal('JOIN'), tid: named }),
  z.strictObject({ state: z.literal('NANOSLEEP'), armed: Armed }),
  z.strictObject({ state: z.literal('SIGWAITINFO'), signals }),
  z.strictObject({ state: z.literal('SIGSUSPEND'), formerMask: signals }),
  z.strictObject({ state: z.literal('STOPPED') }),
])

export const Timeout = z.strictObject({
  states: z.array(z.enum(timeoutStates)).max(timeoutStates.length),
  afterMs: z.int().min(1).max(bounds.timeoutMsMax).nullable(),
})

const Thread = z
  .strictObject({
    tid: named,
    name: z.string().max(bounds.nameMax),
    isMain: z.boolean(),
    detached: z.boolean(),
    state: z.enum(threadStates),
    since: time,
    former: z.strictObject({ state: z.enum(threadStates), since: time }).nullable(),
    timed: z
      .strictObject({
        begin: time,
        timeout: z.string(),
        definition: Timeout,
        warned: z.enum(threadStates).nullable(),
        isPassing: z.boolean(),
        place: count.nullable(),
      })
      .nullable(),
    status: integer,
    priority,
    realPriority: priority,
    servedPriority: priority.nullable(),
    serving: rcvid.nullable(),
    blocker: Blocker.nullable(),
    calling: callName.nullable(),
    returned: Returned.nullable(),
    arrival: count,
    mask: signals,
    pending: Pending,
    timeout: z.strictObject({ states: z.array(z.enum(timeoutStates)), due, armed: Armed }).nullable(),
    shares: z.array(z.strictObject({ us: count, armed: Armed })),
    ...nodeShape,
  })
  .meta({ id: 'ThreadState' })

const Sync = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('mutex'),
    name,
    kind: z.enum(mutexKinds),
    owner: ThreadRef.nullable(),
    count,
  }),
  z.strictObject({ type: z.literal('condvar'), name }),
  z.strictObject({ type: z.literal('semaphore'), name, value: count }),
])

const Pulse = z.strictObject({
  priority,
  code: integer,
  value: integer,
  scoid: id,
  count: z.int().min(1),
  arrival: count,
})

const Channel = z.strictObject({
  chid: named,
  fixedPriority: z.boolean(),
  pulses: z.array(Pulse),
  servers: z.array(z.strictObject({ client: pid, scoid: named })),
  lastReceivers: z.array(named),
})

const Notice = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pulse'), coid: named.nullable(), code: integer, value: integer }),
  z.strictObject({ kind: z.literal('signal'), signal, code: integer, value: integer }),
])

const Timer = z.strictObject({ timerid: named, notice: Notice, intervalMs: duration, overruns: count, armed: Armed })

const Ids = z.strictObject({ next: count, free: z.array(id) })
const Rlimit = z.strictObject({ soft: count.nullable(), hard: count.nullable() })
const identity = z.string().min(1).max(bounds.nameMax)

const Process = z
  .strictObject({
    pid,
    identity,
    started: time,
    name,
    uid: count,
    parent: pid.nullable(),
    rlimits: z.record(z.enum(rlimitNames), Rlimit),
    ids: z.record(z.enum(idKinds), Ids),
    dataPages: count,
    lockedPages: count,
    resident: count,
    stopped: z.boolean(),
    overCpu: z.boolean(),
    threads: z.array(Thread).min(1),
    channels: z.array(Channel),
    connections: z.array(z.strictObject({ coid: named, channel: ChannelRef, scoid: named })),
    received: z.array(rcvid),
    syncs: z.array(Sync),
    timers: z.array(Timer),
    files: z.array(z.strictObject({ fd: id, path: z.string(), writable: z.boolean(), size: count })),
    zombies: z.array(z.strictObject({ pid, code: z.int().nullable(), signal: signal.nullable() })),
    dispositions: z.array(z.tuple([signal, z.enum(['default', 'ignore', 'handle'])])),
    pending: Pending,
    ...nodeShape,
  })
  .meta({ id: 'ProcessState' })

const Partition: z.ZodType<PartitionState> = z
  .strictObject({
    name: z.string().min(1),
    members: z.array(pid),
    get partitions() {
      return z.array(Partition)
    },
    ...nodeShape,
  })
  .meta({ id: 'PartitionState' })

const System = z.strictObject({ members: z.array(pid), partitions: z.array(Partition), ...nodeShape })

/**
 * Checks the depth of nested partitions before anything else: parsing a too deep structure would overflow the stack.
 */
const BoundedSystem = z.preprocess((value, context) => {
  if (hasDepth(value, bounds.partitionDepthMax + 1))
    context.addIssue(`at most ${bounds.partitionDepthMax} partitions are inside one another`)
  return value
}, System)

function hasDepth(container: unknown, depth: number): boolean {
  let level: readonly unknown[] = [container]
  for (let reached = 0; reached < depth && level.length > 0; reached++) level = level.flatMap(partitionsOf)
  return level.length > 0
}

function partitionsOf(container: unknown): readonly unknown[] {
  const isObject = typeof container === 'object' && container !== null && 'partitions' in container
  return isObject && Array.isArray(container.partitions) ? container.partitions : []
}

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
  processes: z.array(z.strictObject({ pid, identity, started: time, name, uid: count })),
  threads: z.array(z.strictObject({ process: ProcessRef, tid: named, name: z.string() })),
  channels: z.array(z.strictObject({ owner: ProcessRef, chid: named, fixedPriority: z.boolean() })),
})

const path = '/sys/state'

export type SavedState = MachineState & { readonly path: typeof path }

export const StateSchema: z.ZodType<SavedState> = z
  .strictObject({
    path: z.literal(path),
    version: z
      .literal(stateVersion, `only a state of version ${stateVersion} can be loaded here`)
      .describe('Of this format'),
    now: time.describe('ms of the kernel’s clock'),
    births: count,
    arrivals: count,
    lastPid: id,
    pids: z.array(pid),
    running: ThreadRef.nullable(),
    nextRevision: count,
    system: BoundedSystem,
    processes: z.array(Process),
    shared: z.array(Sync),
    thresholds: z.array(SavedThreshold),
    notifier: z.strictObject({ enabled: z.boolean(), disabled: LimitNames.array() }).describe('What is switched on'),
    waiting: z
      .array(z.strictObject({ threshold: z.string(), node: z.string().nullable(), at: due }))
      .describe('Thresholds that end, or that wait at a node, in the order in which they were armed'),
    deadlocks: z.array(
      z.strictObject({
        id: z.int().min(1).max(deadlockIdMax, 'an id after which there is room for others'),
        kind: z.enum(['detected', 'orphaned', 'suspected']),
        // Weaker evidence is of live machines.
        reasons: z.array(z.literal('receiver-will-reply')),
        since: time,
        closing: z.strictObject({
          what: z.enum(['blocked', 'ended', 'released', 'observed']),
          thread: z.string().regex(threadPath, 'the pathname of a thread, as in /sys/proc/1/thread/1').nullable(),
          state: z.string().nullable(),
          call: z.string().nullable(),
        }),
        members: z.array(z.tuple([pid, named])).min(1),
      }),
    ),
    timeouts: z.array(
      z.strictObject({ node: z.string(), definition: Timeout, revision: count, owner: z.string().nullable() }),
    ),
    nextTimeoutRevision: count,
    ended: EndedThings,
  })
  .meta({ id: 'MachineState' })

/** The state that a machine is in. @throws EFBIG it would be too large to be read again */
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

/** The parts of a state, each small even where the state is large. */
function* partsOf({ processes, ...rest }: SavedState): Generator<unknown> {
  yield rest
  for (const { threads, ...process } of processes) {
    yield process
    yield* threads
  }
}
