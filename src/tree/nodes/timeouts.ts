/** Defines the rows `timeout`: the default deadlock timers of the system, of partitions and of processes. */

import { z } from 'zod'
import { bounds } from '../../base/bounds.ts'
import {
  type DefaultTimeout,
  defaultTimedStates,
  type TimeoutDefinition,
  timeoutPath,
} from '../../kernel/deadlock/default-timeout.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import { type ThreadState, threadStateRows, timeoutStates } from '../../kernel/states.ts'
import { parseDuration } from '../../kernel/time/duration.ts'
import type { TreeContext } from '../context.ts'
import { defineNode } from '../definition.ts'
import { endsWith, timeoutEndAdvice } from '../end-advice.ts'
import { MalformedText, NoSuchPath } from '../errors.ts'
import { checkPreconditions, etagOf } from '../preconditions.ts'
import { refuseRuleOwned } from '../rule-owner.ts'
import { TimeoutView } from '../views.ts'

const listed = timeoutStates.join(', ')

/** The reason why no timer can be set on a state. */
function whyNotTimed(name: string): string {
  const row = threadStateRows.find((each) => each.name === name)
  if (row === undefined) return `there is no state ${name}; a timer can be set on ${listed}`
  const why = row.transient ? 'is transient' : row.network ? 'is a wait on another machine' : 'is no wait in a call'
  return `${name} ${why}, so it cannot be timed; a timer can be set on ${listed}`
}

const TimedState = z.enum(timeoutStates, {
  error: ({ input }) => (typeof input === 'string' ? whyNotTimed(input) : undefined),
})

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
      .describe('The states that are timed; an empty list exempts the threads here from the timer above'),
    after: z
      .string()
      .refine(isTime, 'a duration from "1ms" to "24h", as in "500ms"')
      .nullable()
      .default(null)
      .describe('Time that a thread may stay in these states, as in 500ms'),
  })
  .refine(({ states, after }) => states.length === 0 || after !== null, {
    path: ['after'],
    message: 'is missing: how long a thread may stay in these states, as in "500ms"',
  })
  .meta({ id: 'TimeoutDefinition' })

/** Parses `500ms`, or `500ms states=SEND,MUTEX`. @throws MalformedText */
export function parseTimeoutText([after, ...rest]: readonly string[]): Record<string, unknown> {
  if (after === undefined || after === '') throw new MalformedText('the time is missing; send one, as in 500ms')
  const fields = rest.map((word): [string, unknown] => {
    const [, name, value] = /^(states)=(.*)$/s.exec(word) ?? []
    if (name === undefined)
      throw new MalformedText(`${JSON.stringify(word)} is not understood; states=SEND,MUTEX may follow the time`)
    return [name, value === '' ? [] : value!.split(',')]
  })
  return { after, ...Object.fromEntries(fields) }
}

function showTimeout({ kernel }: TreeContext, node: Node) {
  const holding = kernel.timers.holding(node)
  const { states, afterMs } = holding?.definition ?? { states: [], afterMs: null }
  return {
    path: timeoutPath(node),
    holds: holding?.path ?? null,
    states: [...states],
    after: afterMs === null ? null : `${afterMs}ms`,
    owner: holding?.owner ?? null,
    ...(holding !== null && endOf(holding.node)),
    warned: kernel.timers.warned(node).map(({ path }) => path),
  }
}

function endOf(node: Node): { endsWith?: 'process' | 'thread' } {
  const level = endsWith(node)
  return level === null ? {} : { endsWith: level }
}

function adviceAt(node: Node): { advice?: string } {
  const advice = timeoutEndAdvice(node)
  return advice === null ? {} : { advice }
}

/** The timer set at this node itself. @throws NoSuchPath */
function ownAt({ kernel }: TreeContext, node: Node): DefaultTimeout {
  const timeout = kernel.timers.find(node)
  if (timeout === null) throw new NoSuchPath(timeoutPath(node), node.path)
  return timeout
}

export function timeoutDefinitionOf({ states, after }: z.output<typeof TimeoutBody>): TimeoutDefinition {
  const afterMs = states.length === 0 || after === null ? null : parseDuration(after)
  return { states: inOrder(states), afterMs }
}

/** In the order of the table, without duplicates. */
function inOrder(states: readonly ThreadState[]) {
  return timeoutStates.filter((state) => states.includes(state))
}

export const timeoutDefinitions = [
  defineNode({
    under: ['system', 'partition', 'process'],
    leaf: 'timeout',
    kind: 'document',
    summary: 'The default deadlock timer in force here: a thread that stays blocked too long causes a warning',
    reply: TimeoutView,
    read: showTimeout,
    isAwaiting: ({ timers }, node) => timers.find(node) !== null,
    etag: ({ kernel }, node) => {
      const own = kernel.timers.find(node)
      return own === null ? null : etagOf(own)
    },
    put: {
      summary: 'Set a default timer. In plain text the first word is the time, and states=SEND,MUTEX may follow',
      role: 'control',
      body: TimeoutBody,
      text: { parse: parseTimeoutText, examples: ['500ms', '2s states=SEND,MUTEX'] },
      run: ({ context, node, body: { states, after }, owner, preconditions }) => {
        const { kernel } = context
        const existing = kernel.timers.find(node)
        checkPreconditions('timeout', existing, preconditions)
        refuseRuleOwned('timeout', existing)
        const definition = timeoutDefinitionOf({ states, after })
        const { timeout, created } = kernel.timers.put(node, { definition, owner })
        return {
          status: created ? 201 : 200,
          body: { ...showTimeout(context, node), ...adviceAt(node) },
          etag: etagOf(timeout),
        }
      },
    },
    remove: {
      summary: 'Delete the timer set here: the next one up the path takes its place',
      role: 'control',
      run: ({ context, node, preconditions }) => {
        const timeout = ownAt(context, node)
        checkPreconditions('timeout', timeout, preconditions)
        refuseRuleOwned('timeout', timeout)
        context.kernel.timers.delete(timeout)
        return { status: 204 }
      },
    },
  }),
]
