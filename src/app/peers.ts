/** Finds the users at the other ends of unix sockets. */

import type { Socket } from 'node:net'
import { type Peer, unknownPeer } from '../http/security/listener.ts'
import { descriptorOf } from './descriptor.ts'

/** The function that finds the user; on systems that are not Linux, no user is known. */
export async function peerReader(): Promise<(socket: Socket) => Peer> {
  if (process.platform !== 'linux') return () => unknownPeer
  // Imported only here: the C library of Linux exists on Linux only.
  const { peerCredentials } = await import('../sources/linux/native/socket-facts.ts')
  return (socket) => {
    const fd = descriptorOf(socket)
    return (fd === null ? null : peerCredentials(fd)) ?? unknownPeer
  }
}
