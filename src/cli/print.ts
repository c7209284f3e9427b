/** Writes to standard output. If the pipe is closed or the terminal has gone, the command ends without an error. */

import type { CommandIo, CommandOutput } from './io.ts'

const guarded = new WeakSet<CommandOutput>()

export function print({ stdout }: CommandIo, text: string): void {
  if (!guarded.has(stdout)) stdout.on('error', endWithoutReader)
  guarded.add(stdout)
  stdout.write(text)
}

function endWithoutReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
  process.exit(0)
}

/** Prints a table. On a terminal each line is cut to the width, because wrapped lines would break the columns. */
export function printTable(io: CommandIo, text: string): void {
  const { isTTY, columns = 0 } = io.stdout
  // Some terminals report no width.
  print(io, isTTY && columns > 0 ? text.replace(/.+/g, (line) => line.slice(0, columns)) : text)
}
