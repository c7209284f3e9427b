/** Makes a row from each key of a zod shape, and parses text from the command line into the type of the row. */

import { z } from 'zod'
import { didYouMean } from '../base/nearest.ts'

/** Properties of a setting that a zod schema cannot hold. */
export const marks = z.registry<{
  /** Never printed, and never a flag: ps shows flags to every user. */
  readonly secret?: true
  /** A short flag besides the long one. */
  readonly letter?: string
  /** Texts that the shell suggests, besides which there are others. */
  readonly words?: readonly string[]
  /** A structured setting: a key of the file only, without flag and variable. */
  readonly fileOnly?: true
  /** The flag may be given several times: its values are joined by commas. */
  readonly repeats?: true
  /** The value as it is printed, where parts of it are secret. */
  readonly shown?: (value: unknown) => unknown
}>()

type ValueType = 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'

export interface Row<Name extends string = string> {
  /** Name in the code. */
  readonly name: Name
  /** Name for users: `token-file` for `tokenFile`. */
  readonly key: string
  readonly schema: z.ZodType
  readonly type: ValueType
  readonly description: string
  /** The default; undefined when there is none. */
  readonly standard: unknown
  readonly required: boolean
  readonly secret: boolean
  readonly letter: string | null
  readonly fileOnly: boolean
  readonly repeats: boolean
  readonly shown: ((value: unknown) => unknown) | null
}

export function settingRows<Shape extends Record<string, z.ZodType>>(shape: Shape): Row<keyof Shape & string>[] {
  const names = Object.keys(shape) as (keyof Shape & string)[]
  return names.map((name) => {
    const schema = shape[name]!
    const absent = schema.safeParse(undefined)
    const { secret = false, letter = null, fileOnly = false, repeats = false, shown = null } = marks.get(schema) ?? {}
    return {
      name,
      key: name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`),
      schema,
      type: z.toJSONSchema(schema, { io: 'input' }).type as ValueType,
      description: schema.description ?? '',
      standard: absent.success ? absent.data : undefined,
      required: !absent.success,
      secret,
      letter,
      fileOnly,
      repeats,
      shown,
    }
  })
}

/** Returns text that is not a number unchanged: the schema refuses it. */
function numberOf(text: string): unknown {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

/** Returns text that is not a list of `name=value`, or that repeats a name, unchanged: the schema refuses it. */
function mapOf(text: string): unknown {
  const items = text.split(',').map((item) => /^([a-z-]+)\s*=(.*)$/.exec(item.trim())?.slice(1))
  const entries = items.flatMap((item) => (item === undefined ? [] : [[item[0]!, item[1]!.trim()] as const]))
  const isWhole = entries.length === items.length && new Set(entries.map(([name]) => name)).size === entries.length
  if (!isWhole) return text
  return Object.fromEntries(entries.map(([name, value]) => [name, value === 'null' ? null : numberOf(value)]))
}

const truths: Readonly<Record<string, boolean>> = { true: true, false: false }

const readers: Readonly<Record<ValueType, (text: string) => unknown>> = {
  string: (text) => text,
  integer: numberOf,
  number: numberOf,
  boolean: (text) => truths[text] ?? text,
  array: (text) => text.split(',').map((item) => item.trim()),
  object: mapOf,
}

/** Parses text into the type of the row. */
export function valueOfText({ type }: Row, text: string): unknown {
  return readers[type](text)
}

/** Says what is wrong with a value, naming where it was set; null when it is valid. */
export function faultOf(row: Row, value: unknown, place: string): string | null {
  const wrong = wrongWith(row, value)
  if (wrong === null) return null
  return `${place}${row.secret ? '' : ` ${JSON.stringify(value)}`}: ${wrong}`
}

function wrongWith({ schema, type }: Row, value: unknown): string | null {
  const [issue] = schema.safeParse(value).error?.issues ?? []
  if (issue === undefined) return null
  const inMap = type === 'object' ? wrongInMap(schema, issue) : null
  if (inMap !== null) return inMap
  if (issue.code === 'invalid_type') return `expected ${wanted[type]}`
  if (issue.code !== 'invalid_value') return issue.message
  const values = issue.values.map(String)
  return `expected one of ${values.join(', ')}${typeof value === 'string' ? didYouMean(value, values) : ''}`
}

/** Says what is wrong in a map, with the name of the entry; null when the fault is not in an entry. */
function wrongInMap(schema: z.ZodType, issue: z.core.$ZodIssue): string | null {
  if (issue.code !== 'unrecognized_keys')
    return issue.path.length === 0 ? null : `${String(issue.path[0])}: ${issue.message}`
  const { enum: names } = z.toJSONSchema(schema, { io: 'input' }).propertyNames as { readonly enum: readonly string[] }
  const [strange] = issue.keys
  return `there is no ${strange}${didYouMean(strange!, names)}`
}

const wanted: Readonly<Record<ValueType, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list of texts',
  object: 'a value for each name, as in channels=500,threads=1000, and each name once; in the file a map',
}
