/**
 * Observes every HTTP response that tests cause, without changing it. It intercepts the writes of servers in this
 * process, and the responses that `fetch` receives from services in other processes.
 */

import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'

/** Only the beginning of a larger body is checked. */
const bodyBytesMax = 8 * 1024 * 1024

class Body {
  #parts: Buffer[] = []
  #bytes = 0

  /** Takes the arguments of a call of `write` or `end`: a chunk, if any, and its encoding. */
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

export function observe(report: (exchange: Exchange) => void): void {
  const here = new Set<string>()
  observeServers(here, report)
  observeFetches(here, report)
}

interface Served {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

function observeServers(here: Set<string>, report: (exchange: Exchange) => void): void {
  subscribe('http.server.response.created', (message) => {
    const { request, response } = message as Served
    // The page /docs is an application of its own inside the service. Its requests come over no socket.
    if (!(request.socket instanceof Socket)) return
    const port = String(request.socket.localPort)
    here.add(port)
    const body = new Body()
    let isReported = false
    const done = (isWhole: boolean): void => {
      if (isReported || !response.headersSent) return
      isReported = true
      const { method, url } = request
      const headers = headersOf(response as unknown as Sent)
      report({ port, method: method!, url: url!, status: response.statusCode, headers, ...body.end({ isWhole }) })
    }
    // Both functions have several signatures; the data is always the first argument.
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

/** The header block as it was sent: `getHeaders` lacks headers that were passed to `writeHead`. */
interface Sent {
  readonly _header: string
}

const headersOf = ({ _header }: Sent): Record<string, string> =>
  Object.fromEntries(
    [..._header.matchAll(/^([^:\r\n]+): ?([^\r\n]*)\r$/gm)].map(([, name, value]) => [name!.toLowerCase(), value!]),
  )

interface ClientRequest {
  readonly origin: string
  readonly path: string
  readonly method: string
}

interface ClientResponse {
  readonly request: ClientRequest
  readonly response: { readonly statusCode: number; readonly headers: readonly Buffer[] }
}

function observeFetches(here: ReadonlySet<string>, report: (exchange: Exchange) => void): void {
  const open = new Map<ClientRequest, { readonly received: ClientResponse['response']; readonly body: Body }>()
  subscribe('undici:request:headers', (message) => {
    const { request, response } = message as ClientResponse
    if (!here.has(new URL(request.origin).port)) open.set(request, { received: response, body: new Body() })
  })
  subscribe('undici:request:bodyChunkReceived', (message) => {
    const { request, chunk } = message as { request: ClientRequest; chunk: Uint8Array }
    open.get(request)?.body.add([chunk])
  })
  const done = (isWhole: boolean) => (message: unknown) => {
    const { request } = message as { request: ClientRequest }
    const found = open.get(request)
    if (found === undefined) return
    open.delete(request)
    const { received, body } = found
    const { method, path } = request
    const { port } = new URL(request.origin)
    const { statusCode: status } = received
    report({ port, method, url: path, status, headers: namedHeaders(received.headers), ...body.end({ isWhole }) })
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
