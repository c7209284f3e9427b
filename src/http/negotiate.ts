/** Which form an answer has, and whether it is spread out for people. */

import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
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
export const allForms = Object.keys(forms) as Form[]

export const flag = z
  .enum(['', 'true', 'false', '1', '0'])
  .transform((text) => text === '' || text === 'true' || text === '1')

export const wholeNumber = z
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

/** @throws Problem */
export function parseQuery<T extends z.ZodType>(schema: T, query: unknown): z.output<T> {
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
  const { format, pretty, ...what } = isEmpty(query) ? plainRead : parseQuery(ReadQuery, query)
  const form = format ?? (wanted === 'stream' ? 'json' : wanted)
  return { form, pretty: pretty ?? isTerminal(headers), what }
}

export function isTerminal(headers: IncomingHttpHeaders): boolean {
  return terminalTools.test(headers['user-agent'] ?? '')
}

/** The form that the client likes best of those that there are here. @throws Problem */
export function wantedForm<F extends Form>(
  request: Pick<FastifyRequest, 'headers' | 'accepts'>,
  spoken: readonly F[],
): F {
  const { accept } = request.headers
  const usual = spoken[0]!
  if (accept === undefined || accept === '*/*' || accept === forms[usual]) return usual
  const types = spoken.map((name) => forms[name])
  const accepted = request.accepts().type([...types])
  const form = spoken.find((name) => forms[name] === accepted)
  if (form === undefined) throw new Problem('not-acceptable', `spoken here: ${types.join(', ')}`)
  return form
}
