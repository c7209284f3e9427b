/** Defines the sending side of one client connection, the same for a WebSocket and for an open HTTP response (SSE). */

export interface Transport {
  /** Bytes that were sent to this transport and not yet accepted by the operating system. */
  readonly queuedBytes: number
  /** Changes whenever the operating system has accepted some bytes. */
  readonly takenBytes: number
  /** @param cursor the client's cursor after it has read this message; null if the message does not move it */
  send(json: Buffer, cursor: number | null): void
  /** Calls back once, when the queued bytes have been accepted or the connection has ended. */
  whenDrained(then: () => void): void
  /** Closes after the queued bytes have been sent. After the grace period the connection is cut. */
  close(code: number, reason: string): void
}
