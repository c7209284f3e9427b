/** A connection to a client, as what is spoken over it needs it: a WebSocket, or a response that does not end. */

export interface Line {
  /** Bytes handed over and not yet taken by the kernel. */
  readonly queuedBytes: number
  /** Changes whenever the kernel has taken something. */
  readonly takenBytes: number
  /** `cursor`: where the client is when it has read this; null where that has not moved. */
  send(json: Buffer, cursor: number | null): void
  /** Calls back once when what is queued has been taken, or the connection is gone. */
  whenDrained(then: () => void): void
  /** After what is queued; what is not taken within the grace period is cut off. */
  close(code: number, reason: string): void
}
