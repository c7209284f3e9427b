/** One request and its response, as they were sent over the network. */
export interface Exchange {
  /** Port of the server. */
  readonly port: string
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The observed part of the body. Very large bodies, and streams that the client ended, are incomplete. */
  readonly body: Buffer
  readonly isWhole: boolean
}
