/**
 * Parses and writes the plain-text form of a threshold's definition, as one would write it to a file in /proc or type
 * it at a terminal.
 */

import { unitOfLimit } from '../kernel/limits/amount-text.ts'
import { parseAmount } from '../kernel/limits/units.ts'
import { MalformedText } from './errors.ts'

/**
 * Parses `100`, `80%`, or `100 rearm=80 per=process`: the first word is the trip point, fields by name may follow.
 * `on=change` has no trip point. A field within `where` has a dotted name, as in `where.name=httpd*`. An amount may
 * have a unit of the limit, as in `1.5G`. A limit that does not exist is not refused here.
 * @throws MalformedText
 */
export function parseThresholdText([first, ...rest]: readonly string[], limit: string): Record<string, unknown> {
  if (first === undefined || first === '')
    throw new MalformedText('the trip point is missing; send one, as in 100 or 80%')
  const hasPoint = !first.includes('=')
  const body: Record<string, unknown> = hasPoint ? { at: parseWord('at', first, limit) } : {}
  const where: Record<string, unknown> = {}
  for (const word of hasPoint ? rest : [first, ...rest]) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(word) ?? []
    if (name === undefined || name === 'at') {
      throw new MalformedText(`${JSON.stringify(word)} is not name=value; the first word is the trip point`)
    }
    const inner = name.startsWith('where.') ? name.slice('where.'.length) : null
    if (inner === null) body[name] = parseWord(name, value!, limit)
    else where[inner] = parseWord(inner, value!, limit)
  }
  return Object.keys(where).length === 0 ? body : { ...body, where }
}

const constants: Readonly<Record<string, unknown>> = { true: true, false: false, null: null }

export const amountFields: ReadonlySet<string> = new Set(['at', 'rearm', 'delta'])
const numberFields: ReadonlySet<string> = new Set([...amountFields, 'uid'])

/**
 * A number where the field can be one and the word looks like one; the schema rejects whatever is wrong.
 * @throws MalformedText the unit is none of the limit
 */
export function parseWord(name: string, word: string, limit: string): unknown {
  if (Object.hasOwn(constants, word)) return constants[word]
  if (numberFields.has(name) && /^-?\d+(\.\d+)?$/.test(word)) return Number(word)
  const unit = amountFields.has(name) ? unitOfLimit(limit) : null
  if (unit === null) return word
  const parsed = parseAmount(unit, word)
  if (parsed.kind === 'misfit') throw new MalformedText(`${name}: ${word} does not fit; ${limit} is ${parsed.expected}`)
  return parsed.kind === 'amount' ? parsed.amount : word
}
