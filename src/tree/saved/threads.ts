/** Defines the schema of a thread in a saved state, with the call that it is blocked in. */

import { z } from 'zod'
import { bounds } from '../../base/bounds.ts'
import { errnos } from '../../kernel/errno.ts'
import { threadStates, timeoutStates } from '../../kernel/states.ts'
import { callName, payload } from '../calls.ts'
import {
  ArmedSchema,
  clockTime,
  count,
  due,
  int32,
  nameText,
  PendingSignalsSchema,
  positiveId,
  priority,
  rcvid,
  savedNodeShape,
  signalNames,
} from './values.ts'

const Returned = z.union([
  z.strictObject({ call: callName, value: z.record(z.string(), z.unknown()) }),
  z.strictObject({ call: callName, errno: z.enum(Object.keys(errnos) as (keyof typeof errnos)[]) }),
])

const Blocker = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('SEND'), coid: positiveId, payload }),
  z.strictObject({ state: z.literal('REPLY'), coid: positiveId, payload, rcvid, receiver: positiveId }),
  z.strictObject({ state: z.literal('RECEIVE'), chid: positiveId }),
  z.strictObject({
    state: z.literal('MUTEX'),
    mutex: nameText,
    after: z.strictObject({ outcome: z.enum(['locked', 'signalled', 'timed-out']), count }),
  }),
  z.strictObject({ state: z.literal('CONDVAR'), condvar: nameText, mutex: nameText, count }),
  z.strictObject({ state: z.literal('SEM'), semaphore: nameText }),
  z.strictObject({ state: z.literal('JOIN'), tid: positiveId }),
  z.strictObject({ state: z.literal('NANOSLEEP'), armed: ArmedSchema }),
  z.strictObject({ state: z.literal('SIGWAITINFO'), signals: signalNames }),
  z.strictObject({ state: z.literal('SIGSUSPEND'), formerMask: signalNames }),
  z.strictObject({ state: z.literal('STOPPED') }),
])

export const TimeoutSchema = z.strictObject({
  states: z.array(z.enum(timeoutStates)).max(timeoutStates.length),
  afterMs: z.int().min(1).max(bounds.timeoutMsMax).nullable(),
})

export const ThreadSchema = z
  .strictObject({
    tid: positiveId,
    name: z.string().max(bounds.nameMax),
    isMain: z.boolean(),
    detached: z.boolean(),
    state: z.enum(threadStates),
    since: clockTime,
    former: z.strictObject({ state: z.enum(threadStates), since: clockTime }).nullable(),
    timed: z
      .strictObject({
        begin: clockTime,
        timeout: z.string(),
        definition: TimeoutSchema,
        warned: z.enum(threadStates).nullable(),
        isPassing: z.boolean(),
        place: count.nullable(),
      })
      .nullable(),
    status: int32,
    priority,
    realPriority: priority,
    servedPriority: priority.nullable(),
    serving: rcvid.nullable(),
    blocker: Blocker.nullable(),
    calling: callName.nullable(),
    returned: Returned.nullable(),
    arrival: count,
    mask: signalNames,
    pending: PendingSignalsSchema,
    timeout: z.strictObject({ states: z.array(z.enum(timeoutStates)), due, armed: ArmedSchema }).nullable(),
    shares: z.array(z.strictObject({ us: count, armed: ArmedSchema })),
    ...savedNodeShape,
  })
  .meta({ id: 'ThreadState' })
