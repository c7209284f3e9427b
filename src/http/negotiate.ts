/** Chooses the form of a reply by `Accept` and `?format`, and parses the query parameters of a read. */

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
  .pipe(z.boolean())

export const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, 'a whole number')
  .transform(Number)

/** For routes without parameters. */
export const noQuery = z.strictObject({})

/** The query of a GET of the tree that is no stream. */
const ReadQuery = z.strictObject({
  format: z.enum(['json', 'text', 'ndjson', 'dot', 'mermaid']).optional(),
  pretty: flag.optional(),
  depth: wholeNumber.pipe(z.number().max(bounds.depthMax)).nullable().default(null),
  fields: z.string().max(bounds.fieldsMax).nullable().default(null),
  limit: wholeNumber.pipe(z.number().min(1).max(bounds.pageEntriesMax)).nullable().default(null),
  cursor: z.string().nullable().default(null),
  since: z.string().max(bounds.fieldsMax).nullable().default(null),
})

/** Parsed once, because most requests have no query. */
const defaultRead = ReadQuery.parse({})

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

/** @throws Problem */
export function refuseQuery({ method, query }: { readonly method: string; readonly query: unknown }): void {
  const names = Object.keys(Object(query))
  if (names.length > 0)
    throw new Problem('invalid-query', `${method} takes no parameters here; remove ${names.join(', ')}`)
}

export interface ReadForm {
  readonly form: Exclude<Form, 'stream'>
  readonly pretty: boolean
  readonly read: ReadRequest
}

const terminalTools = /^(curl|HTTPie|Wget)\b/i

/** @throws Problem */
export function readForm(wanted: Form, query: unknown, headers: IncomingHttpHeaders): ReadForm {
  const { format, pretty, ...read } = isEmpty(query) ? defaultRead : parseQuery(ReadQuery, query)
  const form = format ?? (wanted === 'stream' ? 'json' : wanted)
  return { form, pretty: pretty ?? isTerminal(headers), read }
}

export function isTerminal(headers: IncomingHttpHeaders): boolean {
  return terminalTools.test(headers['user-agent'] ?? '')
}

/** The supported form that the client prefers. @param supported the first is the default @throws Problem */
export function wantedForm<F extends Form>(
  request: Pick<FastifyRequest, 'headers' | 'accepts'>,
  supported: readonly F[],
): F {
  const { accept } = request.headers
  const standard = supported[0]!
  if (accept === undefined || accept === '*/*' || accept === forms[standard]) return standard
  const types = supported.map((name) => forms[name])
  const accepted = request.accepts().type([...types])
  const form = supported.find((name) => forms[name] === accepted)
  if (form === undefined) throw new Problem('not-acceptable', `accept one of ${types.join(', ')}`)
  return form
}
