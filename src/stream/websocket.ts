/**
 * Serves streams over WebSockets: chooses the subprotocol, and serves `cloudevents.json` (one subscription, one way).
 */

import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { Hub, SubscriptionRequest } from './hub.ts'
import { type FrameContext, serveFrames } from './introspect-v1.ts'
import { frameProblem } from './problems.ts'
import { startStream } from './single-stream.ts'
import { keepAlive, WebSocketTransport } from './websocket-transport.ts'

export const subprotocols = ['cloudevents.json', 'introspect.v1'] as const
export type Subprotocol = (typeof subprotocols)[number]

/** The first offered subprotocol that the service supports; null if it supports none of them. */
export function chooseSubprotocol(offered: Iterable<string>): Subprotocol | null {
  for (const offer of offered) {
    const known = subprotocols.find((name) => name === offer)
    if (known !== undefined) return known
  }
  return null
}

/** One subscription (`cloudevents.json`), or the context in which frames open subscriptions (`introspect.v1`). */
export type WebSocketRequest = { readonly subscription: SubscriptionRequest } | { readonly frames: FrameContext }

export function streamOverWebSocket(
  hub: Hub,
  { socket, raw }: { readonly socket: WebSocket; readonly raw: Socket },
  request: WebSocketRequest,
): void {
  const transport = new WebSocketTransport(socket, raw, hub.outbox)
  // A broken connection may emit an error first. The close event that follows ends the subscriptions.
  socket.on('error', () => socket.terminate())
  const end =
    'frames' in request
      ? serveFrames(hub, { socket, transport }, request.frames)
      : serveEvents(hub, { socket, transport }, request.subscription)
  if (end === null) return
  const stopPings = keepAlive(socket)
  socket.on('close', () => {
    stopPings()
    end()
  })
}

interface Connection {
  readonly socket: WebSocket
  readonly transport: WebSocketTransport
}

/** Serves `cloudevents.json`. Returns the function that ends it; null if the connection is closing already. */
function serveEvents(hub: Hub, { socket, transport }: Connection, request: SubscriptionRequest): (() => void) | null {
  const start = hub.startPosition(request)
  if (start.kind === 'gone') {
    transport.close(4410, JSON.stringify({ reason: 'gone', oldest: cursorText(start.oldest) }))
    return null
  }
  refuseFrames(hub, { socket, transport }, request.filter.text)
  return startStream(hub, transport, request, start)
}

/** Answers each frame of the client with an `error` event, and closes the connection after too many of them. */
function refuseFrames(hub: Hub, { socket, transport }: Connection, subject: string): void {
  let bad = 0
  socket.on('message', () => {
    // Frames that were already on their way when the connection was closed.
    if (socket.readyState !== socket.OPEN) return
    bad++
    if (bad > bounds.badFramesMax) return transport.close(1008, 'too many frames: cloudevents.json accepts none')
    const left = bounds.badFramesMax - bad
    const detail = `with cloudevents.json only the service sends frames; ${left} more are tolerated before the connection is closed`
    const problem = frameProblem('unexpected-frame', detail)
    const event = { specversion: '1.0', id: `error-${bad}`, source: hub.source, type: 'error', subject, data: problem }
    transport.send(Buffer.from(JSON.stringify(event)))
  })
}
