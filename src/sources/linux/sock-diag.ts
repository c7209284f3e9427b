/** Asks the kernel for the sockets of one network namespace. */

import { closeSync, openSync } from 'node:fs'
import { bind, close, errorNumber, nameOfErrno, recv, send, setns, setsockopt, socket } from './libc.ts'
import { dumpRequest, type Family, parseDump, type Socket } from './parse-sock-diag.ts'
import { kindsOf, type SocketKind } from './socket-kinds.ts'

const afNetlink = 16
const sockRaw = 3
const sockCloexec = 0o2000000
const netlinkSockDiag = 4
const solSocket = 1
const soRcvtimeo = 20
const waitSeconds = 1
const cloneNewnet = 0x4000_0000
const receiveBytes = 64 * 1024
const dumped: readonly Family[] = ['ipv4', 'ipv6', 'unix']
// The kernel has no IPv6, or no diagnosis of a family: then there is nothing of it to tell.
const absent = new Set(['ENOENT', 'EOPNOTSUPP', 'EPROTONOSUPPORT'])

export class SockDiag {
  private readonly fd: number
  private readonly bytes = Buffer.allocUnsafeSlow(receiveBytes)
  private sequence = 0
  private kinds: ReadonlyMap<number, SocketKind> = new Map()

  private constructor(fd: number) {
    this.fd = fd
  }

  /** In the namespace of this process; the reason where it is refused. */
  static open(): SockDiag | string {
    const fd = socket(afNetlink, sockRaw | sockCloexec, netlinkSockDiag)
    if (fd < 0) return `sock_diag: ${nameOfErrno(errorNumber())}`
    const address = Buffer.alloc(12)
    address.writeUInt16LE(afNetlink, 0)
    if (bind(fd, address, address.length) < 0) {
      const reason = `sock_diag: ${nameOfErrno(errorNumber())}`
      close(fd)
      return reason
    }
    const wait = Buffer.alloc(16)
    wait.writeUInt32LE(waitSeconds, 0)
    setsockopt(fd, solSocket, soRcvtimeo, wait, wait.length)
    return new SockDiag(fd)
  }

  /** In the network namespace of another process: this thread goes there for a moment, no other thread does. */
  static openIn(namespacePath: string): SockDiag | string {
    let own: number | null = null
    let other: number | null = null
    try {
      own = openSync('/proc/thread-self/ns/net', 'r')
      other = openSync(namespacePath, 'r')
      if (setns(other, cloneNewnet) < 0) return denied(nameOfErrno(errorNumber()))
      const opened = SockDiag.open()
      if (setns(own, cloneNewnet) < 0)
        throw new Error(`cannot come back to the own namespace: ${nameOfErrno(errorNumber())}`)
      return opened
    } catch (error) {
      if (own !== null && other !== null) throw error
      return denied(error instanceof Error && 'code' in error ? String(error.code) : String(error))
    } finally {
      if (own !== null) closeSync(own)
      if (other !== null) closeSync(other)
    }
  }

  /** What each socket is, by inode; the reason where the kernel does not tell. */
  read(): ReadonlyMap<number, SocketKind> | string {
    const sockets: Socket[] = []
    for (const family of dumped) {
      const failure = this.dump(family, sockets)
      if (failure !== null) return failure
    }
    this.kinds = kindsOf(sockets, this.kinds)
    return this.kinds
  }

  private dump(family: Family, sockets: Socket[]): string | null {
    const sequence = ++this.sequence
    const request = dumpRequest(family, sequence)
    if (send(this.fd, request, request.length, 0) < 0) return this.failure(errorNumber())
    for (;;) {
      const length = recv(this.fd, this.bytes, this.bytes.length, 0)
      if (length <= 0) return this.failure(errorNumber())
      const part = parseDump(this.bytes, length, { family, sequence }, (found) => sockets.push(found))
      if (part.end === 'done') return null
      if (part.end === 'failed') return this.failure(part.errno)
    }
  }

  private failure(errno: number): string | null {
    const name = nameOfErrno(errno)
    return absent.has(name) ? null : `sock_diag: ${name}`
  }

  close(): void {
    close(this.fd)
  }
}

const denied = (why: string): string =>
  why === 'EPERM' || why === 'EACCES'
    ? 'it is in another network namespace: needs CAP_SYS_ADMIN'
    : `it is in another network namespace: ${why}`
