/** Standard output of the commands. A pipe that nobody reads any more, or a terminal that is gone, ends them quietly. */

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

/** On a terminal a line is a row: what is wider would wrap, and no column would stand below another. */
export function printTable(text: string): void {
  const { isTTY, columns } = process.stdout
  // Some terminals do not say how wide they are.
  print(isTTY && columns > 0 ? text.replace(/.+/g, (line) => line.slice(0, columns)) : text)
}
