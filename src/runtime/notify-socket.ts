/** Sends datagrams to a unix socket, which Node cannot do itself. */

import { errorNumber, nameOfErrno, sendto, socket } from '../sources/linux/native/libc.ts'

const afUnix = 1
const sockDgram = 2
const sockCloexec = 0o2000000
// A supervisor that does not read must not hold up the service.
const msgDontwait = 0x40

/** Returns why the message could not be sent; null when it was sent. */
export type Send = (message: string) => string | null

/** @param name a path, or `@name` for a name in the abstract namespace */
export function notifySocket(name: string): Send {
  const fd = socket(afUnix, sockDgram | sockCloexec, 0)
  if (fd < 0) return () => `no unix socket: ${nameOfErrno(errorNumber())}`
  const address = Buffer.concat([Buffer.of(afUnix, 0), Buffer.from(name.replace(/^@/, '\0'))])
  return (message) => {
    const bytes = Buffer.from(message)
    const sent = sendto(fd, bytes, bytes.length, msgDontwait, address, address.length)
    return sent < 0 ? `${name}: ${nameOfErrno(errorNumber())}` : null
  }
}
