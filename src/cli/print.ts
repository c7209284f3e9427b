/** Writes to standard output. A command whose output cannot be written ends, with at most one line. */

import { writeSync } from 'node:fs'
import { exitCodes } from './exit-codes.ts'
import type { CommandIo, CommandOutput } from './io.ts'

const guarded = new WeakSet<NodeJS.WritableStream>()

export function print({ stdout }: Pick<CommandIo, 'stdout'>, text: string): void {
  if (!guarded.has(stdout)) stdout.on('error', (error) => endByOutput(stdout, error))
  guarded.add(stdout)
  stdout.write(text)
}

/** Ends the command: silently if the reader of the pipe or the terminal has gone, else with the reason. */
export function endByOutput({ isTTY }: Pick<CommandOutput, 'isTTY'>, error: NodeJS.ErrnoException): never {
  if (hasNoReader(error) || (error.code === 'EIO' && isTTY)) process.exit(exitCodes.done.code)
  try {
    // At once: the process exits before a stream is flushed.
    writeSync(2, `introspectd: cannot write the output: ${reasonOf(error)}\n`)
  } finally {
    process.exit(exitCodes.failed.code)
  }
}

export function hasNoReader(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}

/** Leaves code and system call out of a message of Node: `ENOSPC: no space left on device, write`. */
function reasonOf({ message }: Error): string {
  return message.replace(/^E[A-Z]+: (.*), \w+$/, '$1')
}

/** Prints a table. On a terminal each line is cut to the width, because wrapped lines would break the columns. */
export function printTable(io: CommandIo, text: string): void {
  const { isTTY, columns = 0 } = io.stdout
  // Some terminals report no width.
  print(io, isTTY && columns > 0 ? text.replace(/.+/g, (line) => line.slice(0, columns)) : text)
}
