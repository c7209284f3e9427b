/** What many entries of the OpenAPI document share. */

import type { z } from 'zod'
import { type Json, schemaOf } from './json-schema.ts'
import { forms } from './negotiate.ts'
import { problemTypes } from './problems.ts'

const text = { type: 'string' }
const cursor = { type: 'string', pattern: '^[0-9]{20}$' }

/** All that any answer has besides those of HTTP itself. */
export const headers = {
  'Introspect-Cursor': {
    description: 'The event cursor this answer is consistent with',
    required: true,
    schema: cursor,
  },
  Vary: { description: 'Accept, User-Agent', required: true, schema: text },
  'Content-Location': { description: 'Where an alias leads', schema: text },
  ETag: { description: 'Validator, for If-Match and If-None-Match', schema: text },
  Location: { description: 'Pathname of what was made', required: true, schema: text },
  Link: { description: 'The next page, with rel="next"', schema: text },
  Allow: { description: 'The methods that there are here', schema: text },
  'Cache-Control': { description: 'no-store, of what is as it is now', schema: text },
  'X-Accel-Buffering': { description: 'no, of an event stream: proxies are to hand it on as it comes', schema: text },
  'X-Frame-Options': { description: 'DENY: the page is in no frame of another', schema: text },
  'Retry-After': { description: 'Seconds, with 429', schema: text },
  'WWW-Authenticate': { description: 'With 401', schema: text },
} as const

export function headersNamed(names: readonly (keyof typeof headers)[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

export function query(name: string, description: string, schema: Json): Json {
  return {
    name,
    in: 'query',
    description,
    schema,
  }
}

interface Parts {
  readonly responses: Json
  readonly parameters?: Json[]
  readonly requestBody?: Json
}

export function operation(summary: string, id: string, { responses, ...rest }: Parts): Json {
  const operationId = id.replace(/[{}]/g, '').replace(/[^a-z0-9]+(.)/g, (_, next: string) => next.toUpperCase())
  return {
    operationId,
    summary,
    ...rest,
    responses: { ...responses, default: { $ref: '#/components/responses/problem' } },
  }
}

export function jsonContent(shape: z.ZodType): Json {
  return { [forms.json]: { schema: schemaOf(shape) } }
}

/** OpenAPI 3.1 has no words for lines that are documents each: `x-itemSchema` is what 3.2 calls `itemSchema`. */
export function linesContent(form: 'ndjson' | 'stream', line: z.ZodType, description: string): Json {
  return {
    [forms[form]]: { schema: { type: 'string', description }, 'x-itemSchema': schemaOf(line) },
  }
}

export function textContent(): Json {
  return { [forms.text]: { schema: { type: 'string' } } }
}

export const problemSchema: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: {
      type: 'string',
      pattern: `^urn:introspectd:problem:(${Object.keys(problemTypes).join('|')}|errno:[A-Z0-9]+)$`,
      description: 'Stable; errno:<name> where the kernel refused',
    },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What to do about it' },
    instance: { type: 'string' },
    errno: { type: 'string', description: 'Where the kernel refused' },
    exists: { type: 'string', description: 'Of a path that does not exist, the longest part that does' },
    oldest: { ...cursor, description: 'Of a cursor that is too old, the oldest that is kept' },
    errors: {
      type: 'array',
      description: 'Each invalid field by JSON pointer, each invalid parameter of a query by name',
      items: {
        type: 'object',
        required: ['detail'],
        properties: {
          pointer: { type: 'string' },
          parameter: { type: 'string' },
          detail: { type: 'string' },
          line: { type: 'integer', description: 'In a file' },
          column: { type: 'integer' },
        },
      },
    },
  },
  unevaluatedProperties: false,
}

export const responses: Json = {
  problem: {
    description: 'A problem (RFC 9457); nothing was changed',
    headers: headersNamed(['Allow', 'Retry-After', 'WWW-Authenticate']),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  },
  allowed: { description: 'What is allowed here', headers: headersNamed(['Allow']) },
}

export const securitySchemes: Json = {
  bearer: { type: 'http', scheme: 'bearer', description: 'Where the service was started with --token-file' },
}
