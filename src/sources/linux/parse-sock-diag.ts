/** Messages of the kernel's sock_diag interface: which sockets there are in a network namespace, by inode. */

export const families = { unix: 1, ipv4: 2, ipv6: 10 } as const
export type Family = keyof typeof families

const sockDiagByFamily = 20
const flagsRequestDump = 0x301
const messageError = 2
const messageDone = 3
const headerBytes = 16
const protocolTcp = 6
const allStates = 0xffff_ffff

const inetRequestBytes = 56
const unixRequestBytes = 24
const showName = 1
const showPeer = 4

const listening = 10
const established = 1
/** Of TCP: established, or one side has begun to close; both still hold it. */
const connectedStates = new Set([established, 4, 5, 8, 9, 11])

const unixAnswerBytes = 16
const attributeName = 0
const attributePeer = 2
const typeDatagram = 2

export interface Socket {
  readonly family: Family
  readonly inode: number
  readonly state: 'listening' | 'connected'
  /** Its own end: a port of TCP, a path or an abstract name of unix; empty where it has none. */
  readonly local: string
  /** Unix: the inode of the other end; 0 where there is none, or it is not told. */
  readonly peer: number
}

/** Asks for all sockets of a family. */
export function dumpRequest(family: Family, sequence: number): Buffer {
  const body = family === 'unix' ? unixRequestBytes : inetRequestBytes
  const message = Buffer.alloc(headerBytes + body)
  message.writeUInt32LE(message.length, 0)
  message.writeUInt16LE(sockDiagByFamily, 4)
  message.writeUInt16LE(flagsRequestDump, 6)
  message.writeUInt32LE(sequence, 8)
  message.writeUInt8(families[family], headerBytes)
  message.writeUInt8(family === 'unix' ? 0 : protocolTcp, headerBytes + 1)
  message.writeUInt32LE(allStates, headerBytes + 4)
  if (family === 'unix') message.writeUInt32LE(showName | showPeer, headerBytes + 12)
  return message
}

export type DumpPart = { readonly end: 'more' | 'done' } | { readonly end: 'failed'; readonly errno: number }

/** One reception, which holds many messages. Sockets that are neither listening nor connected are left out. */
export function parseDump(
  bytes: Buffer,
  length: number,
  { family, sequence }: { family: Family; sequence: number },
  take: (socket: Socket) => void,
): DumpPart {
  for (let at = 0; at + headerBytes <= length; ) {
    const size = bytes.readUInt32LE(at)
    const type = bytes.readUInt16LE(at + 4)
    if (size < headerBytes || at + size > length) return { end: 'more' }
    // What comes late of a dump that was given up is not of this one.
    if (bytes.readUInt32LE(at + 8) === sequence) {
      if (type === messageDone) return { end: 'done' }
      if (type === messageError) return { end: 'failed', errno: -bytes.readInt32LE(at + headerBytes) }
      const socket = family === 'unix' ? unixSocket(bytes, at, size) : inetSocket(bytes, at, family)
      if (socket !== null) take(socket)
    }
    at += (size + 3) & ~3
  }
  return { end: 'more' }
}

function inetSocket(bytes: Buffer, at: number, family: 'ipv4' | 'ipv6'): Socket | null {
  const begin = at + headerBytes
  const state = bytes.readUInt8(begin + 1)
  const inode = bytes.readUInt32LE(begin + 68)
  if (inode === 0 || !(state === listening || connectedStates.has(state))) return null
  const local = String(bytes.readUInt16BE(begin + 4))
  return { family, inode, state: state === listening ? 'listening' : 'connected', local, peer: 0 }
}

function unixSocket(bytes: Buffer, at: number, size: number): Socket | null {
  const begin = at + headerBytes
  const [type, state] = [bytes.readUInt8(begin + 1), bytes.readUInt8(begin + 2)]
  if (type === typeDatagram || !(state === listening || state === established)) return null
  let [local, peer] = ['', 0]
  for (let attribute = begin + unixAnswerBytes; attribute + 4 <= at + size; ) {
    const length = bytes.readUInt16LE(attribute)
    if (length < 4) break
    const kind = bytes.readUInt16LE(attribute + 2)
    if (kind === attributeName) local = bytes.toString('latin1', attribute + 4, attribute + length)
    if (kind === attributePeer) peer = bytes.readUInt32LE(attribute + 4)
    attribute += (length + 3) & ~3
  }
  const inode = bytes.readUInt32LE(begin + 4)
  return { family: 'unix', inode, state: state === listening ? 'listening' : 'connected', local, peer }
}
