/** Reads and checks the expectations in a scenario file: events, thread states, usage and results of calls. */

import { z } from 'zod'
import type { Errno } from '../kernel/errno.ts'
import { type EventType, eventTypes } from '../kernel/events.ts'
import { type ThreadState, threadStates } from '../kernel/states.ts'
import { type LimitPath, type PathContext, parseLimitPath } from './limit-path.ts'
import type { Path, Place, Problems } from './problems.ts'
import { ErrnoName } from './steps.ts'
import { parseTemplate, type Reference, type Template, type TemplateContext } from './template.ts'

export interface EventExpectation {
  readonly place: Place
  readonly type: EventType
  readonly subject: Template | null
  /** Fields that the data of the event must have. Other fields are ignored. */
  readonly data: Template | null
  readonly least: number
  readonly most: number
}

export interface StateExpectation {
  readonly place: Place
  /** For example `$worker.main`. */
  readonly thread: Reference
  readonly state: ThreadState
  /** Fields that the object which blocks the thread must have. Other fields are ignored. */
  readonly on: Template | null
  readonly priority: number | null
}

export interface UsageExpectation {
  readonly place: Place
  readonly path: LimitPath
  readonly value: number | null
  readonly peak: number | null
  readonly capacity: number | null
}

export interface ResultExpectation {
  readonly place: Place
  readonly result: Reference
  /** Fields that the result must have, with other fields ignored, or the errno with which the call must fail. */
  readonly value: Template | Errno
}

export interface Expectations {
  readonly events: readonly EventExpectation[]
  readonly states: readonly StateExpectation[]
  readonly usage: readonly UsageExpectation[]
  readonly results: readonly ResultExpectation[]
}

const count = z.int().nonnegative()

const timesRule = 'how many times, as in 2, or at least how many, as in 2+; 0 is never'
const Times = z.union([count, z.string().regex(/^\d{1,9}\+$/, timesRule)], timesRule)

export const EventBody = z.strictObject({
  type: z.enum(eventTypes.map(({ type }) => type)),
  subject: z.string().min(1).exactOptional(),
  data: z.record(z.string(), z.unknown()).exactOptional(),
  times: Times.default(1),
})

const State = z.enum(threadStates as readonly [ThreadState, ...ThreadState[]])
export const StateBody = z.strictObject({
  state: State,
  on: z.record(z.string(), z.unknown()).exactOptional(),
  priority: count.exactOptional(),
})

export const UsageBody = z.strictObject({
  value: count.exactOptional(),
  peak: count.exactOptional(),
  capacity: count.exactOptional(),
})

const Fields = z.record(z.string(), z.unknown())

export interface ExpectContext extends PathContext {
  readonly problems: Problems
  readonly references: Reference[]
}

interface Body {
  readonly events: readonly unknown[]
  readonly states: Readonly<Record<string, unknown>>
  readonly usage: Readonly<Record<string, unknown>>
  readonly results: Readonly<Record<string, unknown>>
}

export function parseExpectations(body: Body, path: Path, context: ExpectContext): Expectations {
  return {
    events: body.events.flatMap((one, at) => parseEvent(one, [...path, 'events', at], context) ?? []),
    states: eachOf(body.states, [...path, 'states'], (...entry) => parseState(entry, context)),
    usage: eachOf(body.usage, [...path, 'usage'], (...entry) => parseUsage(entry, context)),
    results: eachOf(body.results, [...path, 'results'], (...entry) => parseResult(entry, context)),
  }
}

type Entry = [key: string, value: unknown, path: Path]

function eachOf<T>(record: Readonly<Record<string, unknown>>, path: Path, parse: (...entry: Entry) => T | null): T[] {
  return Object.entries(record).flatMap(([key, value]) => parse(key, value, [...path, key]) ?? [])
}

function templates({ problems, references }: ExpectContext): TemplateContext {
  return {
    problems,
    references,
    withoutRandom: true,
  }
}

function parseEvent(value: unknown, path: Path, context: ExpectContext): EventExpectation | null {
  const body = context.problems.check(EventBody, value, { path })
  if (body === null) return null
  const { type, subject, data, times } = body
  const template = (key: 'subject' | 'data', inner: unknown) =>
    inner === undefined ? null : parseTemplate(inner, [...path, key], templates(context))
  const place = context.problems.locate(path)
  const least = typeof times === 'number' ? times : Number.parseInt(times, 10)
  const most = typeof times === 'number' ? times : Number.POSITIVE_INFINITY
  return { place, type, subject: template('subject', subject), data: template('data', data), least, most }
}

function parseState([key, value, path]: Entry, context: ExpectContext): StateExpectation | null {
  const { problems, names } = context
  const [name, thread] = key.startsWith('$') ? key.slice(1).split('.') : []
  const threads = names.processes.get(name ?? '')
  if (threads === undefined || thread === undefined || key !== `$${name}.${thread}` || !threads.includes(thread)) {
    const there = [...names.processes].flatMap(([process, inner]) => inner.map((one) => `$${process}.${one}`))
    problems.add(path, `there is no thread ${key}; there are ${there.join(', ')}`, 'key')
    return null
  }
  const body = problems.check(StateBody, typeof value === 'string' ? { state: value } : value, { path })
  if (body === null) return null
  return {
    place: problems.locate(path, 'key'),
    thread: { name: name!, fields: [thread], path },
    state: body.state,
    on: body.on === undefined ? null : parseTemplate(body.on, [...path, 'on'], templates(context)),
    priority: body.priority ?? null,
  }
}

function parseUsage([key, value, path]: Entry, context: ExpectContext): UsageExpectation | null {
  const { problems } = context
  const limit = parseLimitPath(key, context)
  if (typeof limit === 'string') {
    problems.add(path, limit, 'key')
    return null
  }
  const body = problems.check(UsageBody, typeof value === 'number' ? { value } : value, { path })
  if (body === null) return null
  if (Object.keys(body).length === 0) problems.add(path, 'name at least one of value, peak and capacity')
  const { value: amount = null, peak = null, capacity = null } = body
  return { place: problems.locate(path, 'key'), path: limit, value: amount, peak, capacity }
}

function parseResult([key, value, path]: Entry, context: ExpectContext): ResultExpectation | null {
  const { problems, names } = context
  const name = key.slice(1)
  if (!key.startsWith('$') || !names.results.has(name)) {
    const there = [...names.results.keys()].map((known) => `$${known}`).join(', ')
    problems.add(
      path,
      `no step has a result ${key}${there === '' ? '; "as" names one' : `; there are ${there}`}`,
      'key',
    )
    return null
  }
  const common = { place: problems.locate(path, 'key'), result: { name, fields: [], path } }
  if (typeof value === 'string') {
    const errno = problems.check(ErrnoName, value, { path })
    return errno === null ? null : { ...common, value: errno }
  }
  const fields = problems.check(Fields, value ?? {}, { path })
  return fields === null ? null : { ...common, value: parseTemplate(fields, path, templates(context)) }
}
