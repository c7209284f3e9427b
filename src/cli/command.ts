/**
 * Defines the row of a command. Parsing, help and the reference page follow from the row, so a new command is one file.
 */

import { z } from 'zod'
import type { Effective, Setting } from '../config/settings.ts'
import type { CommandIo } from './io.ts'

type Shape = Readonly<Record<string, z.ZodType>>

interface Call<Args, Options> extends Effective {
  readonly args: Args
  readonly options: Options
  readonly io: CommandIo
}

interface CommandDescription {
  readonly name: string
  readonly summary: string
  /** Schemas in the order of the command line. An array takes all remaining words. */
  readonly args: Shape
  readonly options: Shape
  /** Settings that are flags of this command. Every setting is read and checked, whether it is a flag or not. */
  readonly settings: readonly Setting[]
  /** Command lines that work as they are written. */
  readonly examples: readonly string[]
}

interface CommandRow<Args extends Shape, Options extends Shape> extends CommandDescription {
  readonly args: Args
  readonly options: Options
  readonly run: (call: Call<z.output<z.ZodObject<Args>>, z.output<z.ZodObject<Options>>>) => void | Promise<void>
}

/** Values by name, in the types of the command line: text, numbers, booleans and lists. */
type Input = Readonly<Record<string, unknown>>

export interface Command extends CommandDescription {
  /** @throws ZodError if the values do not match the schemas, and the errors of the command */
  readonly run: (call: Call<Input, Input>) => void | Promise<void>
}

export function defineCommand<Args extends Shape, Options extends Shape>(row: CommandRow<Args, Options>): Command {
  const args = z.object(row.args)
  const options = z.object(row.options)
  return {
    ...row,
    run: (call) => row.run({ ...call, args: args.parse(call.args), options: options.parse(call.options) }),
  }
}
