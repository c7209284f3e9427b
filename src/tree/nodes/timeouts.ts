/** Default deadlock timers, as resources. */

import { z } from 'zod'
import { bounds } from '../../base/bounds.ts'
import {
  type DefaultTimeout,
  defaultTimedStates,
  type TimeoutDefinition,
  timeoutPath,
} from '../../kernel/deadlock/default-timers.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import { type ThreadState, threadStateRows, timeoutStates } from '../../kernel/states.ts'
import { parseDuration } from '../../kernel/time/duration.ts'
import { defineNode, type Preconditions, type TreeContext } from '../definition.ts'
import { MalformedWords, NoSuchPath } from '../errors.ts'
import { checkPreconditions, etagOf } from '../preconditions.ts'
import { TimeoutView } from '../views.ts'

const listed = timeoutStates.join(', ')

/** Why no timer can be set on a state. */
function whyNot(name: string): string {
  const row = threadStateRows.find((each) => each.name === name)
  if (row === undefined) return `there is no state ${name}; these can be timed: ${listed}`
  const why = row.transient ? 'is transient' : row.network ? 'is a wait on another machine' : 'is no wait in a call'
  return `${name} ${why}: it cannot be timed; these can: ${listed}`
}

const TimedState = z.string().superRefine((name, context) => {
  if (!(timeoutStates as readonly string[]).includes(name)) context.addIssue({ code: 'custom', message: whyNot(name) })
}) as unknown as z.ZodEnum<{ [Name in (typeof timeoutStates)[number]]: Name }>

function isTime(text: string): boolean {
  const ms = parseDuration(text)
  return ms !== null && ms >= 1 && ms <= bounds.timeoutMsMax
}

export const TimeoutBody = z
  .strictObject({
    states: z
      .array(TimedState)
      .max(timeoutStates.length)
      .default([...defaultTimedStates])
      .describe(`Of ${listed}; none exempts`),
    after: z
      .string()
      .refine(isTime, 'a duration from "1ms" to "24h", as in "500ms"')
      .nullable()
      .default(null)
      .describe('How long a thread may stay in them, as in 500ms'),
  })
  .refine(({ states, after }) => states.length === 0 || after !== null, {
    path: ['after'],
    message: 'how long a thread may stay in these states, as in "500ms"',
  })
  .meta({ id: 'TimeoutDefinition' })

/** `500ms`, or `500ms states=SEND,MUTEX`. @throws MalformedWords */
function parseTimeoutWords([after, ...rest]: readonly string[]): Record<string, unknown> {
  if (after === undefined || after === '') throw new MalformedWords('there is no time; send one, as in 500ms')
  const fields = rest.map((word): [string, unknown] => {
    const [, name, value] = /^(states)=(.*)$/s.exec(word) ?? []
    if (name === undefined) throw new MalformedWords(`${JSON.stringify(word)} is not states=SEND,MUTEX`)
    return [name, value === '' ? [] : value!.split(',')]
  })
  return { after, ...Object.fromEntries(fields) }
}

function show({ kernel }: TreeContext, node: Node) {
  const holding = kernel.timers.holding(node)
  const { states, afterMs } = holding?.definition ?? { states: [], afterMs: null }
  return {
    path: timeoutPath(node),
    holds: holding?.path ?? null,
    states: [...states],
    after: afterMs === null ? null : `${afterMs}ms`,
    owner: holding?.owner ?? null,
    warned: kernel.timers.warned(node).map(({ path }) => path),
  }
}

function ownAt({ kernel }: TreeContext, node: Node): DefaultTimeout {
  const timeout = kernel.timers.find(node)
  if (timeout === null) throw new NoSuchPath(timeoutPath(node), node.path)
  return timeout
}

function inOrder(states: readonly ThreadState[]) {
  return timeoutStates.filter((state) => states.includes(state))
}

export const timeoutDefinitions = [
  defineNode({
    under: ['system', 'partition', 'process'],
    leaf: 'timeout',
    kind: 'document',
    summary: 'The default deadlock timer that holds here: who stays too long in a blocked state is warned of',
    reply: TimeoutView,
    read: show,
    etag: ({ kernel }, node) => {
      const own = kernel.timers.find(node)
      return own === null ? null : etagOf(own)
    },
    put: {
      summary: 'Set a default timer. As text, the first word is the time, and states=SEND,MUTEX may follow',
      body: TimeoutBody,
      words: { parse: parseTimeoutWords, examples: ['500ms', '2s states=SEND,MUTEX'] },
      run: (context, node, _, { body, owner, preconditions }) => {
        const { kernel } = context
        checkPreconditions('timeout', kernel.timers.find(node), preconditions)
        const { states, after } = TimeoutBody.parse(body)
        const afterMs = states.length === 0 || after === null ? null : parseDuration(after)
        const definition: TimeoutDefinition = { states: inOrder(states), afterMs }
        const { timeout, created } = kernel.timers.put(node, { definition, owner })
        return { status: created ? 201 : 200, body: show(context, node), etag: etagOf(timeout) }
      },
    },
    remove: {
      summary: 'Delete the timer that is set here: the next one up holds',
      run: (context: TreeContext, node: Node, _, preconditions: Preconditions) => {
        const timeout = ownAt(context, node)
        checkPreconditions('timeout', timeout, preconditions)
        context.kernel.timers.delete(timeout)
        return { status: 204 }
      },
    },
  }),
]
