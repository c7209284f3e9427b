/** Sends events as `text/event-stream`: the cursor in `id:`, and the CloudEvent in one `data:` line. */

import type { ServerResponse } from 'node:http'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { Hub, SubscriptionRequest } from './hub.ts'
import type { Batch, Outbox } from './outbox.ts'
import { startStream } from './single-stream.ts'
import type { StartPosition } from './start-position.ts'
import type { Transport } from './transport.ts'

/**
 * Sends a subscription as the body of an HTTP response.
 * Preconditions: `start` was computed in this tick and is not 'gone'; nothing has been written to the response.
 */
export function streamOverSse(
  hub: Hub,
  response: ServerResponse,
  headers: Record<string, string>,
  { request, start }: { readonly request: SubscriptionRequest; readonly start: StartPosition },
): void {
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream',
    // A proxy that compresses the stream would hold events back.
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
  // The comment sends the headers, so that a client sees at once that it is connected.
  response.write(': introspectd\n\n')
  const end = startStream(hub, new SseTransport(response, hub.outbox), request, start)
  const timer = setInterval(() => comment(response), bounds.commentEveryMs)
  response.on('close', () => {
    clearInterval(timer)
    end()
  })
}

/** Sends an empty comment, unless something is on its way already. Clients ignore it, and proxies see a live stream. */
function comment(response: ServerResponse): void {
  if (response.writableLength === 0 && !response.writableEnded) response.write(':\n\n')
}

class SseTransport implements Transport {
  readonly #response: ServerResponse
  readonly #batch: Batch

  constructor(response: ServerResponse, outbox: Outbox) {
    this.#response = response
    this.#batch = outbox.batch((bytes) => {
      if (!response.writableEnded) response.write(bytes)
    })
  }

  get queuedBytes(): number {
    return this.#batch.bytes + this.#response.writableLength
  }

  get takenBytes(): number {
    const { socket } = this.#response
    return socket === null ? 0 : socket.bytesWritten - socket.writableLength
  }

  /** A bookmark has an id as well. It advances the client's Last-Event-ID while no events match its filter. */
  send(json: Buffer, cursor: number | null): void {
    this.#batch.put(chunkOf(json, cursor))
  }

  whenDrained(then: () => void): void {
    this.#batch.flush()
    if (this.#response.writableNeedDrain) this.#response.once('drain', then)
    else setImmediate(then)
  }

  /** An event stream has no close code: the reason is sent as a comment. */
  close(_code: number, reason: string): void {
    this.#batch.flush()
    this.#response.end(`: ${reason}\n\n`)
    const cut = setTimeout(() => this.#response.destroy(), bounds.closeGraceMs)
    cut.unref()
    this.#response.once('close', () => clearTimeout(cut))
  }
}

/**
 * Cache of the last chunk. An event is sent to its subscribers one after the other, so that all of them use one chunk.
 */
let last: { readonly json: Buffer; readonly chunk: Buffer } | null = null

function chunkOf(json: Buffer, cursor: number | null): Buffer {
  if (last?.json !== json) {
    const head = cursor === null ? 'data: ' : `id: ${cursorText(cursor)}\ndata: `
    last = { json, chunk: Buffer.concat([Buffer.from(head), json, end]) }
  }
  return last.chunk
}

const end = Buffer.from('\n\n')
