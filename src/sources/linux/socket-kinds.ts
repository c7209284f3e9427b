/**
 * What each socket of a namespace is to its holder: a channel (it listens), a server id (it was accepted) or a
 * connection (it was connected). Linux does not record which end of a connection accepted; it is told from the names.
 */

import type { Socket } from './parse-sock-diag.ts'

export const socketKinds = ['channels', 'server-ids', 'connections'] as const
export type SocketKind = (typeof socketKinds)[number]

/**
 * By inode. An accepted socket has the name of its listener: its port, or its path. One that was seen as accepted stays
 * so when its listener is closed, hence `former`. The ends of a socketpair have no names and are neither.
 */
export function kindsOf(
  sockets: readonly Socket[],
  former: ReadonlyMap<number, SocketKind>,
): ReadonlyMap<number, SocketKind> {
  const listeners = new Set<string>()
  const names = new Map<number, string>()
  for (const { family, state, local, inode } of sockets) {
    if (state === 'listening') listeners.add(nameOf(family, local))
    if (family === 'unix') names.set(inode, local)
  }
  const kinds = new Map<number, SocketKind>()
  for (const { family, inode, state, local, peer } of sockets) {
    if (state === 'listening') kinds.set(inode, 'channels')
    else if (former.get(inode) === 'server-ids' || (local !== '' && listeners.has(nameOf(family, local))))
      kinds.set(inode, 'server-ids')
    else if (family !== 'unix' || local !== '' || names.get(peer) !== '') kinds.set(inode, 'connections')
  }
  return kinds
}

/** A port is one, whether it listens on IPv4, IPv6 or both. */
const nameOf = (family: Socket['family'], local: string): string => `${family === 'unix' ? 'unix' : 'tcp'} ${local}`
