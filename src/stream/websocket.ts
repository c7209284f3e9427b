/** Events over a WebSocket: subprotocol `cloudevents.json`, one CloudEvent a frame. */

import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { bounds } from '../bounds.ts'
import { cursorText } from '../cursor.ts'
import type { LoggedEvent } from './event-log.ts'
import type { Hub, TypeFilter } from './hub.ts'
import type { Bookmark, Sink } from './subscription.ts'

export const subprotocols = ['cloudevents.json'] as const

/** Of the subprotocols a client offers, the one spoken; null where it offers only others. */
export const chooseSubprotocol = (offered: Iterable<string>): string | null => {
  const offers = [...offered]
  return subprotocols.find((known) => offers.includes(known)) ?? null
}

export interface StreamRequest {
  readonly path: string
  readonly types: TypeFilter
  readonly after: number | null
}

export function streamOverWebSocket(
  hub: Hub,
  { socket, raw }: { socket: WebSocket; raw: Socket },
  request: StreamRequest,
): void {
  const sink = new WebSocketSink(socket, raw)
  // A client that is gone may show itself as an error; the close that follows it ends the subscription.
  socket.on('error', () => socket.terminate())
  const { after } = request
  if (after !== null && (after < hub.log.oldestCursor || after > hub.log.newest)) {
    const oldest = cursorText(hub.log.oldestCursor)
    sink.close(4410, JSON.stringify({ reason: 'gone', oldest }))
    return
  }
  const stopPings = keepAlive(socket)
  refuseFrames(hub, socket, request.path)
  const unsubscribe = hub.subscribe(sink, request)
  socket.on('close', () => {
    stopPings()
    unsubscribe()
  })
}

/** What the close leaves unsaid is cut off after the grace period: the peer may never read. */
function closeSocket(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason)
  const cut = setTimeout(() => socket.terminate(), bounds.closeGraceMs)
  cut.unref()
  socket.once('close', () => clearTimeout(cut))
}

class WebSocketSink implements Sink {
  readonly #socket: WebSocket
  readonly #raw: Socket
  #corked = false

  constructor(socket: WebSocket, raw: Socket) {
    this.#socket = socket
    this.#raw = raw
  }

  get queuedBytes(): number {
    return this.#socket.bufferedAmount
  }

  event({ json }: LoggedEvent): void {
    this.#send(json)
  }

  bookmark({ json }: Bookmark): void {
    this.#send(json)
  }

  whenDrained(then: () => void): void {
    this.#socket.ping('', undefined, () => then())
  }

  close(code: number, reason: string): void {
    closeSocket(this.#socket, code, reason)
  }

  #send(json: Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#cork()
    this.#socket.send(json, { binary: false })
  }

  /** What one tick sends is one write: the system call is what a frame costs. */
  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#raw.cork()
    setImmediate(() => {
      this.#corked = false
      this.#raw.uncork()
    })
  }
}

/** Pings, and ends the connection of a client that misses too many. Returns what stops it. */
function keepAlive(socket: WebSocket): () => void {
  let missed = 0
  socket.on('pong', () => {
    missed = 0
  })
  const timer = setInterval(() => {
    if (missed >= bounds.pingsMissedMax) return socket.terminate()
    missed++
    socket.ping()
  }, bounds.pingEveryMs)
  return () => clearInterval(timer)
}

/** Nothing is spoken in this direction: each frame gets an answer that says so, and too many end the connection. */
function refuseFrames(hub: Hub, socket: WebSocket, subject: string): void {
  let bad = 0
  socket.on('message', () => {
    // What comes while it is being closed is a flood's rest.
    if (socket.readyState !== socket.OPEN) return
    bad++
    if (bad > bounds.badFramesMax) return closeSocket(socket, 1008, 'too many frames that nobody asked for')
    const problem = {
      type: 'urn:introspectd:problem:unexpected-frame',
      title: 'A frame that is not understood',
      status: 400,
      detail: `cloudevents.json goes from the service to the client only; ${bounds.badFramesMax - bad} more frames close this connection`,
    }
    const event = { specversion: '1.0', id: `error-${bad}`, source: hub.source, type: 'error', subject, data: problem }
    socket.send(JSON.stringify(event))
  })
}
