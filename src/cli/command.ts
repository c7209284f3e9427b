/** A row of the command line. From it come the parsing, the help and the reference. A new command is one file. */

import type { z } from 'zod'
import type { Effective, Setting } from '../config.ts'
import type { CommandIo } from './io.ts'

type Shape = Readonly<Record<string, z.ZodType>>
type Values<S extends Shape> = { readonly [Name in keyof S]: z.output<S[Name]> }

export interface Call<Args extends Shape, Options extends Shape> extends Effective {
  readonly args: Values<Args>
  readonly options: Values<Options>
  readonly io: CommandIo
}

interface CommandRow<Args extends Shape, Options extends Shape> {
  readonly name: string
  readonly summary: string
  /** In the order in which they are typed; an array takes all that are left. */
  readonly args: Args
  readonly options: Options
  /** Which of them are flags of this command. All are read, and refused where they are wrong. */
  readonly settings: readonly Setting[]
  /** A line or some that can be typed as they stand. */
  readonly examples: readonly string[]
  readonly run: (call: Call<Args, Options>) => void | Promise<void>
}

/** As the command line sees it: types are erased here. */
export type Command = CommandRow<Shape, Shape>

export const defineCommand = <Args extends Shape, Options extends Shape>(row: CommandRow<Args, Options>): Command =>
  row as unknown as Command
