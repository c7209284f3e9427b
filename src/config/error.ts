/** Defines the error for a setting that is invalid. The message names the setting and the reason. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}
