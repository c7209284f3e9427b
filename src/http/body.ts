/** Bodies: JSON, or of thresholds plain text as one would write to a file in /proc. */

import type { Words } from '../tree/definition.ts'
import { Problem } from './problems.ts'

/** What curl sends of itself for -T and -d says nothing about the body. */
const textTypes = new Set(['', 'text/plain', 'application/x-www-form-urlencoded'])

/** @throws Problem */
export function parseBody(contentType: string | undefined, text: string, words: Words | undefined): unknown {
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase()
  if (type === 'application/json') return parseJson(text)
  if (!textTypes.has(type)) {
    throw new Problem('unsupported-media-type', `${type} is not spoken here: application/json and text/plain are`)
  }
  if (words !== undefined && !text.trimStart().startsWith('{')) return words.parse(text.trim().split(/\s+/))
  if (text.trim() === '') throw new Problem('malformed-body', 'there is no body; send a JSON object')
  return parseJson(text)
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
