/** Frames of a WebSocket: as many of them in one write as a moment brings. */

import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { bounds } from '../base/bounds.ts'
import type { Line } from './line.ts'
import type { Batch, Outbox } from './outbox.ts'

export class WebSocketLine implements Line {
  readonly #socket: WebSocket
  readonly #raw: Socket
  readonly #batch: Batch

  constructor(socket: WebSocket, raw: Socket, outbox: Outbox) {
    this.#socket = socket
    this.#raw = raw
    this.#batch = outbox.batch((bytes) => {
      if (socket.readyState === socket.OPEN) raw.write(bytes)
    })
  }

  get queuedBytes(): number {
    return this.#batch.bytes + this.#socket.bufferedAmount
  }

  get takenBytes(): number {
    return this.#raw.bytesWritten - this.#raw.writableLength
  }

  send(json: Buffer): void {
    this.#batch.put(frameOf(json))
  }

  whenDrained(then: () => void): void {
    this.#batch.flush()
    this.#socket.ping('', undefined, () => then())
  }

  /** The peer may never read: what the close leaves unsaid is cut off. */
  close(code: number, reason: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#batch.flush()
    this.#socket.close(code, reason)
    const cut = setTimeout(() => this.#socket.terminate(), bounds.closeGraceMs)
    cut.unref()
    this.#socket.once('close', () => clearTimeout(cut))
  }
}

/** An event goes to all who get it one after the other: what was made for the one before does for the next. */
let last: { readonly json: Buffer; readonly frame: Buffer } | null = null

/**
 * A whole text frame (RFC 6455, 5.2), which a server does not mask. `WebSocket.send` makes a header for each client, and
 * hands over two pieces. What it writes itself (pings, closes) is whole frames too, since nothing is compressed here.
 */
function frameOf(json: Buffer): Buffer {
  if (last?.json !== json) last = { json, frame: Buffer.concat([headerOf(json.length), json]) }
  return last.frame
}

/** The last fragment, of text. */
const finText = 0x81

function headerOf(length: number): Buffer {
  if (length < 126) return Buffer.from([finText, length])
  const isShort = length < 65_536
  const header = Buffer.alloc(isShort ? 4 : 10)
  header[0] = finText
  header[1] = isShort ? 126 : 127
  if (isShort) header.writeUInt16BE(length, 2)
  else header.writeBigUInt64BE(BigInt(length), 2)
  return header
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
