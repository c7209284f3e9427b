/** Defines the schemas of the arguments of kernel calls: they check a request and convert it to the kernel's types. */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { didYouMean } from '../base/nearest.ts'
import { errnos } from '../kernel/errno.ts'
import { rlimitNames } from '../kernel/limits/rlimits.ts'
import { timeoutStates } from '../kernel/states.ts'
import { parseDuration } from '../kernel/time/duration.ts'
import { type CallArguments, type KernelCall, type KernelCallName, kernelCallNames } from '../model/calls/table.ts'
import { mutexKinds } from '../model/objects/sync.ts'
import { signalRows } from '../model/signals.ts'

function idFrom(first: number) {
  return z
    .int()
    .min(first)
    .max(2 ** 31 - 1)
}

const id = idFrom(0)
const count = z.int().nonnegative()
const integer = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1)
const name = z.string().min(1).max(bounds.nameMax)
const pid = id.describe('Process id; 0 is the process of the caller')
const chid = idFrom(1).describe('Channel')
const coid = idFrom(1).describe('Connection')
const tid = idFrom(1).describe('Thread')
const rcvid = z.int().min(1).describe('Receive id that MsgReceive returned')
const timerid = idFrom(1).describe('Timer')
const fd = id.describe('Descriptor')
const mutex = name.describe('Mutex; a name that begins with / is shared by all processes')
const condvar = name.describe('Condition variable')
const semaphore = name.describe('Semaphore')
const priority = z.int().min(1).max(255)
export const payload = z
  .union([z.string().max(bounds.payloadMax), z.number(), z.null()], {
    error: `text of ${bounds.payloadMax} characters at the most, a number or null`,
  })
  .describe('Contents of the message')
const signalName = z.enum(signalRows.map((row) => row.name)).describe('Signal, such as SIGUSR1 or SIGRTMIN+1')
const signals = z.array(signalName).max(signalRows.length)
const code = integer.describe('Code, for the receiver')
/** Codes of pulses have 8 bits, with a sign. */
export const pulseCodeRange = z.int().min(-128).max(127)
const pulseCode = pulseCodeRange.describe('Code of the pulse, for the receiver')
const value = integer.describe('Value, for the receiver')
const bytes = count.describe('Bytes')
const pages = z.int().min(1).describe('Pages of 4,096 bytes')
const points = z.int().nonnegative().nullable().describe('Value in the unit that POSIX defines; null is unlimited')

/** Matches the pathname of a thread, with its pid and tid as groups. */
export const threadPath = /^\/sys\/proc\/([1-9]\d{0,9})\/thread\/([1-9]\d{0,9})$/

const durationRule = 'a duration such as "500ms", "1.5s" or "2m"'
const backwardsRule = `${durationRule}; time does not go backwards`

/** Parses `"500ms"`, `"1s"`, `"2m"` to whole ms. */
export const Duration = z
  .string(durationRule)
  .transform((text, context) => {
    const ms = parseDuration(text)
    if (ms === null) context.addIssue({ code: 'custom', message: text.startsWith('-') ? backwardsRule : durationRule })
    return ms ?? 0
  })
  .describe('Duration with its unit: ms, s, m or h')

export const FirstThread = z
  .strictObject({
    priority: priority.exactOptional(),
    stackSize: z.int().min(1).exactOptional().describe('Bytes reserved'),
  })
  .describe('First thread of the process')

/** The arguments of ThreadCreate, and the body of POST of a thread. */
export const ThreadMakingBody = z
  .strictObject({
    name: name.exactOptional(),
    priority: priority.exactOptional().describe('Default: the priority of the caller'),
    detached: z.boolean().exactOptional().describe('The thread cannot be joined'),
    stackSize: z.int().min(1).exactOptional().describe('Bytes reserved'),
  })
  .meta({ id: 'ThreadMaking' })

const Notify = z.union(
  [
    z.strictObject({ pulse: z.strictObject({ coid, code: pulseCode, value: value.exactOptional() }) }),
    z.strictObject({ signal: signalName, code: code.exactOptional(), value: value.exactOptional() }),
  ],
  { error: 'a pulse such as {"pulse":{"coid":1,"code":2}}, or a signal such as {"signal":"SIGALRM"}' },
)

/**
 * Schemas of the arguments of each call. The kernel's table defines what each call does, and the compiler checks that
 * the schemas fit it.
 */
export const callArguments = {
  spawn: z.strictObject({ name, uid: id.exactOptional(), thread: FirstThread.exactOptional() }),
  exit: z.strictObject({ status: z.int().min(0).max(255).exactOptional() }),
  waitpid: z.strictObject({ pid: z.union([z.literal(-1), idFrom(1)]).exactOptional() }),
  kill: z.strictObject({ pid, signal: signalName.nullable() }),
  setrlimit: z.strictObject({ rlimit: z.enum(rlimitNames), soft: points, hard: points.exactOptional() }),
  ThreadCreate: z.strictObject(ThreadMakingBody.shape),
  ThreadDestroy: z.strictObject({ tid: z.union([z.literal(-1), id]).exactOptional(), status: integer.exactOptional() }),
  ThreadJoin: z.strictObject({ tid }),
  ThreadDetach: z.strictObject({ tid }),
  ChannelCreate: z.strictObject({ fixedPriority: z.boolean().exactOptional() }),
  ChannelDestroy: z.strictObject({ chid }),
  ConnectAttach: z.strictObject({ pid, chid }),
  ConnectDetach: z.strictObject({ coid }),
  MsgSend: z.strictObject({ coid, msg: payload.exactOptional() }),
  MsgReceive: z.strictObject({ chid }),
  MsgReply: z.strictObject({ rcvid, status: integer.exactOptional(), msg: payload.exactOptional() }),
  MsgError: z.strictObject({ rcvid, error: z.enum(Object.keys(errnos) as (keyof typeof errnos)[]) }),
  MsgSendPulse: z.strictObject({
    coid,
    code: pulseCode,
    value: value.exactOptional(),
    priority: priority.exactOptional(),
  }),
  SyncTypeCreate: z.strictObject({
    name,
    type: z.enum(['mutex', 'condvar', 'semaphore']),
    kind: z.enum(mutexKinds).exactOptional(),
    value: count.exactOptional(),
  }),
  SyncDestroy: z.strictObject({ name }),
  SyncMutexLock: z.strictObject({ mutex, kind: z.enum(mutexKinds).exactOptional() }),
  SyncMutexTryLock: z.strictObject({ mutex, kind: z.enum(mutexKinds).exactOptional() }),
  SyncMutexUnlock: z.strictObject({ mutex }),
  SyncCondvarWait: z.strictObject({ condvar, mutex }),
  SyncCondvarSignal: z.strictObject({ condvar, all: z.boolean().exactOptional() }),
  SyncSemWait: z.strictObject({ semaphore, try: z.boolean().exactOptional() }),
  SyncSemPost: z.strictObject({ semaphore }),
  SignalKill: z.strictObject({
    pid,
    tid: id.exactOptional(),
    signal: signalName.nullable(),
    code: code.exactOptional(),
    value: value.exactOptional(),
  }),
  SignalAction: z.strictObject({ signal: signalName, action: z.enum(['default', 'ignore', 'handle']) }),
  SignalProcmask: z.strictObject({ how: z.enum(['block', 'unblock', 'set']), signals }),
  SignalWaitinfo: z.strictObject({ signals }),
  SignalSuspend: z.strictObject({ mask: signals }),
  TimerCreate: z.strictObject({ notify: Notify }),
  TimerSettime: z.strictObject({ timerid, after: Duration, every: Duration.exactOptional() }),
  TimerDestroy: z.strictObject({ timerid }),
  TimerTimeout: z.strictObject({
    states: z.array(z.enum(timeoutStates)).max(timeoutStates.length),
    after: Duration.exactOptional(),
  }),
  nanosleep: z.strictObject({ for: Duration }),
  compute: z.strictObject({ us: count.describe('µs of CPU time') }),
  mmap: z.strictObject({ pages, locked: z.boolean().exactOptional() }),
  munmap: z.strictObject({ pages }),
  enter: z.strictObject({ bytes }),
  leave: z.strictObject({ bytes }),
  open: z.strictObject({ path: name, write: z.boolean().exactOptional(), size: bytes.exactOptional() }),
  close: z.strictObject({ fd }),
  write: z.strictObject({ fd, bytes }),
} as const satisfies { [N in KernelCallName]: z.ZodType<CallArguments<N>> }

/** @param names all names that are valid here */
export function noSuchCall(call: unknown, names: readonly string[]): string {
  if (typeof call !== 'string') return 'the name of a call; GET /sys/calls lists them'
  return `there is no call ${call}${didYouMean(call, names)}; GET /sys/calls lists them`
}

export const callName = z.enum(kernelCallNames as [KernelCallName, ...KernelCallName[]], {
  error: ({ input }) => noSuchCall(input, kernelCallNames),
})

/** A kernel call by name, with its arguments. */
export const CallBody = z.looseObject({ call: callName }).meta({ id: 'KernelCallBody' })

/** Parses a call such as `{"call":"MsgSend","coid":1}`. @throws ZodError with the name of the invalid field */
export function parseCall(body: unknown): KernelCall {
  const { call, ...args } = CallBody.parse(body)
  return { name: call, args: callArguments[call].parse(args) } as KernelCall
}
