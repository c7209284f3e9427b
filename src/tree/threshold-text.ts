/** A threshold in words, as one would write it to a file in /proc or type it at a terminal. */

import { MalformedWords } from './errors.ts'

/**
 * `100`, `80%`, or `100 rearm=80 per=process`: the first word is the trip point, fields by name may follow. `on=change` has
 * no trip point; what is within `where` is named as in `where.name=httpd*`. @throws MalformedWords
 */
export function parseWords([first, ...rest]: readonly string[]): Record<string, unknown> {
  if (first === undefined || first === '')
    throw new MalformedWords('there is no trip point; send one, as in 100 or 80%')
  const hasPoint = !first.includes('=')
  const body: Record<string, unknown> = hasPoint ? { at: valueOfWord('at', first) } : {}
  const where: Record<string, unknown> = {}
  for (const word of hasPoint ? rest : [first, ...rest]) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(word) ?? []
    if (name === undefined || name === 'at') {
      throw new MalformedWords(`${JSON.stringify(word)} is not name=value; the first word is the trip point`)
    }
    const inner = name.startsWith('where.') ? name.slice('where.'.length) : null
    if (inner === null) body[name] = valueOfWord(name, value!)
    else where[inner] = valueOfWord(inner, value!)
  }
  return Object.keys(where).length === 0 ? body : { ...body, where }
}

const constants: Readonly<Record<string, unknown>> = { true: true, false: false, null: null }

const numbers: ReadonlySet<string> = new Set(['at', 'rearm', 'delta', 'uid'])

/** Points are numbers where they look like it; what is not is for the schema to refuse. */
function valueOfWord(name: string, word: string): unknown {
  if (Object.hasOwn(constants, word)) return constants[word]
  return numbers.has(name) && /^-?\d+(\.\d+)?$/.test(word) ? Number(word) : word
}
