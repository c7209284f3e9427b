/** Which form an answer has, and whether it is spread out for people. */

import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { bounds } from '../bounds.ts'
import { parseCursor } from '../cursor.ts'
import type { StreamRequest } from '../stream/websocket.ts'
import { strangeType } from '../tree/event-types.ts'
import type { ReadRequest } from '../tree/read.ts'
import { fieldErrors, Problem } from './problems.ts'

export const forms = {
  json: 'application/json',
  text: 'text/plain',
  ndjson: 'application/x-ndjson',
  dot: 'text/vnd.graphviz',
  mermaid: 'text/vnd.mermaid',
  stream: 'text/event-stream',
} as const
export type Form = keyof typeof forms

const flag = z.enum(['', 'true', 'false', '1', '0']).transform((text) => text === '' || text === 'true' || text === '1')

const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, 'a whole number')
  .transform(Number)

/** Query of a GET that is answered at once. */
const ReadQuery = z.strictObject({
  format: z.enum(['json', 'text', 'ndjson', 'dot', 'mermaid']).optional(),
  pretty: flag.optional(),
  depth: wholeNumber.pipe(z.number().max(bounds.depthMax)).nullable().default(null),
  fields: z.string().max(bounds.fieldsMax).nullable().default(null),
  limit: wholeNumber.pipe(z.number().min(1).max(bounds.pageEntriesMax)).nullable().default(null),
  cursor: z.string().nullable().default(null),
  since: z.string().max(bounds.fieldsMax).nullable().default(null),
})

/** What nearly every request asks: it is not worth a validation each time. */
const plainRead = ReadQuery.parse({})

function isEmpty(query: unknown): boolean {
  for (const _ in Object(query)) return false
  return true
}

/** What a stream tells of itself comes to everybody: it may be named, and need not be. */
const ofStreams = ['bookmark', 'error']

const types = z
  .string()
  .transform((text) => text.split(','))
  .refine((list) => list.length <= bounds.typesMax, { error: `at most ${bounds.typesMax} types`, abort: true })
  .refine((list) => list.every((type) => /^[a-z][a-z.-]*\*?$|^\*$/.test(type)), {
    error: 'event types such as threshold.*,process.died',
    abort: true,
  })
  // One that there is not would never be heard of, and whoever waits for it would not know.
  .superRefine((list, context) => {
    const strange = strangeType(list.filter((type) => !ofStreams.includes(type)))
    if (strange !== null) context.addIssue({ code: 'custom', message: strange })
  })

const cursor = z.string().transform((text, context) => {
  const sequence = parseCursor(text)
  if (sequence === null)
    context.addIssue({ code: 'custom', message: 'a cursor: the sequence of an event, digits only' })
  return sequence ?? 0
})

/** Query of a stream. */
const StreamQuery = z.strictObject({ types: types.optional(), after: cursor.optional() })

function parse<T extends z.ZodType>(schema: T, query: unknown): z.output<T> {
  const parsed = schema.safeParse(query)
  if (parsed.success) return parsed.data
  const errors = fieldErrors(parsed.error).map(({ pointer, detail }) => ({
    parameter: pointer.slice(1),
    detail: detail === 'no such field' ? 'no such parameter' : detail,
  }))
  throw new Problem('invalid-query', errors.map(({ parameter, detail }) => `${parameter}: ${detail}`).join('; '), {
    extra: { errors },
  })
}

/** What writes has no query. @throws Problem */
export function refuseQuery({ method, query }: { readonly method: string; readonly query: unknown }): void {
  const names = Object.keys(Object(query))
  if (names.length > 0) throw new Problem('invalid-query', `${method} takes no query here: ${names.join(', ')}`)
}

export interface ReadForm {
  readonly form: Exclude<Form, 'stream'>
  readonly pretty: boolean
  readonly what: ReadRequest
}

const terminalTools = /^(curl|HTTPie|Wget)\b/i

/** @throws Problem */
export function readForm(wanted: Form, query: unknown, headers: IncomingHttpHeaders): ReadForm {
  const { format, pretty, ...what } = isEmpty(query) ? plainRead : parse(ReadQuery, query)
  const form = format ?? (wanted === 'stream' ? 'json' : wanted)
  return { form, pretty: pretty ?? isTerminal(headers), what }
}

export const isTerminal = (headers: IncomingHttpHeaders): boolean => terminalTools.test(headers['user-agent'] ?? '')

/** @throws Problem */
export function streamRequest(path: string, query: unknown, headers: IncomingHttpHeaders): StreamRequest {
  const { types, after } = parse(StreamQuery, query)
  const last = headers['last-event-id']
  // A reconnecting EventSource repeats its URL: where it was by then is the newer of the two.
  const resumed = typeof last === 'string' && last !== '' ? parse(StreamQuery, { after: last }).after : undefined
  return { path, types: types ?? null, after: resumed ?? after ?? null }
}
