/** Streams over a WebSocket: which subprotocol is spoken, and what is common to both. */

import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { Hub, SubscriptionRequest } from './hub.ts'
import { type FrameSpace, speakFrames } from './introspect-v1.ts'
import { frameProblem } from './problems.ts'
import { streamOver } from './single.ts'
import { keepAlive, WebSocketLine } from './websocket-line.ts'

export const subprotocols = ['cloudevents.json', 'introspect.v1'] as const
export type Subprotocol = (typeof subprotocols)[number]

/** Of the subprotocols a client offers, the first that is spoken; null where it offers only others. */
export function chooseSubprotocol(offered: Iterable<string>): Subprotocol | null {
  for (const offer of offered) {
    const known = subprotocols.find((name) => name === offer)
    if (known !== undefined) return known
  }
  return null
}

/** What a WebSocket is to carry: one subscription, or those that its frames ask for. */
export type WebSocketRequest = { readonly asked: SubscriptionRequest } | { readonly space: FrameSpace }

export function streamOverWebSocket(
  hub: Hub,
  { socket, raw }: { readonly socket: WebSocket; readonly raw: Socket },
  request: WebSocketRequest,
): void {
  const line = new WebSocketLine(socket, raw, hub.outbox)
  // A client that is gone may show itself as an error; the close that follows it ends the subscription.
  socket.on('error', () => socket.terminate())
  const end =
    'space' in request
      ? speakFrames(hub, { socket, line }, request.space)
      : speakEvents(hub, { socket, line }, request.asked)
  if (end === null) return
  const stopPings = keepAlive(socket)
  socket.on('close', () => {
    stopPings()
    end()
  })
}

export interface Speaking {
  readonly socket: WebSocket
  readonly line: WebSocketLine
}

/** `cloudevents.json`: one CloudEvent a frame. Returns what ends it; null where it has ended already. */
function speakEvents(hub: Hub, { socket, line }: Speaking, asked: SubscriptionRequest): (() => void) | null {
  const beginning = hub.beginning(asked)
  if (beginning.kind === 'gone') {
    line.close(4410, JSON.stringify({ reason: 'gone', oldest: cursorText(beginning.oldest) }))
    return null
  }
  refuseFrames(hub, { socket, line }, asked.filter.text)
  return streamOver(hub, line, asked, beginning)
}

/** Nothing is spoken in this direction: each frame gets an answer that says so, and too many end the connection. */
function refuseFrames(hub: Hub, { socket, line }: Speaking, subject: string): void {
  let bad = 0
  socket.on('message', () => {
    // What comes while it is being closed is a flood's rest.
    if (socket.readyState !== socket.OPEN) return
    bad++
    if (bad > bounds.badFramesMax) return line.close(1008, 'too many frames that nobody asked for')
    const left = bounds.badFramesMax - bad
    const detail = `cloudevents.json goes from the service to the client only; ${left} more frames close this connection`
    const problem = frameProblem('unexpected-frame', detail)
    const event = { specversion: '1.0', id: `error-${bad}`, source: hub.source, type: 'error', subject, data: problem }
    line.send(Buffer.from(JSON.stringify(event)))
  })
}
