/** Bodies of PUT: JSON, or plain text as one would write to a file in /proc. */

import { Problem } from './problems.ts'

/** What curl sends of itself for -T and -d says nothing about the body. */
const textTypes = new Set(['', 'text/plain', 'application/x-www-form-urlencoded'])

/** @throws Problem */
export function parseBody(contentType: string | undefined, text: string): unknown {
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase()
  if (type === 'application/json') return parseJson(text)
  if (!textTypes.has(type)) {
    throw new Problem('unsupported-media-type', `${type} is not spoken here: application/json and text/plain are`)
  }
  return text.trimStart().startsWith('{') ? parseJson(text) : parseWords(text)
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

/** `100`, `80%`, or `100 rearm=80 per=process`: the first word is the trip point, fields by name may follow. */
function parseWords(text: string): Record<string, unknown> {
  const [first, ...rest] = text.trim().split(/\s+/)
  if (first === undefined || first === '')
    throw new Problem('malformed-body', 'the body is empty; send a trip point, as in 100 or 80%')
  const fields = rest.map((word): [string, unknown] => {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(word) ?? []
    if (name === undefined || name === 'at') {
      throw new Problem('malformed-body', `${JSON.stringify(word)} is not name=value; the first word is the trip point`)
    }
    return [name, valueOfWord(name, value!)]
  })
  return { at: valueOfWord('at', first), ...Object.fromEntries(fields) }
}

const constants: Readonly<Record<string, unknown>> = { true: true, false: false, null: null }

/** Points are numbers where they look like it; what is not is for the schema to refuse. */
function valueOfWord(name: string, word: string): unknown {
  if (Object.hasOwn(constants, word)) return constants[word]
  return (name === 'at' || name === 'rearm') && /^-?\d+(\.\d+)?$/.test(word) ? Number(word) : word
}
