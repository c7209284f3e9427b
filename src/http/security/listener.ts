/** Creates the HTTP or HTTPS servers, with the limits of a connection before its first request. */

import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { bounds } from '../../base/bounds.ts'
import { Problem, problemOf } from '../problems.ts'
import type { Clients } from './clients.ts'
import type { TlsMaterial } from './tls.ts'

export interface ListenerOptions {
  /** Null for HTTP in the clear. */
  readonly tls: TlsMaterial | null
  /** Connections of all clients together: more are closed at once. */
  readonly connectionsMax: number
  /** Time for the headers of a request, and for the handshake of TLS. */
  readonly headersMs: number
  /** Called with each server that has begun to listen. */
  readonly onListening: (server: Server) => void
}

export const defaultListenerOptions: ListenerOptions = {
  tls: null,
  connectionsMax: Number.POSITIVE_INFINITY,
  headersMs: bounds.requestMsMax,
  onListening: () => {},
}

/** Servers of one service: `--host localhost` has one for each family of addresses. */
export class Listener {
  readonly #edge: ListenerOptions
  readonly #clients: Clients
  readonly #secure: SecureServer[] = []
  /** The TCP sockets below TLS: during the handshake the HTTP server does not know them. */
  readonly #carriers = new Set<Duplex>()
  /** Common names of the certificates that clients have, and the handshake has verified. */
  readonly #names = new WeakMap<Socket, string>()

  constructor(edge: ListenerOptions, clients: Clients) {
    this.#edge = edge
    this.#clients = clients
  }

  create(handler: RequestListener): Server {
    const { tls, connectionsMax, headersMs, onListening } = this.#edge
    const options = {
      headersTimeout: headersMs,
      connectionsCheckingInterval: Math.min(headersMs, bounds.checkConnectionsEveryMs),
      // Streams of calls may last. Every other body has its own timeout when it is read.
      requestTimeout: 0,
      keepAliveTimeout: bounds.keepAliveMs,
      // A request without Host is answered with a problem like any other.
      requireHostHeader: false,
    } satisfies ServerOptions
    const server = tls === null ? createServer(options, handler) : this.#createSecure(tls, options, handler)
    server.maxConnections = connectionsMax
    server.on('listening', () => onListening(server))
    server.on('connection', (socket) => this.#clients.connected(socket))
    server.on('checkExpectation', refuseExpectation)
    return server
  }

  #createSecure(tls: TlsMaterial, options: ServerOptions, handler: RequestListener): SecureServer {
    const needsCertificate = tls.ca !== undefined
    const server = createSecureServer(
      {
        ...options,
        ...tls,
        requestCert: needsCertificate,
        rejectUnauthorized: needsCertificate,
        handshakeTimeout: this.#edge.headersMs,
      },
      handler,
    )
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#clients.secured(socket)
      const name: unknown = socket.authorized ? socket.getPeerCertificate().subject?.CN : null
      // A certificate with several common names identifies no client.
      if (typeof name === 'string') this.#names.set(socket, name)
    })
    server.on('connection', (socket) => {
      this.#carriers.add(socket)
      socket.once('close', () => this.#carriers.delete(socket))
    })
    this.#secure.push(server)
    return server
  }

  get isSecure(): boolean {
    return this.#edge.tls !== null
  }

  /** Common name in the certificate of a client; null where there is none. */
  certificateOf(socket: Socket): string | null {
    return this.#names.get(socket) ?? null
  }

  /** Closes the connections that would prevent the server from closing. */
  cutConnections(): void {
    for (const socket of this.#carriers) socket.destroy()
  }

  /** Uses new certificates for new connections. */
  renew(tls: TlsMaterial): void {
    for (const server of this.#secure) server.setSecureContext(tls)
  }
}

/** Answers every value of `Expect` except `100-continue`, which Node handles itself. */
function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  const problem = new Problem('expectation-failed', 'the only supported value of Expect is 100-continue')
  const { document } = problemOf(problem, request.url!.split('?', 1)[0]!)
  response.writeHead(document.status, {
    'content-type': 'application/problem+json; charset=utf-8',
    connection: 'close',
  })
  response.end(JSON.stringify(document))
}
