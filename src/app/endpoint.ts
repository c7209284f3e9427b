/** Defines a socket that the service listens on, and the error when it cannot. */

/** The service cannot listen; the message is one line for a person. */
export class ListenError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ListenError'
  }
}

/** A socket that is open, or will be. */
export interface Endpoint {
  /** Null for a unix socket. */
  readonly host: string | null
  /** 0 for a unix socket. */
  readonly port: number
  /** Path of a unix socket; null for an address. */
  readonly path: string | null
}
