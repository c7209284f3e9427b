/**
 * Parses and writes the plain-text form of a threshold's definition, as one would write it to a file in /proc or type
 * it at a terminal.
 */

import { MalformedText } from './errors.ts'

/**
 * Parses `100`, `80%`, or `100 rearm=80 per=process`: the first word is the trip point, fields by name may follow.
 * `on=change` has no trip point. A field within `where` has a dotted name, as in `where.name=httpd*`.
 * @throws MalformedText
 */
export function parseThresholdText([first, ...rest]: readonly string[]): Record<string, unknown> {
  if (first === undefined || first === '')
    throw new MalformedText('the trip point is missing; send one, as in 100 or 80%')
  const hasPoint = !first.includes('=')
  const body: Record<string, unknown> = hasPoint ? { at: parseWord('at', first) } : {}
  const where: Record<string, unknown> = {}
  for (const word of hasPoint ? rest : [first, ...rest]) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(word) ?? []
    if (name === undefined || name === 'at') {
      throw new MalformedText(`${JSON.stringify(word)} is not name=value; the first word is the trip point`)
    }
    const inner = name.startsWith('where.') ? name.slice('where.'.length) : null
    if (inner === null) body[name] = parseWord(name, value!)
    else where[inner] = parseWord(inner, value!)
  }
  return Object.keys(where).length === 0 ? body : { ...body, where }
}

const constants: Readonly<Record<string, unknown>> = { true: true, false: false, null: null }

const numberFields: ReadonlySet<string> = new Set(['at', 'rearm', 'delta', 'uid'])

/** A number where the field can be one and the word looks like one; the schema rejects whatever is wrong. */
function parseWord(name: string, word: string): unknown {
  if (Object.hasOwn(constants, word)) return constants[word]
  return numberFields.has(name) && /^-?\d+(\.\d+)?$/.test(word) ? Number(word) : word
}
