/**
 * Classifies sockets for their holder: a channel (it listens), a server id (it was accepted) or a connection (it was
 * connected). Linux does not record which end of a connection accepted, so that follows from the names of both ends.
 */

import type { Socket, TcpSocket, UnixSocket } from '../parse/sock-diag.ts'

export const socketKinds = ['channels', 'server-ids', 'connections'] as const
export type SocketKind = (typeof socketKinds)[number]

/**
 * Kinds by inode; a socket of no kind is absent. `former` has the kinds found before: an accepted socket stays a server
 * id when its listener is closed, and a socket whose peer is gone stays what it was.
 */
export function kindsOf(
  sockets: readonly Socket[],
  former: ReadonlyMap<number, SocketKind>,
): ReadonlyMap<number, SocketKind> {
  const listeners = new Set<string>()
  const names = new Map<number, string>()
  for (const socket of sockets) {
    if (socket.family === 'unix' && socket.inode !== 0) names.set(socket.inode, socket.name)
    if (socket.state === 'listening') listeners.add(keyOf(socket))
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
  /** Names of all listeners. */
  readonly listeners: ReadonlySet<string>
  /** Names of unix sockets, by inode. */
  readonly names: ReadonlyMap<number, string>
  readonly before: SocketKind | undefined
}

function kindOf(socket: Socket, context: Context): SocketKind | null {
  if (socket.state === 'listening') return 'channels'
  if (context.before === 'server-ids') return context.before
  return socket.family === 'tcp' ? kindOfTcp(socket, context) : kindOfUnix(socket, context)
}

function keyOf(socket: Socket): string {
  return socket.family === 'unix' ? socket.name : tcpKey(socket, socket.address)
}

function tcpKey({ version, port }: TcpSocket, address: string): string {
  return `${version} ${port} ${address}`
}

const anyAddress = { 4: '\0'.repeat(4), 6: '\0'.repeat(16) } as const

/**
 * An accepted socket has the port of its listener, and its address unless the listener is on all addresses. An IPv6
 * listener accepts IPv4 connections as IPv6 sockets.
 */
function kindOfTcp(socket: TcpSocket, { listeners }: Context): SocketKind {
  const isAccepted =
    listeners.has(tcpKey(socket, anyAddress[socket.version])) || listeners.has(tcpKey(socket, socket.address))
  return isAccepted ? 'server-ids' : 'connections'
}

/**
 * An accepted socket has the name of its listener. Clients seldom have a name, and the ends of a socketpair never do.
 */
function kindOfUnix({ name, peer, shut }: UnixSocket, { listeners, names, before }: Context): SocketKind | null {
  if (name !== '') return listeners.has(name) || names.get(peer) === '' ? 'server-ids' : 'connections'
  // Two kinds of sockets have no peer: a client that waits to be accepted, and a socket whose peer was closed.
  if (peer === 0) return shut ? (before ?? null) : 'connections'
  // A peer outside this network namespace was connected by its path, so it is a server.
  return names.get(peer) === '' ? null : 'connections'
}
