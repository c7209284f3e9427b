/** One request and what it was answered, as it went over the wire. */
export interface Exchange {
  /** Where it was asked. */
  readonly port: string
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** What is there of it; of a stream that the client has ended, or of what is very large, not all. */
  readonly body: Buffer
  readonly isWhole: boolean
}
