/** Defines the parts that many entries of the OpenAPI document share: headers, responses, the schema of problems. */

import type { z } from 'zod'
import { type Direction, type Json, schemaOf } from './json-schema.ts'
import { forms } from './negotiate.ts'
import { problemTypes } from './problems.ts'

const text = { type: 'string' }
const cursor = { type: 'string', pattern: '^[0-9]{20}$' }

/** The headers of replies, besides those of HTTP itself. */
export const headers = {
  'Introspect-Cursor': {
    description: 'The event cursor that this reply is consistent with',
    required: true,
    schema: cursor,
  },
  Vary: { description: 'Accept, User-Agent', required: true, schema: text },
  'Content-Location': { description: 'The canonical path, where the request used an alias', schema: text },
  ETag: { description: 'Validator, for If-Match and If-None-Match', schema: text },
  Location: { description: 'Pathname of the new resource', required: true, schema: text },
  Link: { description: 'The next page, with rel="next"', schema: text },
  Allow: { description: 'The methods that are allowed here', schema: text },
  'Cache-Control': {
    description: 'no-store: the reply is the present state; no-transform too, for an event stream',
    schema: text,
  },
  'X-Accel-Buffering': { description: 'no, for an event stream: proxies must not buffer it', schema: text },
  'X-Frame-Options': { description: 'DENY: other pages must not frame this one', schema: text },
  'Retry-After': { description: 'Seconds, with 429', schema: text },
  Upgrade: { description: 'websocket, with 426', schema: text },
  'WWW-Authenticate': { description: 'With 401', schema: text },
} as const

export type HeaderName = keyof typeof headers

export function headersNamed(names: readonly HeaderName[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

/** Groups of operations; generators make one class or file of each. */
export const tags = {
  System: 'The machine as a whole: its limits, states, waits and thresholds',
  Partitions: 'Partitions, which are cgroups on Linux, and what is below them',
  Processes: 'Processes, and what is below them',
  Threads: 'Threads, and what is below them',
  Model: 'Operations that only the model serves; 405 on a live machine',
  Events: 'Past events, and durable subscriptions',
  Service: 'The service itself: health, metrics and documents',
} as const

export type Tag = keyof typeof tags

interface Parts {
  readonly tag: Tag
  readonly summary: string
  readonly description: string
  readonly operationId: string
  readonly responses: Json
  readonly parameters?: readonly Json[]
  readonly requestBody?: Json
}

const problem = { $ref: '#/components/responses/problem' }

/** Any request can be refused; 400 is named because some tools require one such status. */
export function operation({ tag, parameters = [], responses, ...rest }: Parts): Json {
  return {
    tags: [tag],
    ...rest,
    ...(parameters.length > 0 && { parameters }),
    responses: { ...responses, 400: problem, default: problem },
  }
}

export function jsonContent(shape: z.ZodType, direction: Direction = 'output'): Json {
  return { [forms.json]: { schema: schemaOf(shape, direction) } }
}

/**
 * A stream of documents. OpenAPI 3.1 has no keyword for their schema: `x-itemSchema` is what 3.2 calls `itemSchema`.
 */
export function linesContent(form: 'ndjson' | 'stream', line: z.ZodType, description: string): Json {
  return {
    [forms[form]]: { schema: { type: 'string', description }, 'x-itemSchema': schemaOf(line) },
  }
}

export function mediaContent(media: string): Json {
  return { [media]: { schema: { type: 'string' } } }
}

/**
 * The content of a body that is JSON and can also have other forms. These are in `x-content`, with the shape of
 * `content`: generators make a stream or a union of a reply that declares several types, and most clients want JSON.
 */
export function contentOf(json: Json, others: Json): Json {
  return { content: json, ...(Object.keys(others).length > 0 && { 'x-content': others }) }
}

export const problemSchema: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: {
      type: 'string',
      pattern: `^urn:introspectd:problem:(${Object.keys(problemTypes).join('|')}|errno:[A-Z0-9]+)$`,
      description: 'Stable; errno:<name> where the kernel refused the request',
    },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'The fault, and the remedy' },
    instance: { type: 'string' },
    errno: { type: 'string', description: 'The errno, where the kernel refused the request' },
    exists: { type: 'string', description: 'For a path that does not exist: the longest part of it that does' },
    oldest: { ...cursor, description: 'For a cursor that is too old: the oldest that is stored' },
    rule: { type: 'string', description: 'File and line of the rule that sets the threshold or timeout' },
    errors: {
      type: 'array',
      description: 'Each invalid field by JSON pointer, each invalid query parameter by name',
      items: {
        type: 'object',
        required: ['detail'],
        properties: {
          pointer: { type: 'string' },
          parameter: { type: 'string' },
          detail: { type: 'string' },
          file: { type: 'string', description: 'A rules file' },
          line: { type: 'integer', description: 'In a file' },
          column: { type: 'integer' },
        },
      },
    },
  },
  additionalProperties: false,
}

export const responses: Json = {
  problem: {
    description: 'A problem (RFC 9457); nothing has changed',
    headers: headersNamed(['Allow', 'Retry-After', 'Upgrade', 'WWW-Authenticate']),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  },
  allowed: { description: 'The allowed methods', headers: headersNamed(['Allow']) },
}

export const securitySchemes: Json = {
  bearer: { type: 'http', scheme: 'bearer', description: 'Required if the service runs with --token-file' },
}
