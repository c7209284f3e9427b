/** A client that listens over the lives of a service: it resumes after the last event that it was sent. */

import { WebSocket } from 'ws'
import { cursorText } from '../../../src/base/cursor.ts'
import type { KeptRow, Subscribed, Wanted } from './check.ts'

/** Calls `take` with each CloudEvent; resolves when the connection has ended. */
type Transport = (url: string, after: string, take: (json: string) => void) => Promise<void>

const overWebSocket: Transport = (url, after, take) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}after=${after}`)
    socket.on('message', (data: Buffer) => take(data.toString()))
    // One that was cut off says so, and closes.
    socket.on('error', () => {})
    socket.on('close', (code, reason) => {
      if (code === 4410) reject(new Error(`it was told that ${after} is gone: ${reason.toString()}`))
      else resolve()
    })
  })

const overSse: Transport = async (url, after, take) => {
  try {
    const response = await fetch(url, { headers: { accept: 'text/event-stream', 'last-event-id': after } })
    if (response.status === 410) throw new Error(`it was told that ${after} is gone: ${await response.text()}`)
    let rest = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const messages = `${rest}${chunk}`.split('\n\n')
      rest = messages.pop()!
      for (const message of messages) {
        const data = message.split('\n').find((line) => line.startsWith('data: '))
        if (data !== undefined) take(data.slice('data: '.length))
      }
    }
  } catch (error) {
    // The service was killed: `fetch failed`, `terminated`.
    if (!(error instanceof TypeError)) throw error
  }
}

const transports = { ws: overWebSocket, sse: overSse } as const

export interface SubscriberOptions extends Wanted {
  readonly transport: keyof typeof transports
  readonly after: number
}

export class Subscriber implements Subscribed {
  readonly name: string
  readonly path: string
  readonly types: readonly string[] | null
  readonly after: number
  readonly received: KeptRow[] = []
  readonly #transport: Transport

  constructor({ transport, path, types, after }: SubscriberOptions) {
    this.name = `${transport} ${path}${types === null ? '' : `?types=${types.join(',')}`}`
    this.path = path
    this.types = types
    this.after = after
    this.#transport = transports[transport]
  }

  /** Sequence of the last event that it was sent. */
  get last(): number {
    return this.received.at(-1)?.sequence ?? this.after
  }

  /** Listens until the service is gone. */
  listen(service: string): Promise<void> {
    const types = this.types === null ? '' : `types=${this.types.join(',')}&`
    return this.#transport(`${service}${this.path}?${types}`, cursorText(this.last), (json) => {
      const { sequence } = JSON.parse(json) as { sequence?: string }
      // What has none is a bookmark.
      if (sequence !== undefined) this.received.push({ sequence: Number(sequence), json })
    })
  }
}
