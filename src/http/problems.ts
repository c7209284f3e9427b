/**
 * Defines the table of all errors that a client can get, as problem documents (RFC 9457). Clients may rely on `type`.
 */

import { STATUS_CODES } from 'node:http'
import { ZodError } from 'zod'
import { bounds } from '../base/bounds.ts'
import { type Errno, KernelError } from '../kernel/errno.ts'
import { streamProblems } from '../stream/problems.ts'
import {
  InvalidRules,
  MalformedFile,
  MalformedPath,
  MalformedQuery,
  MalformedText,
  NoSuchPath,
  OwnedByRule,
  PreconditionFailed,
} from '../tree/errors.ts'
import { pointerOf } from '../tree/pointer.ts'

export const problemTypes = {
  ...streamProblems,
  'malformed-path': { status: 400, title: 'The path is malformed' },
  'malformed-body': { status: 400, title: 'The body cannot be parsed' },
  'malformed-request': { status: 400, title: 'The request is malformed' },
  'invalid-body': { status: 400, title: 'The body has invalid fields' },
  'invalid-query': { status: 400, title: 'The query has invalid parameters' },
  'unknown-subprotocol': { status: 400, title: 'None of the offered subprotocols is supported' },
  'token-in-url': { status: 400, title: 'The URL must not contain a token' },
  'upgrade-lost': { status: 426, title: 'The request for a WebSocket has lost its Upgrade' },
  unauthorized: { status: 401, title: 'A valid token is required' },
  forbidden: { status: 403, title: 'The role of this token is not sufficient' },
  'host-not-allowed': { status: 403, title: 'This Host is not allowed' },
  'origin-not-allowed': { status: 403, title: 'This Origin is not allowed' },
  'no-such-path': { status: 404, title: 'The path does not exist' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'not-acceptable': { status: 406, title: 'No supported representation is acceptable' },
  'owned-by-rule': { status: 409, title: 'A rules file sets this' },
  'invalid-rules': { status: 409, title: 'The rules files have faults, and the former rules stay' },
  'precondition-failed': { status: 412, title: 'A precondition does not hold' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'path-too-long': { status: 414, title: 'The path is too long' },
  'unsupported-media-type': { status: 415, title: 'The media type of the body is not supported' },
  'expectation-failed': { status: 417, title: 'The expectation is not supported' },
  'too-many-requests': { status: 429, title: 'This address has sent too many requests' },
  'too-many-connections': { status: 429, title: 'This address has too many connections' },
  'too-many-streams': { status: 429, title: 'Too many streams are open' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  internal: { status: 500, title: 'Internal error' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemType = keyof typeof problemTypes

/** The HTTP status of each errno. An errno that is not about the request itself is about the state: 409. */
const errnoStatus: Partial<Record<Errno, number>> = { ESRCH: 404, ENOENT: 404, EPERM: 403, EACCES: 403, EINVAL: 400 }
export function statusOfErrno(errno: Errno): number {
  return errnoStatus[errno] ?? 409
}

export interface FieldError {
  /** JSON pointer into the body; in a query, `/` and the name of the parameter. */
  readonly pointer: string
  readonly detail: string
}

/** An error with its problem type. The message is the detail: it says what is wrong and what to do. */
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

/** The answer to a request that only the model can serve, on a live machine. */
export function withoutModel(source: string, allow: string): Problem {
  return new Problem(
    'method-not-allowed',
    `the source is ${source}: a live kernel is observed, not called; start with --source model to use the model`,
    { headers: { allow } },
  )
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
  /** The service itself failed, so the error must be logged. */
  readonly isFault: boolean
}

function documentOf(type: ProblemType, detail: string, rest: Record<string, unknown> = {}): ProblemDocument {
  return {
    type: `urn:introspectd:problem:${type}`,
    ...problemTypes[type],
    detail,
    ...rest,
  }
}

/** The problem document and the headers that answer an error, whatever threw it. */
export function problemOf(error: unknown, instance: string): ProblemAnswer {
  const answer = (
    type: ProblemType,
    detail: string,
    rest: Record<string, unknown> = {},
    headers = {},
  ): ProblemAnswer => ({
    document: documentOf(type, detail, { instance, ...rest }),
    headers,
    isFault: type === 'internal',
  })
  if (error instanceof Problem) return answer(error.type, error.message, error.extra, error.headers)
  if (error instanceof KernelError) return { document: kernelProblem(error, instance), headers: {}, isFault: false }
  if (error instanceof NoSuchPath) return answer('no-such-path', error.message, { exists: error.exists })
  if (error instanceof MalformedQuery) {
    const { parameter, message } = error
    return answer('invalid-query', `${parameter}: ${message}`, { errors: [{ parameter, detail: message }] })
  }
  if (error instanceof MalformedFile) return answer('invalid-body', error.message, { errors: error.errors })
  if (error instanceof OwnedByRule) return answer('owned-by-rule', error.message, { rule: error.rule })
  if (error instanceof InvalidRules) return answer('invalid-rules', error.message, { errors: error.faults })
  if (error instanceof MalformedPath) return answer('malformed-path', error.message)
  if (error instanceof MalformedText) return answer('malformed-body', error.message)
  if (error instanceof PreconditionFailed) return answer('precondition-failed', error.message)
  if (error instanceof ZodError)
    return answer('invalid-body', 'correct the fields in `errors`', { errors: fieldErrors(error) })
  const known = frameworkProblem(error)
  if (known !== null) return answer(known.type, known.detail)
  return answer('internal', 'the service failed to process this request; its log has the reason')
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

/** Messages of zod in the terms of JSON. */
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
  // The client closed the connection in the middle of its body. If this were logged, clients could fill the log.
  ECONNRESET: 'malformed-request',
}

/** Texts in place of the framework's, which do not say what to change. */
const ownDetails: Partial<Record<ProblemType, string>> = {
  'malformed-path': 'the path is not percent-encoded UTF-8: a % in a name is written as %25',
}

function frameworkProblem(error: unknown): { type: ProblemType; detail: string } | null {
  if (!(error instanceof Error)) return null
  const type = 'code' in error && typeof error.code === 'string' ? fastifyErrors[error.code] : undefined
  if (type !== undefined) return { type, detail: ownDetails[type] ?? error.message }
  // Errors of the file plugin have no codes, only a status.
  const status = 'statusCode' in error ? Number(error.statusCode) : 500
  return status >= 400 && status < 500 ? { type: 'malformed-request', detail: error.message } : null
}
