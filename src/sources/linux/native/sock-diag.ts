/** Lists the sockets of one network namespace, through netlink's sock_diag. */

import { closeSync, openSync } from 'node:fs'
import { denialWithout } from '../parse/denial.ts'
import { dumpRequest, parseDump, type Socket, type SocketFamily, socketFamilies } from '../parse/sock-diag.ts'
import { readSurroundings } from './denial-facts.ts'
import { bind, closeFd, errorNumber, nameOfErrno, recv, send, setns, setsockopt, socket } from './libc.ts'

const afNetlink = 16
const sockRaw = 3
const sockCloexec = 0o2000000
const netlinkSockDiag = 4
const solSocket = 1
const soRcvtimeo = 20
const waitSeconds = 1
const cloneNewnet = 0x4000_0000
const receiveBytes = 64 * 1024

export class SockDiag {
  readonly #fd: number
  readonly #bytes = Buffer.allocUnsafeSlow(receiveBytes)
  #sequence = 0

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** Opens in the network namespace of the calling thread. Returns the reason if the kernel refuses. */
  static open(): SockDiag | string {
    const fd = socket(afNetlink, sockRaw | sockCloexec, netlinkSockDiag)
    if (fd < 0) return `the kernel's sock_diag is refused: ${nameOfErrno(errorNumber())}`
    const address = Buffer.alloc(12)
    address.writeUInt16LE(afNetlink, 0)
    if (bind(fd, address, address.length) < 0) {
      const reason = `the kernel's sock_diag is refused: ${nameOfErrno(errorNumber())}`
      closeFd(fd)
      return reason
    }
    const wait = Buffer.alloc(16)
    wait.writeUInt32LE(waitSeconds, 0)
    setsockopt(fd, solSocket, soRcvtimeo, wait, wait.length)
    return new SockDiag(fd)
  }

  /** Opens in another network namespace. Only the calling thread enters that namespace, for a moment. */
  static openIn(namespacePath: string): SockDiag | string {
    const [own, other] = [openNamespace('/proc/thread-self/ns/net'), openNamespace(namespacePath)]
    try {
      if (typeof own === 'string') return denied(own)
      if (typeof other === 'string') return denied(other)
      if (setns(other, cloneNewnet) < 0) return denied(nameOfErrno(errorNumber()))
      const opened = SockDiag.open()
      if (setns(own, cloneNewnet) < 0)
        throw new Error(`cannot return to our own network namespace: ${nameOfErrno(errorNumber())}`)
      return opened
    } finally {
      for (const fd of [own, other]) if (typeof fd === 'number') closeSync(fd)
    }
  }

  /** Lists the sockets that listen or are connected. Returns the reason if the kernel refuses. */
  read(): readonly Socket[] | string {
    const sockets: Socket[] = []
    for (const family of socketFamilies) {
      const errno = this.#dump(family, sockets)
      if (errno !== 0) return `the kernel's sock_diag cannot list ${family} sockets: ${nameOfErrno(errno)}`
    }
    return sockets
  }

  /** Returns 0, or an error number. */
  #dump(family: SocketFamily, sockets: Socket[]): number {
    const sequence = ++this.#sequence
    const request = dumpRequest(family, sequence)
    if (send(this.#fd, request, request.length, 0) < 0) return errorNumber()
    for (;;) {
      const length = recv(this.#fd, this.#bytes, this.#bytes.length, 0)
      if (length <= 0) return errorNumber()
      const part = parseDump(this.#bytes, length, { family, sequence }, (found) => sockets.push(found))
      if (part.end === 'done') return 0
      if (part.end === 'failed') return part.errno
    }
  }

  close(): void {
    closeFd(this.#fd)
  }
}

/** Returns a descriptor, or the name of the error. */
function openNamespace(path: string): number | string {
  try {
    return openSync(path, 'r')
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

function denied(why: string): string {
  return why === 'EPERM' || why === 'EACCES'
    ? `it is in another network namespace: ${denialWithout(['CAP_SYS_ADMIN'], readSurroundings())}`
    : `it is in another network namespace: ${why}`
}
