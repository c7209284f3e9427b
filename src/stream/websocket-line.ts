/** Frames of a WebSocket: as many of them in one write as one tick brings. */

import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { bounds } from '../bounds.ts'
import type { Line } from './line.ts'

export class WebSocketLine implements Line {
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

  get takenBytes(): number {
    return this.#raw.bytesWritten - this.#raw.writableLength
  }

  send(json: Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#cork()
    this.#socket.send(json, { binary: false })
  }

  whenDrained(then: () => void): void {
    this.#socket.ping('', undefined, () => then())
  }

  /** The peer may never read: what the close leaves unsaid is cut off. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
    const cut = setTimeout(() => this.#socket.terminate(), bounds.closeGraceMs)
    cut.unref()
    this.#socket.once('close', () => clearTimeout(cut))
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
export function keepAlive(socket: WebSocket): () => void {
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
