/** A client that stays subscribed across restarts of the service: it resumes after the last event it received. */

import { WebSocket } from 'ws'
import { cursorText } from '../../../src/base/cursor.ts'
import type { Filter, StoredRow, SubscriberRecord } from './check.ts'

/** Calls `onEvent` with each CloudEvent. Resolves when the connection has ended. */
type Transport = (url: string, after: string, onEvent: (json: string) => void) => Promise<void>

const overWebSocket: Transport = (url, after, onEvent) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}after=${after}`)
    socket.on('message', (data: Buffer) => onEvent(data.toString()))
    // A broken connection emits an error before it closes.
    socket.on('error', () => {})
    socket.on('close', (code, reason) => {
      if (code === 4410) reject(new Error(`the cursor ${after} is gone: ${reason.toString()}`))
      else resolve()
    })
  })

const overSse: Transport = async (url, after, onEvent) => {
  try {
    const response = await fetch(url, { headers: { accept: 'text/event-stream', 'last-event-id': after } })
    if (response.status === 410) throw new Error(`the cursor ${after} is gone: ${await response.text()}`)
    let rest = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const messages = `${rest}${chunk}`.split('\n\n')
      rest = messages.pop()!
      for (const message of messages) {
        const data = message.split('\n').find((line) => line.startsWith('data: '))
        if (data !== undefined) onEvent(data.slice('data: '.length))
      }
    }
  } catch (error) {
    // The service was killed: `fetch failed`, `terminated`.
    if (!(error instanceof TypeError)) throw error
  }
}

const transports = { ws: overWebSocket, sse: overSse } as const

export interface SubscriberOptions extends Filter {
  readonly transport: keyof typeof transports
  readonly after: number
}

export class Subscriber implements SubscriberRecord {
  readonly name: string
  readonly path: string
  readonly types: readonly string[] | null
  readonly after: number
  readonly received: StoredRow[] = []
  readonly #transport: Transport

  constructor({ transport, path, types, after }: SubscriberOptions) {
    this.name = `${transport} ${path}${types === null ? '' : `?types=${types.join(',')}`}`
    this.path = path
    this.types = types
    this.after = after
    this.#transport = transports[transport]
  }

  /** Sequence of the last event received. */
  get last(): number {
    return this.received.at(-1)?.sequence ?? this.after
  }

  /** Receives events until the service ends. */
  listen(service: string): Promise<void> {
    const types = this.types === null ? '' : `types=${this.types.join(',')}&`
    return this.#transport(`${service}${this.path}?${types}`, cursorText(this.last), (json) => {
      const { sequence } = JSON.parse(json) as { sequence?: string }
      // Bookmarks have no sequence.
      if (sequence !== undefined) this.received.push({ sequence: Number(sequence), json })
    })
  }
}
