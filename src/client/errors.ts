/** The ways in which the service does not do what it was asked. */

import type { Problem } from './routes.ts'

/** The service refused, and said why: nothing was changed. */
export class ProblemError extends Error {
  readonly status: number
  /** RFC 9457. Of something between that is not introspectd, its `type` is `about:blank`. */
  readonly problem: Problem & Readonly<Record<string, unknown>>
  /** How long to wait, where the service says so. */
  readonly retryAfterMs: number | null

  constructor(problem: Problem, { retryAfterMs }: { readonly retryAfterMs: number | null }) {
    super(`${problem.status} ${problem.title}: ${problem.detail}`)
    this.name = 'ProblemError'
    this.status = problem.status
    this.problem = problem as ProblemError['problem']
    this.retryAfterMs = retryAfterMs
  }

  /** Asked again unchanged, it may be answered: too much at once, or a fault of the service. */
  get isPassing(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500
  }
}

/** There was no answer, or not all of it: nobody listens, the line broke, or it took too long. */
export class UnreachableError extends Error {
  constructor(url: string, cause: unknown) {
    super(`${url} does not answer: ${reasonOf(cause)}`, { cause })
    this.name = 'UnreachableError'
  }
}

/** What answers is no introspectd. */
export class NotIntrospectdError extends Error {
  constructor(url: string, what: string) {
    super(`what answers at ${url} is not introspectd: ${what}`)
    this.name = 'NotIntrospectdError'
  }
}

/** Another watch has the durable name now: that is the controller, and this one is not any more. Or the name was deleted. */
export class TakenOverError extends Error {
  constructor(durable: string) {
    super(`the durable subscription ${durable} was taken over, or deleted`)
    this.name = 'TakenOverError'
  }
}

/** What fetch throws says little itself: its cause does, where there is one. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause !== undefined) return reasonOf(error.cause)
  if (error.name === 'TimeoutError') return 'it took too long'
  return error.message === '' ? error.name : error.message
}

/** @param response that is not ok. @throws what reading it throws, where it was cut off */
export async function problemFrom(response: Response): Promise<ProblemError> {
  const { status, statusText, headers } = response
  const text = await response.text()
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') ?? false
  const problem = isProblem
    ? (JSON.parse(text) as Problem)
    : { type: 'about:blank', title: statusText, status, detail: text.slice(0, 200) }
  return new ProblemError(problem, { retryAfterMs: retryAfter(headers.get('retry-after'), Date.now()) })
}

/** Seconds, or the time of day. Null where it is neither. */
export function retryAfter(text: string | null, now: number): number | null {
  if (text === null) return null
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}
