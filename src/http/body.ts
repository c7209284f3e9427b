/** Bodies of PUT: JSON, or plain text as one would write to a file in /proc. */

import { parseWords } from '../tree/words.ts'
import { Problem } from './problems.ts'

/** What curl sends of itself for -T and -d says nothing about the body. */
const textTypes = new Set(['', 'text/plain', 'application/x-www-form-urlencoded'])

/** @throws Problem */
export function parseBody(
  contentType: string | undefined,
  text: string,
  words: (words: readonly string[]) => unknown = parseWords,
): unknown {
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase()
  if (type === 'application/json') return parseJson(text)
  if (!textTypes.has(type)) {
    throw new Problem('unsupported-media-type', `${type} is not spoken here: application/json and text/plain are`)
  }
  return text.trimStart().startsWith('{') ? parseJson(text) : words(text.trim().split(/\s+/))
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
