/** Standard output of the commands. A pipe that nobody reads any more, or a terminal that is gone, ends them quietly. */

import type { CommandIo, Output } from './io.ts'

const guarded = new WeakSet<Output>()

export function print({ stdout }: CommandIo, text: string): void {
  if (!guarded.has(stdout)) stdout.on('error', endWithoutReader)
  guarded.add(stdout)
  stdout.write(text)
}

function endWithoutReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
  process.exit(0)
}

/** On a terminal a line is a row: what is wider would wrap, and no column would stand below another. */
export function printTable(io: CommandIo, text: string): void {
  const { isTTY, columns = 0 } = io.stdout
  // Some terminals do not say how wide they are.
  print(io, isTTY && columns > 0 ? text.replace(/.+/g, (line) => line.slice(0, columns)) : text)
}
