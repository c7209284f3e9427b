/** Events as `text/event-stream`: `id:` the cursor, one `data:` line, the CloudEvent. */

import type { ServerResponse } from 'node:http'
import { bounds } from '../bounds.ts'
import { cursorText } from '../cursor.ts'
import type { LoggedEvent } from './event-log.ts'
import type { Hub } from './hub.ts'
import type { Bookmark, Sink } from './subscription.ts'
import type { StreamRequest } from './websocket.ts'

/** Preconditions: the cursor, where one is given, is not too old; nothing has been written to the response. */
export function streamOverSse(
  hub: Hub,
  response: ServerResponse,
  headers: Record<string, string>,
  request: StreamRequest,
): void {
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  // So that a client sees at once that it is connected.
  response.write(': introspectd\n\n')
  const unsubscribe = hub.subscribe(new SseSink(response), request)
  response.on('close', unsubscribe)
}

class SseSink implements Sink {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get queuedBytes(): number {
    return this.#response.writableLength
  }

  event({ sequence, json }: LoggedEvent): void {
    this.#send(sequence, json)
  }

  /** Its id moves the client's Last-Event-ID on, so that a quiet subscriber's cursor does not grow old. */
  bookmark({ cursor, json }: Bookmark): void {
    this.#send(cursor, json)
  }

  whenDrained(then: () => void): void {
    if (this.#response.writableNeedDrain) this.#response.once('drain', then)
    else setImmediate(then)
  }

  /** There is no close code in an event stream: the reason goes as a comment. */
  close(_code: number, reason: string): void {
    this.#response.end(`: ${reason}\n\n`)
    const cut = setTimeout(() => this.#response.destroy(), bounds.closeGraceMs)
    cut.unref()
    this.#response.once('close', () => clearTimeout(cut))
  }

  #send(cursor: number, json: Buffer): void {
    if (this.#response.writableEnded) return
    // Node corks the socket itself until the end of the tick.
    this.#response.write(`id: ${cursorText(cursor)}\ndata: `)
    this.#response.write(json)
    this.#response.write('\n\n')
  }
}
