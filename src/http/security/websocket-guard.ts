/** What holds for every WebSocket, whatever is spoken on it. */

import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { WebSocket } from 'ws'
import { bounds } from '../../base/bounds.ts'
import type { Clients } from './clients.ts'

export function guardWebSocket(clients: Clients, socket: WebSocket, raw: Socket): void {
  clients.endStreamBy(raw, (reason) => socket.close(1008, reason))
  // Whoever goes on asking and never reads the answers would have them all kept here. Of pings the library sees to it.
  socket.on('message', () => {
    if (socket.bufferedAmount > bounds.subscriberQueueBytesMax) socket.terminate()
  })
}

/** What the peer does is no fault of ours: it could fill the log. */
function isOfPeer({ code = '' }: Error & { readonly code?: string }): boolean {
  return /^(WS_ERR_\w+|E[A-Z]+)$/.test(code)
}

export function endFaulty(error: Error, socket: WebSocket, { log }: { readonly log: FastifyBaseLogger }): void {
  if (isOfPeer(error)) log.debug({ err: error }, 'a WebSocket was given up')
  else log.error({ err: error }, 'a WebSocket failed')
  socket.terminate()
}
