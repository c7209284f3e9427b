/** Reads facts about sockets that Node does not show: the user of a peer, and the address of an inherited socket. */

import { errorNumber, getsockname, getsockopt, nameOfErrno } from './libc.ts'

const solSocket = 1
const soPeercred = 17
const soAcceptconn = 30

/** The user and the primary group of the process that has connected to a unix socket; null if the kernel refuses. */
export function peerCredentials(fd: number): { readonly uid: number; readonly gid: number } | null {
  const credentials = readOption(fd, soPeercred, 12)
  if (credentials === null) return null
  return { uid: credentials.readUInt32LE(4), gid: credentials.readUInt32LE(8) }
}

/** Says whether the descriptor is a socket that listens. */
export function isListening(fd: number): boolean {
  return readOption(fd, soAcceptconn, 4)?.readInt32LE() === 1
}

export interface SocketAddress {
  /** Null for a unix socket. */
  readonly host: string | null
  readonly port: number
  /** Null for a socket with an address; '' for a unix socket without a path. */
  readonly path: string | null
}

const families = { unix: 1, ipv4: 2, ipv6: 10 } as const

/** The address that a socket is bound to. @throws Error for a socket of another family, or none */
export function boundAddress(fd: number): SocketAddress {
  const bytes = Buffer.alloc(128)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  if (getsockname(fd, bytes, length) !== 0) throw new Error(nameOfErrno(errorNumber()))
  return parseSocketAddress(bytes.subarray(0, length.readUInt32LE()))
}

/** Parses a `sockaddr` of Linux. @throws Error for another family */
export function parseSocketAddress(bytes: Buffer): SocketAddress {
  const family = bytes.readUInt16LE()
  if (family === families.unix) return { host: null, port: 0, path: bytes.subarray(2).toString().split('\0')[0]! }
  if (family === families.ipv4)
    return { host: [...bytes.subarray(4, 8)].join('.'), port: bytes.readUInt16BE(2), path: null }
  if (family === families.ipv6)
    return { host: ipv6Text(bytes.subarray(8, 24)), port: bytes.readUInt16BE(2), path: null }
  throw new Error(`its family of addresses is ${family}`)
}

function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16))
  // The URL class writes the short form, as in ::1.
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

function readOption(fd: number, name: number, bytes: number): Buffer | null {
  const value = Buffer.alloc(bytes)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes)
  return getsockopt(fd, solSocket, name, value, length) === 0 ? value : null
}
