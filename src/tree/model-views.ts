/** Defines the schemas of replies that only the model has. */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { errnos } from '../kernel/errno.ts'
import { threadStates } from '../kernel/states.ts'
import { kernelCallNames } from '../model/calls/table.ts'
import { callName } from './calls.ts'

const path = z.string().describe('Pathname, which is also the URL path')
const whole = z.int()
const on = z.record(z.string(), z.union([z.string(), z.number()])).describe('The object that the thread is blocked on')
const value = z
  .record(z.string(), z.unknown())
  .describe('Fields that the call returned; empty if it succeeded and returned none')
const errno = z.enum(Object.keys(errnos) as [keyof typeof errnos, ...(keyof typeof errnos)[]])

export const ReturnedView = z.union([
  z.strictObject({ call: callName, value }),
  z.strictObject({ call: callName, errno }),
])

export const ThreadCallView = z
  .strictObject({
    path,
    blocked: z
      .strictObject({ call: callName, state: z.enum(threadStates), on })
      .nullable()
      .describe('The call in which the thread is blocked'),
    returned: ReturnedView.nullable().describe('Result of the last call that blocked the thread'),
  })
  .meta({ id: 'ThreadCall' })

export const OutcomeView = z
  .union([z.strictObject({ returned: value }), z.strictObject({ blocked: z.enum(threadStates), on })])
  .meta({ id: 'Outcome' })

const line = whole.describe('Line number in the request, from 1; blank lines count')

/** The reply to one line of `/sys/calls`. */
export const CallLineView = z
  .union([
    z.strictObject({ line, returned: value }),
    z.strictObject({ line, blocked: z.enum(threadStates), on }),
    z.strictObject({ line, errno, detail: z.string() }),
    z.strictObject({ line, problem: z.looseObject({ type: z.string(), title: z.string(), status: whole }) }),
  ])
  .meta({ id: 'CallLine' })

export const CallRowView = z
  .strictObject({
    path,
    call: z.enum(kernelCallNames as [string, ...string[]]),
    arguments: z.record(z.string(), z.unknown()).describe('JSON Schema of each argument'),
    required: z.array(z.string()),
  })
  .meta({ id: 'KernelCall' })

export const ClockView = z
  .strictObject({
    path,
    clock: z
      .enum(['virtual', 'real'])
      .describe('`virtual`: only POST moves the time; `real`: it follows the wall clock'),
    now: z.iso.datetime(),
    next: z.iso
      .datetime()
      .nullable()
      .describe('When the next timer expires; null if no timer expires before the end of the clock'),
  })
  .meta({ id: 'Clock' })

export const Advanced = z
  .strictObject({
    now: z.iso.datetime(),
    stopped: z
      .literal(true)
      .exactOptional()
      .describe(
        `The clock stopped before the requested time, because ${bounds.expiriesPerAdvanceMax} timers have expired`,
      ),
    wanted: z.iso.datetime().exactOptional(),
  })
  .meta({ id: 'Advanced' })

export const ScenarioView = z
  .strictObject({
    path,
    title: z.string().nullable().describe('Title of the last scenario; null if none was run'),
    met: z.boolean().nullable().describe('Whether every expectation was met'),
    differences: z
      .array(z.strictObject({ line: whole, column: whole, message: z.string() }))
      .describe('Expectations that were not met, with their place in the file'),
    calls: whole,
    events: whole,
    ran: z.string().describe('Duration of the run, by the kernel’s clock'),
    now: z.iso.datetime(),
  })
  .meta({ id: 'Scenario' })

export const Replaced = z
  .strictObject({ path, now: z.iso.datetime().describe('Current time of the clock'), processes: whole })
  .meta({ id: 'Replaced' })

export const ChannelView = z
  .strictObject({
    path,
    chid: whole,
    owner: path,
    fixedPriority: z.boolean(),
    send: z.array(path).describe('SEND-blocked clients, in the order in which they will be received'),
    receive: z.array(path).describe('RECEIVE-blocked threads'),
    reply: z.array(z.strictObject({ rcvid: whole, client: path, receiver: path.nullable() })),
    pulses: z.array(z.strictObject({ priority: whole, code: whole, value: whole, scoid: whole, count: whole })),
    connections: z.array(z.strictObject({ scoid: whole, client: path, coids: z.array(whole) })),
  })
  .meta({ id: 'Channel' })

export type Advanced = z.infer<typeof Advanced>
export type ThreadCallView = z.infer<typeof ThreadCallView>
export type ScenarioView = z.infer<typeof ScenarioView>
export type ChannelView = z.infer<typeof ChannelView>
