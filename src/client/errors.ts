/** Defines the errors of the client: refusals of the service, missing replies, and replies of other programs. */

import type { FetchResponse } from './fetch.ts'
import type { Problem } from './routes.ts'

/** The service refused the request and changed nothing. */
export class ProblemError extends Error {
  readonly status: number
  /** The problem document (RFC 9457). If a proxy replied instead of the service, its `type` is `about:blank`. */
  readonly problem: Problem & Readonly<Record<string, unknown>>
  /** Wait in ms that the service requests with `Retry-After`; null if it does not. */
  readonly retryAfterMs: number | null

  constructor(problem: Problem, { retryAfterMs }: { readonly retryAfterMs: number | null }) {
    super(`${problem.status} ${problem.title}: ${problem.detail}`)
    this.name = 'ProblemError'
    this.status = problem.status
    this.problem = problem as ProblemError['problem']
    this.retryAfterMs = retryAfterMs
  }

  /** True if the same request may succeed later: too many requests, a timeout, or a fault of the service. */
  get isPassing(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500
  }
}

/** No complete reply: nothing listens at the address, the connection broke, or the reply took too long. See `cause`. */
export class UnreachableError extends Error {
  constructor(url: string, cause: unknown) {
    super(`${url} does not answer: ${reasonOf(cause)}`, { cause })
    this.name = 'UnreachableError'
  }
}

/** Another program than introspectd replied. */
export class NotIntrospectdError extends Error {
  /** HTTP status of the reply. */
  readonly status: number

  constructor(url: string, { what, status }: { readonly what: string; readonly status: number }) {
    super(`what answers at ${url} is not introspectd: ${what}`)
    this.name = 'NotIntrospectdError'
    this.status = status
  }
}

/** Another watch uses the durable subscription now, or it was deleted. This watch has ended. */
export class TakenOverError extends Error {
  constructor(durable: string) {
    super(`the durable subscription ${durable} was taken over, or deleted`)
    this.name = 'TakenOverError'
  }
}

/** The innermost cause: errors of fetch do not contain the reason themselves. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause !== undefined) return reasonOf(error.cause)
  if (error.name === 'TimeoutError') return 'it took too long'
  return error.message === '' ? error.name : error.message
}

/**
 * Reads the reason of a refusal.
 * @param response that is not ok
 * @throws NotIntrospectdError a problem document without its fields; what reading the body throws, where it was cut off
 */
export async function problemFrom(response: FetchResponse, url: string): Promise<ProblemError> {
  const { status, statusText, headers } = response
  const text = await response.text()
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') ?? false
  const problem = isProblem
    ? parseProblem(text)
    : { type: 'about:blank', title: statusText, status, detail: text.slice(0, 200) }
  if (problem === null) throw new NotIntrospectdError(url, { what: 'its problem document is malformed', status })
  return new ProblemError(problem, { retryAfterMs: retryAfter(headers.get('retry-after'), Date.now()) })
}

/** Null where the text is no problem document. */
function parseProblem(text: string): Problem | null {
  try {
    const value: unknown = JSON.parse(text)
    return isProblemDocument(value) ? value : null
  } catch {
    return null
  }
}

function isProblemDocument(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false
  const { type, title, status, detail } = value as Partial<Record<keyof Problem, unknown>>
  return (
    typeof type === 'string' && typeof title === 'string' && typeof status === 'number' && typeof detail === 'string'
  )
}

/** Parses `Retry-After`: seconds or a date. Returns ms; null if it is neither. @param now Unix time in ms */
export function retryAfter(text: string | null, now: number): number | null {
  if (text === null) return null
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}
