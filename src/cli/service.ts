/** A running service, as the commands ask it: every way in which it can fail to answer is one clear line. */

import { z } from 'zod'
import { didYouMean } from '../base/nearest.ts'
import type { Effective } from '../config/settings.ts'
import { printable } from '../tree/text.ts'
import { type ClientTls, clientTls, type FetchRequest, fetchOver } from './client-tls.ts'
import { CliError } from './error.ts'

/** The service refused; what it said. */
export class RefusalError extends CliError {
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.name = 'Refusal'
    this.status = status
  }
}

const Problem = z.looseObject({
  status: z.number(),
  detail: z.string(),
  errors: z.array(z.looseObject({ pointer: z.string().optional(), detail: z.string() })).default([]),
})

/** It answers in this time, or it does not answer. */
const answerMsMax = 10_000

interface Answer {
  readonly status: number
  readonly text: string
  /** That the answer is consistent with: only introspectd has one. */
  readonly cursor: string
}

type Query = Readonly<Record<string, string | null>>

export class Service {
  readonly place: string
  readonly headers: Readonly<Record<string, string>>
  readonly tls: ClientTls
  readonly #token: string | null

  /** @throws CliError where a file cannot be read */
  constructor({ config, origins }: Effective) {
    const { url, token } = config
    this.place = url
    this.tls = clientTls(config)
    this.headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    this.#token = token === undefined ? null : (origins.get('token') ?? null)
  }

  /** What is not given is left out of the query. */
  urlOf(path: string, query: Query = {}): URL {
    const url = new URL(this.place)
    url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`
    for (const [name, value] of Object.entries(query)) if (value !== null) url.searchParams.set(name, value)
    return url
  }

  /** Preconditions: View is what the service shows at that path. @throws CliError */
  async get<View>(path: string, { query = {}, signal }: { query?: Query; signal?: AbortSignal } = {}): Promise<View> {
    const { text } = await this.#ask(this.urlOf(path, query), { headers: this.headers }, signal)
    // The one place where an answer gets its type, here and in `put`: tests hold the service to it.
    return JSON.parse(text) as View
  }

  /** The cursor of the newest event. @throws CliError */
  async cursor(): Promise<string> {
    return (await this.#ask(this.urlOf('/sys', { fields: 'path' }), { headers: this.headers })).cursor
  }

  /** Preconditions: as for `get`. @throws CliError */
  async put<View>(path: string, body: object): Promise<{ view: View; created: boolean }> {
    const headers = { ...this.headers, 'content-type': 'application/json' }
    const init = { method: 'PUT', headers, body: JSON.stringify(body) }
    const { text, status } = await this.#ask(this.urlOf(path), init)
    return { view: JSON.parse(text) as View, created: status === 201 }
  }

  async #ask(url: URL, init: Omit<FetchRequest, 'signal'>, signal?: AbortSignal): Promise<Answer> {
    const { status, ok, type, cursor, text } = await fetchWhole(url, { ...init, tls: this.tls }, signal).catch(
      (error: unknown) => {
        throw signal?.aborted ? error : this.unreachable(error)
      },
    )
    if (!ok) throw this.refusal({ status, type, text })
    if (cursor === null) throw this.#stranger(status)
    return { status, text, cursor }
  }

  /** @param error of a connection that was never made */
  unreachable(error: unknown): CliError {
    const { code, message } = causeOf(error)
    if (code === 'ECONNREFUSED') {
      return new CliError(
        `nothing listens at ${this.place}; introspectd serve starts the service, --url names another place`,
      )
    }
    const why = code === 'TimeoutError' ? `no answer within ${answerMsMax / 1000} s` : message
    const hint = code !== null && unknownSigners.has(code) ? '; --ca names who signed it' : ''
    return new CliError(`cannot reach ${this.place}: ${printable(why)}${hint}`)
  }

  refusal({ status, type, text }: { status: number; type: string | null; text: string }): CliError {
    const problem = type?.startsWith('application/problem+json') ? Problem.safeParse(parse(text)).data : undefined
    if (problem === undefined) return this.#stranger(status)
    if (status === 401) return new RefusalError(this.#unauthorized(), status)
    const { detail, errors } = problem
    const faults = errors.flatMap(({ pointer, detail: fault }) =>
      pointer === undefined ? [] : [`${pointer.slice(1)}: ${fault}`],
    )
    return new RefusalError(printable(faults.length > 0 ? faults.join('; ') : detail), status)
  }

  #unauthorized(): string {
    return this.#token === null
      ? `${this.place} asks for a token: put one into INTROSPECTD_TOKEN`
      : `${this.place} does not know the token of ${this.#token}`
  }

  #stranger(status: number): CliError {
    return new CliError(
      `what answers at ${this.place} is not introspectd (status ${status}); --url names another place`,
    )
  }
}

/** Of a certificate that nobody vouches for whom Node trusts. */
const unknownSigners: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

async function fetchWhole(
  url: URL,
  { tls, ...init }: Omit<FetchRequest, 'signal'> & { readonly tls: ClientTls },
  signal?: AbortSignal,
) {
  const limits = [AbortSignal.timeout(answerMsMax), ...(signal === undefined ? [] : [signal])]
  const response = await fetchOver(tls, url, { ...init, signal: AbortSignal.any(limits) })
  const { status, ok, headers } = response
  return {
    status,
    ok,
    type: headers.get('content-type'),
    cursor: headers.get('introspect-cursor'),
    text: await response.text(),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** What fetch and ws throw says little itself: the reason is its cause. */
function causeOf(error: unknown): { code: string | null; message: string } {
  if (!(error instanceof Error)) return { code: null, message: String(error) }
  if (error.cause !== undefined) return causeOf(error.cause)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return { code, message: error.message === '' ? code : error.message }
}

/** As the service names what is wrong with a field, with the field that may have been meant. */
export function withField(message: string, fields: readonly string[]): string {
  return message.replace(/(^|; )([^:;]+): no such field/g, (_, before: string, field: string) => {
    return `${before}there is no field ${field}${didYouMean(field, fields)}`
  })
}
