/** Limits how long data on a TCP connection may stay unacknowledged, which Node cannot do itself. */

import { errorNumber, nameOfErrno, setsockopt } from './libc.ts'

const ipprotoTcp = 6
const tcpUserTimeout = 18

/**
 * Lets the kernel end a connection whose peer has acknowledged nothing for so long. Without it, a peer that is gone
 * without a word is noticed after a quarter of an hour. Connections inherit it from the socket that accepts them.
 * @returns why the kernel refused; null when it did not
 */
export function endUnacknowledged(listeningFd: number, afterMs: number): string | null {
  const value = Buffer.alloc(4)
  value.writeUInt32LE(afterMs)
  const result = setsockopt(listeningFd, ipprotoTcp, tcpUserTimeout, value, value.length)
  return result === 0 ? null : nameOfErrno(errorNumber())
}
