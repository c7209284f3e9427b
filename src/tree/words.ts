/** A threshold in words, as one would write it to a file in /proc or type it at a terminal. */

import { MalformedWords } from './errors.ts'

/** `100`, `80%`, or `100 rearm=80 per=process`: the first word is the trip point, fields by name may follow. @throws MalformedWords */
export function parseWords([first, ...rest]: readonly string[]): Record<string, unknown> {
  if (first === undefined || first === '')
    throw new MalformedWords('there is no trip point; send one, as in 100 or 80%')
  const fields = rest.map((word): [string, unknown] => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(word) ?? []
    if (name === undefined || name === 'at') {
      throw new MalformedWords(`${JSON.stringify(word)} is not name=value; the first word is the trip point`)
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
