/**
 * Hears every answer that a service gives while tests run, without being in its way: of a service in this process as it is
 * written, whoever asked; of one in a process of its own as `fetch` reads it.
 */

import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'

/** Of what is larger only the beginning is looked at. */
const bodyBytesMax = 8 * 1024 * 1024

class Body {
  #parts: Buffer[] = []
  #bytes = 0

  /** Of a call that writes: what it writes, if anything, and as which encoding. */
  add([chunk, encoding]: readonly unknown[]): void {
    if (this.#bytes >= bodyBytesMax) return
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    const part = typeof chunk === 'string' ? Buffer.from(chunk, encodingOf(encoding)) : Buffer.from(chunk)
    this.#parts.push(part)
    this.#bytes += part.length
  }

  end({ isWhole }: { isWhole: boolean }): { body: Buffer; isWhole: boolean } {
    return { body: Buffer.concat(this.#parts), isWhole: isWhole && this.#bytes < bodyBytesMax }
  }
}

const encodingOf = (given: unknown): BufferEncoding =>
  typeof given === 'string' && Buffer.isEncoding(given) ? given : 'utf8'

export function observe(tell: (exchange: Exchange) => void): void {
  const here = new Set<string>()
  observeServers(here, tell)
  observeFetches(here, tell)
}

interface Served {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

function observeServers(here: Set<string>, tell: (exchange: Exchange) => void): void {
  subscribe('http.server.response.created', (message) => {
    const { request, response } = message as Served
    const port = String(request.socket.localPort)
    here.add(port)
    const body = new Body()
    let told = false
    const done = (isWhole: boolean): void => {
      if (told || !response.headersSent) return
      told = true
      const { method, url } = request
      const headers = headersOf(response as unknown as Sent)
      tell({ port, method: method!, url: url!, status: response.statusCode, headers, ...body.end({ isWhole }) })
    }
    // Both are called in many ways; what is written comes first in all of them.
    const write = response.write.bind(response) as (...args: unknown[]) => boolean
    const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse
    response.write = (...args: unknown[]) => {
      body.add(args)
      return write(...args)
    }
    response.end = (...args: unknown[]) => {
      body.add(args)
      const ended = end(...args)
      done(true)
      return ended
    }
    response.once('close', () => done(false))
  })
}

/** The head as it was sent: `getHeaders` does not know those that were given to `writeHead`. */
interface Sent {
  readonly _header: string
}

const headersOf = ({ _header }: Sent): Record<string, string> =>
  Object.fromEntries(
    [..._header.matchAll(/^([^:\r\n]+): ?([^\r\n]*)\r$/gm)].map(([, name, value]) => [name!.toLowerCase(), value!]),
  )

interface Asked {
  readonly origin: string
  readonly path: string
  readonly method: string
}

interface Answered {
  readonly request: Asked
  readonly response: { readonly statusCode: number; readonly headers: readonly Buffer[] }
}

function observeFetches(here: ReadonlySet<string>, tell: (exchange: Exchange) => void): void {
  const open = new Map<Asked, { readonly answered: Answered['response']; readonly body: Body }>()
  subscribe('undici:request:headers', (message) => {
    const { request, response } = message as Answered
    if (!here.has(new URL(request.origin).port)) open.set(request, { answered: response, body: new Body() })
  })
  subscribe('undici:request:bodyChunkReceived', (message) => {
    const { request, chunk } = message as { request: Asked; chunk: Uint8Array }
    open.get(request)?.body.add([chunk])
  })
  const done = (isWhole: boolean) => (message: unknown) => {
    const { request } = message as { request: Asked }
    const found = open.get(request)
    if (found === undefined) return
    open.delete(request)
    const { answered, body } = found
    const { method, path } = request
    const { port } = new URL(request.origin)
    const { statusCode: status } = answered
    tell({ port, method, url: path, status, headers: namedHeaders(answered.headers), ...body.end({ isWhole }) })
  }
  subscribe('undici:request:trailers', done(true))
  subscribe('undici:request:error', done(false))
}

function namedHeaders(raw: readonly Buffer[]): Record<string, string> {
  const texts = raw.map((part) => part.toString('latin1'))
  return Object.fromEntries(
    texts.flatMap((name, place) => (place % 2 ? [] : [[name.toLowerCase(), texts[place + 1]!]])),
  )
}
