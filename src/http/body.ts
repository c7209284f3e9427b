/** Parses the body of a request: JSON, plain text where the row has a text form, or the text of a YAML file. */

import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Params, TextForm } from '../tree/verb.ts'
import { fieldErrors, Problem } from './problems.ts'

/** The types that curl sends by default with -T and -d: they say nothing about the body. */
const untypedText = new Set(['', 'text/plain', 'application/x-www-form-urlencoded'])
/** A stream of lines may be sent as any of these: a single line is JSON as well. */
const lineTypes = new Set([...untypedText, 'application/x-ndjson', 'application/json'])
const yamlTypes = new Set([...untypedText, 'application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'])

/** The media type without its parameters. */
function mediaType({ headers }: Pick<FastifyRequest, 'headers'>): string {
  return (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

/** The forms that a body may have, and the parameters of the path that say how its text is read. */
interface BodyForm<B extends z.ZodType> {
  readonly body: B
  readonly text?: TextForm
  readonly yaml?: true
  readonly params?: Params
}

/** @throws Problem, and ZodError naming the fields that are wrong */
export function readBody<B extends z.ZodType>(
  request: Pick<FastifyRequest, 'headers' | 'body'>,
  { body, text: textForm, yaml, params = {} }: BodyForm<B>,
): z.output<B> {
  const text = typeof request.body === 'string' ? request.body : ''
  const type = mediaType(request)
  if (yaml) {
    checkType(type, yamlTypes, 'application/yaml')
    return body.parse(text)
  }
  const isText = untypedText.has(type)
  if (!isText && type !== 'application/json') throw unsupported(type, 'application/json or text/plain')
  if (isText && textForm !== undefined && !text.trimStart().startsWith('{'))
    return parseForm(body, textForm.parse(text.trim().split(/\s+/), params), expectedForm(textForm))
  if (isText && text.trim() === '') throw new Problem('malformed-body', 'the body is empty; send a JSON object')
  const value = parseJson(text, 'the body')
  return isObject(value) ? body.parse(value) : parseForm(body, value, expectedForm(textForm))
}

/**
 * The names of fields help little where no object was sent, so the detail describes the expected form. @throws Problem
 */
function parseForm<B extends z.ZodType>(body: B, value: unknown, form: string): z.output<B> {
  const parsed = body.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Problem('invalid-body', form, { extra: { errors: fieldErrors(parsed.error) } })
}

function expectedForm(text: TextForm | undefined): string {
  return `a JSON object is expected${text === undefined ? '' : `, or text such as ${text.examples.join(' or ')}`}`
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws Problem */
export function checkLineType(request: Pick<FastifyRequest, 'headers'>): void {
  checkType(mediaType(request), lineTypes, 'application/x-ndjson')
}

function checkType(type: string, supported: ReadonlySet<string>, expected: string): void {
  if (!supported.has(type)) throw unsupported(type, expected)
}

function unsupported(type: string, supported: string): Problem {
  return new Problem('unsupported-media-type', `${type} is not supported here; send ${supported}`)
}

/** @param subject as in "the body" @throws Problem */
export function parseJson(text: string, subject: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Problem('malformed-body', `${subject} is not JSON: ${reason}`)
  }
}
