/** What holds for every WebSocket, whatever is spoken on it. */

import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { bounds } from '../bounds.ts'
import type { Clients } from './clients.ts'

export function guardWebSocket(clients: Clients, socket: WebSocket, raw: Socket): void {
  clients.endStreamBy(raw, (reason) => socket.close(1008, reason))
  // Whoever goes on asking and never reads the answers would have them all kept here. Of pings the library sees to it.
  socket.on('message', () => {
    if (socket.bufferedAmount > bounds.subscriberQueueBytesMax) socket.terminate()
  })
}
