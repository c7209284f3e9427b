/**
 * Builds and parses messages of the kernel's sock_diag interface, which lists the sockets of a network namespace by
 * inode.
 */

/** Families that one request can list. TCP covers IPv4 and IPv6. */
export const socketFamilies = ['tcp', 'unix'] as const
export type SocketFamily = (typeof socketFamilies)[number]

const flagsRequestDump = 0x301
const messageError = 2
const messageDone = 3
const headerBytes = 16

// The older of two TCP requests: it answers for both address families in one walk over the kernel's table. With few
// sockets, that walk is most of the cost.
const requests = {
  tcp: { type: 18, bytes: 60, statesAt: 52, family: 2 },
  unix: { type: 20, bytes: 24, statesAt: 4, family: 1 },
} as const
const unixShowAt = 12
const showName = 1
const showPeer = 4

const established = 1
const listening = 10
/** Established, or one side has begun to close; both sides still hold the socket. */
const connectedStates = [established, 4, 5, 8, 9, 11]
const wantedStates = [listening, ...connectedStates].reduce((mask, state) => mask | (1 << state), 0)

const ipv4 = 2
const addressBytes = { 4: 4, 6: 16 } as const
const unixAnswerBytes = 16
const brokenAnswer = 5 // EIO
// The parts of an answer that are read. A shorter one is ignored.
const answerBytesMin = { tcp: 72, unix: unixAnswerBytes } as const
const attributeName = 0
const attributePeer = 2
const attributeShutdown = 6
const shutBoth = 3
const typeDatagram = 2

interface AnySocket {
  /** 0 if no descriptor refers to it: it waits to be accepted, or was closed and lingers. */
  readonly inode: number
  readonly state: 'listening' | 'connected'
}

export interface TcpSocket extends AnySocket {
  readonly family: 'tcp'
  readonly version: 4 | 6
  /** Its own end: the bytes of the address as characters, and the port. */
  readonly address: string
  readonly port: number
}

export interface UnixSocket extends AnySocket {
  readonly family: 'unix'
  /**
   * Its bytes as characters: a path, which may end with NUL, or an abstract name, which begins with NUL. Empty if it
   * has no name.
   */
  readonly name: string
  /** Inode of the peer; 0 if no descriptor refers to the peer. */
  readonly peer: number
  /** The peer was closed, or this end was shut down. */
  readonly shut: boolean
}

export type Socket = TcpSocket | UnixSocket

/** Requests all sockets of a family that listen or are connected. */
export function dumpRequest(family: SocketFamily, sequence: number): Buffer {
  const request = requests[family]
  const message = Buffer.alloc(headerBytes + request.bytes)
  message.writeUInt32LE(message.length, 0)
  message.writeUInt16LE(request.type, 4)
  message.writeUInt16LE(flagsRequestDump, 6)
  message.writeUInt32LE(sequence, 8)
  message.writeUInt8(request.family, headerBytes)
  message.writeUInt32LE(wantedStates, headerBytes + request.statesAt)
  if (family === 'unix') message.writeUInt32LE(showName | showPeer, headerBytes + unixShowAt)
  return message
}

export type DumpPart = { readonly end: 'more' | 'done' } | { readonly end: 'failed'; readonly errno: number }

/** Parses one received datagram, which holds many messages. Late messages of an abandoned dump are ignored. */
export function parseDump(
  bytes: Buffer,
  length: number,
  { family, sequence }: { family: SocketFamily; sequence: number },
  take: (socket: Socket) => void,
): DumpPart {
  for (let at = 0; at + headerBytes <= length; ) {
    const size = bytes.readUInt32LE(at)
    if (size < headerBytes || at + size > length) return { end: 'more' }
    if (bytes.readUInt32LE(at + 8) === sequence) {
      const type = bytes.readUInt16LE(at + 4)
      if (type === messageDone) return { end: 'done' }
      const body = at + headerBytes
      if (type === messageError)
        return { end: 'failed', errno: size < headerBytes + 4 ? brokenAnswer : -bytes.readInt32LE(body) }
      const isWhole = size >= headerBytes + answerBytesMin[family]
      const socket = !isWhole ? null : family === 'unix' ? unixSocket(bytes, body, at + size) : tcpSocket(bytes, body)
      if (socket !== null) take(socket)
    }
    at += (size + 3) & ~3
  }
  return { end: 'more' }
}

function stateOf(number: number): Socket['state'] | null {
  return number === listening ? 'listening' : connectedStates.includes(number) ? 'connected' : null
}

function tcpSocket(bytes: Buffer, at: number): TcpSocket | null {
  const state = stateOf(bytes.readUInt8(at + 1))
  if (state === null) return null
  const version = bytes.readUInt8(at) === ipv4 ? 4 : 6
  const address = bytes.toString('latin1', at + 8, at + 8 + addressBytes[version])
  return {
    family: 'tcp',
    version,
    inode: bytes.readUInt32LE(at + 68),
    state,
    address,
    port: bytes.readUInt16BE(at + 4),
  }
}

/** Null for datagram sockets, which have no connections. */
function unixSocket(bytes: Buffer, at: number, end: number): UnixSocket | null {
  const state = stateOf(bytes.readUInt8(at + 2))
  if (state === null || bytes.readUInt8(at + 1) === typeDatagram) return null
  let [name, peer, shut] = ['', 0, false]
  for (let attribute = at + unixAnswerBytes; attribute + 4 <= end; ) {
    const length = bytes.readUInt16LE(attribute)
    if (length < 4 || attribute + length > end) break
    const kind = bytes.readUInt16LE(attribute + 2)
    if (kind === attributeName) name = bytes.toString('latin1', attribute + 4, attribute + length)
    if (kind === attributePeer && length >= 8) peer = bytes.readUInt32LE(attribute + 4)
    if (kind === attributeShutdown && length >= 5) shut = bytes.readUInt8(attribute + 4) === shutBoth
    attribute += (length + 3) & ~3
  }
  return { family: 'unix', inode: bytes.readUInt32LE(at + 4), state, name, peer, shut }
}
