/** Bounds the output of every WebSocket and ends faulty ones, whatever the subprotocol. */

import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { WebSocket } from 'ws'
import { bounds } from '../../base/bounds.ts'
import type { Clients } from './clients.ts'

export function guardWebSocket(clients: Clients, socket: WebSocket, raw: Socket): void {
  clients.endStreamBy(raw, (reason) => socket.close(1008, reason))
  // A client that sends frames and never reads would fill memory with the replies. The library itself bounds pongs.
  socket.on('message', () => {
    if (socket.bufferedAmount > bounds.subscriberQueueBytesMax) socket.terminate()
  })
}

/** Errors that the peer causes: logged as faults, they could fill the log. */
function isOfPeer({ code = '' }: Error & { readonly code?: string }): boolean {
  return /^(WS_ERR_\w+|E[A-Z]+)$/.test(code)
}

export function endFaulty(error: Error, socket: WebSocket, { log }: { readonly log: FastifyBaseLogger }): void {
  if (isOfPeer(error)) log.debug({ err: error }, 'a WebSocket was given up')
  else log.error({ err: error }, 'a WebSocket failed')
  socket.terminate()
}
