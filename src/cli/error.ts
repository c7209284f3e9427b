/** Thrown when a command fails for a known reason. The message is one line and is shown to the user. */
export class CliError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CliError'
  }
}
