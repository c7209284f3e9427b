/** A command that cannot do what was asked; the message is one line for a person. */
export class CliError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CliError'
  }
}
