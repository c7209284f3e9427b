/** Every error a client can get, in one table (RFC 9457). `type` is stable: clients may act on it. */

import { STATUS_CODES } from 'node:http'
import { ZodError } from 'zod'
import { bounds } from '../base/bounds.ts'
import { type Errno, KernelError } from '../kernel/errno.ts'
import { streamProblems } from '../stream/problems.ts'
import {
  MalformedFile,
  MalformedPath,
  MalformedQuery,
  MalformedWords,
  NoSuchPath,
  PreconditionFailed,
} from '../tree/errors.ts'
import { pointerOf } from '../tree/pointer.ts'

export const problemTypes = {
  ...streamProblems,
  'malformed-path': { status: 400, title: 'The path is malformed' },
  'malformed-body': { status: 400, title: 'The body cannot be read' },
  'malformed-request': { status: 400, title: 'The request is malformed' },
  'invalid-body': { status: 400, title: 'The body has invalid fields' },
  'invalid-query': { status: 400, title: 'The query is not understood' },
  'unknown-subprotocol': { status: 400, title: 'No subprotocol on offer is spoken here' },
  'token-in-url': { status: 400, title: 'A token does not belong into a URL' },
  unauthorized: { status: 401, title: 'A token is needed' },
  forbidden: { status: 403, title: 'The token does not allow this' },
  'host-not-allowed': { status: 403, title: 'This Host is not served' },
  'origin-not-allowed': { status: 403, title: 'This Origin is not allowed' },
  'no-such-path': { status: 404, title: 'Nothing is there' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'not-acceptable': { status: 406, title: 'None of the wanted forms is spoken here' },
  'precondition-failed': { status: 412, title: 'A precondition does not hold' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'path-too-long': { status: 414, title: 'The path is too long' },
  'unsupported-media-type': { status: 415, title: 'The body has a type that is not spoken here' },
  'expectation-failed': { status: 417, title: 'What is expected is not known here' },
  'too-many-requests': { status: 429, title: 'Too many requests from one address' },
  'too-many-connections': { status: 429, title: 'Too many connections from one address' },
  'too-many-streams': { status: 429, title: 'Too many streams are open' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  internal: { status: 500, title: 'A fault of the service' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemType = keyof typeof problemTypes

/** errno to HTTP status: a total table. What is not about the request itself is an answer about state. */
const errnoStatus: Partial<Record<Errno, number>> = { ESRCH: 404, ENOENT: 404, EPERM: 403, EACCES: 403, EINVAL: 400 }
export function statusOfErrno(errno: Errno): number {
  return errnoStatus[errno] ?? 409
}

export interface FieldError {
  /** JSON pointer into the body; the name of the parameter in a query. */
  readonly pointer: string
  readonly detail: string
}

/** An error that knows which problem it is. */
export class Problem extends Error {
  readonly type: ProblemType
  readonly headers: Readonly<Record<string, string>>
  readonly extra: Readonly<Record<string, unknown>>

  constructor(
    type: ProblemType,
    detail: string,
    { headers = {}, extra = {} }: { headers?: Record<string, string>; extra?: Record<string, unknown> } = {},
  ) {
    super(detail)
    this.name = 'Problem'
    this.type = type
    this.headers = headers
    this.extra = extra
  }
}

export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance?: string
  readonly errno?: Errno
  readonly errors?: readonly FieldError[]
  readonly [extension: string]: unknown
}

export interface ProblemAnswer {
  readonly document: ProblemDocument
  readonly headers: Readonly<Record<string, string>>
  /** A fault of ours: to be logged. */
  readonly fault: boolean
}

function documentOf(type: ProblemType, detail: string, rest: Record<string, unknown> = {}): ProblemDocument {
  return {
    type: `urn:introspectd:problem:${type}`,
    ...problemTypes[type],
    detail,
    ...rest,
  }
}

/** What to answer to an error, whatever threw it. */
export function problemOf(error: unknown, instance: string): ProblemAnswer {
  const answer = (
    type: ProblemType,
    detail: string,
    rest: Record<string, unknown> = {},
    headers = {},
  ): ProblemAnswer => ({
    document: documentOf(type, detail, { instance, ...rest }),
    headers,
    fault: type === 'internal',
  })
  if (error instanceof Problem) return answer(error.type, error.message, error.extra, error.headers)
  if (error instanceof KernelError) return { document: kernelProblem(error, instance), headers: {}, fault: false }
  if (error instanceof NoSuchPath) return answer('no-such-path', error.message, { exists: error.exists })
  if (error instanceof MalformedQuery) {
    const { parameter, message } = error
    return answer('invalid-query', `${parameter}: ${message}`, { errors: [{ parameter, detail: message }] })
  }
  if (error instanceof MalformedFile) return answer('invalid-body', error.message, { errors: error.errors })
  if (error instanceof MalformedPath) return answer('malformed-path', error.message)
  if (error instanceof MalformedWords) return answer('malformed-body', error.message)
  if (error instanceof PreconditionFailed) return answer('precondition-failed', error.message)
  if (error instanceof ZodError)
    return answer('invalid-body', 'correct the fields named', { errors: fieldErrors(error) })
  const known = ofFastify(error)
  if (known !== null) return answer(known.type, known.detail)
  return answer('internal', 'the service failed at this; its log says how')
}

function kernelProblem({ errno, message, field }: KernelError, instance: string): ProblemDocument {
  const status = statusOfErrno(errno)
  const errors = field === null ? {} : { errors: [{ pointer: `/${field}`, detail: message }] }
  const title = field === null ? `${errno}: ${STATUS_CODES[status]}` : problemTypes['invalid-body'].title
  const type = field === null ? `urn:introspectd:problem:errno:${errno}` : 'urn:introspectd:problem:invalid-body'
  return { type, title, status, detail: message, instance, errno, ...errors }
}

export function fieldErrors({ issues }: ZodError): FieldError[] {
  return issues.slice(0, bounds.fieldErrorsMax).flatMap((issue) => {
    const names: readonly PropertyKey[] = issue.code === 'unrecognized_keys' ? issue.keys : []
    if (names.length === 0) return [{ pointer: pointerOf(issue.path), detail: detailOf(issue) }]
    return names.map((name) => ({ pointer: pointerOf([...issue.path, name]), detail: 'no such field' }))
  })
}

/** As who sent JSON would say it. */
function detailOf({ code, message }: ZodError['issues'][number]): string {
  if (code !== 'invalid_type') return message
  if (message.endsWith('received undefined')) return 'is missing'
  return message.replace('Invalid input: expected object', 'a JSON object is expected')
}

/** Errors of Fastify and of the sockets below it, by code. */
const fastifyErrors: Readonly<Record<string, ProblemType>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed-request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed-body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed-body',
  FST_ERR_BAD_URL: 'malformed-path',
  FST_ERR_MAX_PARAM_LENGTH: 'path-too-long',
  FST_STATIC_FORBIDDEN_PATH: 'malformed-path',
  // The client left in the middle of its body: nobody hears the answer, and the log is not theirs to fill.
  ECONNRESET: 'malformed-request',
}

function ofFastify(error: unknown): { type: ProblemType; detail: string } | null {
  if (!(error instanceof Error)) return null
  const type = 'code' in error && typeof error.code === 'string' ? fastifyErrors[error.code] : undefined
  if (type !== undefined) return { type, detail: error.message }
  // Those that serve files have no codes, but know whose fault it is.
  const status = 'statusCode' in error ? Number(error.statusCode) : 500
  return status >= 400 && status < 500 ? { type: 'malformed-request', detail: error.message } : null
}
