/** Events as `text/event-stream`: `id:` the cursor, one `data:` line, the CloudEvent. */

import type { ServerResponse } from 'node:http'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { Hub, SubscriptionRequest } from './hub.ts'
import type { Line } from './line.ts'
import type { Batch, Outbox } from './outbox.ts'
import { streamOver } from './single.ts'
import type { StartPosition } from './start-position.ts'

/** Preconditions: it begins now, and what it begins with is not gone; nothing has been written to the response. */
export function streamOverSse(
  hub: Hub,
  response: ServerResponse,
  headers: Record<string, string>,
  { asked, beginning }: { readonly asked: SubscriptionRequest; readonly beginning: StartPosition },
): void {
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  // So that a client sees at once that it is connected.
  response.write(': introspectd\n\n')
  response.on('close', streamOver(hub, new SseLine(response, hub.outbox), asked, beginning))
}

class SseLine implements Line {
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

  /** The id of a bookmark moves the client's Last-Event-ID on, so that a quiet subscriber's cursor does not grow old. */
  send(json: Buffer, cursor: number | null): void {
    this.#batch.put(chunkOf(json, cursor))
  }

  whenDrained(then: () => void): void {
    this.#batch.flush()
    if (this.#response.writableNeedDrain) this.#response.once('drain', then)
    else setImmediate(then)
  }

  /** There is no close code in an event stream: the reason goes as a comment. */
  close(_code: number, reason: string): void {
    this.#batch.flush()
    this.#response.end(`: ${reason}\n\n`)
    const cut = setTimeout(() => this.#response.destroy(), bounds.closeGraceMs)
    cut.unref()
    this.#response.once('close', () => clearTimeout(cut))
  }
}

/** An event goes to all who get it one after the other, and has but one cursor: what was made for the one before does for the next. */
let last: { readonly json: Buffer; readonly chunk: Buffer } | null = null

function chunkOf(json: Buffer, cursor: number | null): Buffer {
  if (last?.json !== json) {
    const head = cursor === null ? 'data: ' : `id: ${cursorText(cursor)}\ndata: `
    last = { json, chunk: Buffer.concat([Buffer.from(head), json, end]) }
  }
  return last.chunk
}

const end = Buffer.from('\n\n')
