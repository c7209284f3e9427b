/** Bodies: JSON, or of thresholds plain text as one would write to a file in /proc. */

import type { z } from 'zod'
import type { Words } from '../tree/definition.ts'
import { fieldErrors, Problem } from './problems.ts'

/** What curl sends of itself for -T and -d says nothing about the body. */
const textTypes = new Set(['', 'text/plain', 'application/x-www-form-urlencoded'])
/** A line is JSON: where there is one only, the body is as well. */
const lineTypes = new Set([...textTypes, 'application/x-ndjson', 'application/json'])

/** Without its parameters. */
export function mediaType(contentType = ''): string {
  return contentType.split(';')[0]!.trim().toLowerCase()
}

/** What a verb takes, and the words that it may be said in. */
interface Taken {
  readonly body: z.ZodType
  readonly words?: Words
}

/** @throws Problem, ZodError naming the fields that are wrong */
export function parseBody(contentType: string | undefined, text: string, { body, words }: Taken): unknown {
  const type = mediaType(contentType)
  const isText = textTypes.has(type)
  if (!isText && type !== 'application/json')
    throw new Problem('unsupported-media-type', `${type} is not spoken here: application/json and text/plain are`)
  if (isText && words !== undefined && !text.trimStart().startsWith('{'))
    return check(body, words.parse(text.trim().split(/\s+/)), expected(words))
  if (isText && text.trim() === '') throw new Problem('malformed-body', 'there is no body; send a JSON object')
  const value = parseJson(text)
  return isObject(value) ? body.parse(value) : check(body, value, expected(words))
}

/** Names of fields say little to who sent none: the form that is expected is said as well. @throws Problem */
function check(body: z.ZodType, value: unknown, form: string): unknown {
  const parsed = body.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Problem('invalid-body', form, { extra: { errors: fieldErrors(parsed.error) } })
}

function expected(words: Words | undefined): string {
  return `a JSON object is expected${words === undefined ? '' : `, or text such as ${words.examples.join(' or ')}`}`
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws Problem */
export function checkLineType(contentType: string | undefined): void {
  const type = mediaType(contentType)
  if (lineTypes.has(type)) return
  throw new Problem('unsupported-media-type', `${type} is not spoken here: application/x-ndjson is`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Problem(
      'malformed-body',
      `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
