/** Ends connections whose clients have vanished without a word: after a power cut, or behind a broken network. */

import type { Server } from 'node:http'
import type { FastifyBaseLogger } from 'fastify'
import { bounds } from '../base/bounds.ts'
import { descriptorOf } from './descriptor.ts'

/**
 * Prepares a server that listens. An idle stream is written to at least once in every period of bookmarks, so a dead
 * client is found within that period and `unacknowledgedMsMax` together.
 */
export async function endDeadPeers(server: Server, logger: Pick<FastifyBaseLogger, 'warn'>): Promise<void> {
  // The address of a unix socket is its path. Its peers are on this machine, so they cannot vanish without a word.
  const address = server.address()
  if (process.platform !== 'linux' || address === null || typeof address === 'string') return
  const fd = descriptorOf(server)
  // Imported only here: the C library of Linux exists on Linux only.
  const { endUnacknowledged } = await import('../sources/linux/native/unacknowledged.ts')
  const failure = fd === null ? 'Node shows no descriptor' : endUnacknowledged(fd, bounds.unacknowledgedMsMax)
  if (failure !== null) logger.warn(`clients that vanish hold their connections for long: TCP_USER_TIMEOUT: ${failure}`)
}
