/**
 * What each socket of a namespace is to its holder: a channel (it listens), a server id (it was accepted) or a
 * connection (it was connected). Linux does not record which end of a connection accepted: it is told from the names
 * of both ends.
 */

import type { Socket, TcpSocket, UnixSocket } from '../parse/sock-diag.ts'

export const socketKinds = ['channels', 'server-ids', 'connections'] as const
export type SocketKind = (typeof socketKinds)[number]

/**
 * By inode; what is none of the three is not there. `former` is what was found before: one that was accepted stays so
 * when its listener is closed, and one whose other end is gone stays what it was.
 */
export function kindsOf(
  sockets: readonly Socket[],
  former: ReadonlyMap<number, SocketKind>,
): ReadonlyMap<number, SocketKind> {
  const listeners = new Set<string>()
  const names = new Map<number, string>()
  for (const socket of sockets) {
    if (socket.family === 'unix' && socket.inode !== 0) names.set(socket.inode, socket.name)
    if (socket.state === 'listening') listeners.add(placeOf(socket))
  }
  const kinds = new Map<number, SocketKind>()
  for (const socket of sockets) {
    const before = former.get(socket.inode)
    const kind = socket.inode === 0 ? null : kindOf(socket, { listeners, names, before })
    if (kind !== null) kinds.set(socket.inode, kind)
  }
  return kinds
}

interface Context {
  /** Where anybody listens. */
  readonly listeners: ReadonlySet<string>
  /** Of unix sockets, by inode. */
  readonly names: ReadonlyMap<number, string>
  readonly before: SocketKind | undefined
}

function kindOf(socket: Socket, context: Context): SocketKind | null {
  if (socket.state === 'listening') return 'channels'
  if (context.before === 'server-ids') return context.before
  return socket.family === 'tcp' ? kindOfTcp(socket, context) : kindOfUnix(socket, context)
}

function placeOf(socket: Socket): string {
  return socket.family === 'unix' ? socket.name : tcpPlace(socket, socket.address)
}

function tcpPlace({ version, port }: TcpSocket, address: string): string {
  return `${version} ${port} ${address}`
}

const anyAddress = { 4: '\0'.repeat(4), 6: '\0'.repeat(16) } as const

/**
 * An accepted socket has the port of its listener, and its address unless that listens on all. What an IPv6 listener
 * accepts over IPv4 is an IPv6 socket too.
 */
function kindOfTcp(socket: TcpSocket, { listeners }: Context): SocketKind {
  const isAccepted =
    listeners.has(tcpPlace(socket, anyAddress[socket.version])) || listeners.has(tcpPlace(socket, socket.address))
  return isAccepted ? 'server-ids' : 'connections'
}

/** An accepted socket has the name of its listener; clients seldom have one, and the ends of a socketpair never. */
function kindOfUnix({ name, peer, shut }: UnixSocket, { listeners, names, before }: Context): SocketKind | null {
  if (name !== '') return listeners.has(name) || names.get(peer) === '' ? 'server-ids' : 'connections'
  // A client that waits to be accepted, and what is left when the other end is gone, have no peer that could be named.
  if (peer === 0) return shut ? (before ?? null) : 'connections'
  // One that is not in this namespace was found by its path: it is a server.
  return names.get(peer) === '' ? null : 'connections'
}
