/** Collects what can be typed after `introspectd`, for the completions of all shells. It derives from the rows. */

import { z } from 'zod'
import { marks, type Row, settingRows } from '../../config/row.ts'
import { configFile } from '../../config/settings.ts'
import type { Command } from '../command.ts'

/** Words that can stand in one place. Null: names of files. Empty: anything that cannot be foreseen. */
type Words = readonly string[] | null

export interface TypedFlag {
  readonly long: string
  /** A single letter. */
  readonly short: string | null
  readonly summary: string
  /** Absent for a flag without a value. */
  readonly values?: Words
}

export interface TypedArgument {
  readonly name: string
  readonly values: Words
  readonly repeats: boolean
}

export interface TypedCommand {
  readonly name: string
  readonly summary: string
  readonly flags: readonly TypedFlag[]
  readonly args: readonly TypedArgument[]
}

/** The first command is the default. */
export function vocabularyOf(commands: readonly Command[]): readonly TypedCommand[] {
  return commands.map(({ name, summary, args, options, settings }) => {
    const own = settingRows(options)
    const others = settings.filter(({ secret, fileOnly }) => !secret && !fileOnly)
    const rows: readonly Row[] = [...own, ...others, ...(settings.length === 0 ? [] : [configFile!])]
    return { name, summary, flags: [...rows.map(flagOf), help], args: settingRows(args).map(argumentOf) }
  })
}

const help: TypedFlag = { long: 'help', short: 'h', summary: 'print how the command is used' }

function flagOf(row: Row): TypedFlag {
  const flag = { long: row.key, short: row.letter, summary: row.description }
  return row.type === 'boolean' ? flag : { ...flag, values: wordsOf(row) }
}

function argumentOf(row: Row): TypedArgument {
  return { name: row.key, values: wordsOf(row), repeats: row.type === 'array' }
}

/** The words of an enumeration, or those that the row suggests. Other texts are often names of files. */
function wordsOf({ schema, type }: Row): Words {
  const suggested = marks.get(schema)?.words
  if (suggested !== undefined) return suggested
  const { enum: values } = z.toJSONSchema(schema, { io: 'input' })
  if (values !== undefined) return values.map(String)
  return type === 'string' || type === 'array' ? null : []
}
