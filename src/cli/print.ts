/** Writes to standard output. If the pipe is closed or the terminal has gone, the command ends without an error. */

let isGuarded = false

export function print(text: string): void {
  if (!isGuarded) process.stdout.on('error', endWithoutReader)
  isGuarded = true
  process.stdout.write(text)
}

function endWithoutReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
  process.exit(0)
}

/** Prints a table. On a terminal each line is cut to the width, because wrapped lines would break the columns. */
export function printTable(text: string): void {
  const { isTTY, columns } = process.stdout
  // Some terminals report no width.
  print(isTTY && columns > 0 ? text.replace(/.+/g, (line) => line.slice(0, columns)) : text)
}
