/** Sends text frames over a WebSocket, several of them in one write, and pings clients to detect dead connections. */

import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { bounds } from '../base/bounds.ts'
import type { Batch, Outbox } from './outbox.ts'
import type { Transport } from './transport.ts'

export class WebSocketTransport implements Transport {
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

  /** The peer may never read the close frame: after the grace period the connection is cut. */
  close(code: number, reason: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#batch.flush()
    this.#socket.close(code, reason)
    const cut = setTimeout(() => this.#socket.terminate(), bounds.closeGraceMs)
    cut.unref()
    this.#socket.once('close', () => clearTimeout(cut))
  }
}

/**
 * Cache of the last frame. An event is sent to its subscribers one after the other, so that all of them use one frame.
 */
let last: { readonly json: Buffer; readonly frame: Buffer } | null = null

/**
 * Encodes an unmasked text frame (RFC 6455, 5.2). `WebSocket.send` is not used because it makes a header for each
 * client and writes header and payload separately. The library still writes pings and close frames. They cannot mix
 * with ours: without compression each is one complete frame.
 */
function frameOf(json: Buffer): Buffer {
  if (last?.json !== json) last = { json, frame: Buffer.concat([headerOf(json.length), json]) }
  return last.frame
}

/** First byte of an unfragmented text frame: FIN and opcode 1. */
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

/**
 * Pings the client, and terminates the connection after too many unanswered pings. Returns the function that stops it.
 */
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
