/** Creates the HTTP or HTTPS servers, with the limits of a connection before its first request. */

import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { ListenOptions, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { bounds } from '../../base/bounds.ts'
import { Problem, problemOf } from '../problems.ts'
import type { Clients } from './clients.ts'
import type { TlsMaterial } from './tls.ts'

/** The process that has opened a connection over a unix socket. Null where the system does not say it. */
export interface Peer {
  readonly uid: number | null
  /** Its primary group. */
  readonly gid: number | null
}

export const unknownPeer: Peer = { uid: null, gid: null }

export interface ListenerOptions {
  /** Null for HTTP in the clear. */
  readonly tls: TlsMaterial | null
  /** Connections of all clients together: more are closed at once. */
  readonly connectionsMax: number
  /** Time for the headers of a request, and for the handshake of TLS. */
  readonly headersMs: number
  /** Called with each server that has begun to listen. */
  readonly onListening: (server: Server) => void
  /** Finds the user at the other end of a unix socket. */
  readonly peerOf: (socket: Socket) => Peer
}

export const defaultListenerOptions: ListenerOptions = {
  tls: null,
  connectionsMax: Number.POSITIVE_INFINITY,
  headersMs: bounds.requestMsMax,
  onListening: () => {},
  peerOf: () => unknownPeer,
}

/** The servers of one service: one for each address, and one for each unix socket. */
export class Listener {
  readonly #edge: ListenerOptions
  readonly #clients: Clients
  readonly #secure: SecureServer[] = []
  #main: Server | null = null
  #handler: RequestListener | null = null
  /** Servers besides that of Fastify. */
  readonly #others: Server[] = []
  /** Connections over unix sockets, with the user of each peer. */
  readonly #peers = new WeakMap<Socket, Peer>()
  #connections = 0
  /** The TCP sockets below TLS: during the handshake the HTTP server does not know them. */
  readonly #carriers = new Set<Duplex>()
  /** Common names of the certificates that clients have, and the handshake has verified. */
  readonly #names = new WeakMap<Socket, string>()

  constructor(edge: ListenerOptions, clients: Clients) {
    this.#edge = edge
    this.#clients = clients
  }

  /** Creates the server that Fastify listens with. */
  create(handler: RequestListener): Server {
    this.#handler = handler
    this.#main = this.#createFor(handler, this.#edge.tls)
    return this.#main
  }

  /**
   * Listens at one more place. A unix socket has no TLS, because its peers are on this machine.
   * Preconditions: Fastify listens already.
   */
  async open(options: ListenOptions, { isUnix }: { readonly isUnix: boolean }): Promise<Server> {
    const server = this.#createFor(this.#handler!, isUnix ? null : this.#edge.tls)
    // The plugin for WebSockets listens to the main server only.
    server.on('upgrade', (...upgrade) => this.#main!.emit('upgrade', ...upgrade))
    this.#others.push(server)
    const listening = once(server, 'listening')
    server.listen(options)
    await listening
    return server
  }

  #createFor(handler: RequestListener, tls: TlsMaterial | null): Server {
    const { headersMs, onListening } = this.#edge
    const options = {
      headersTimeout: headersMs,
      connectionsCheckingInterval: Math.min(headersMs, bounds.checkConnectionsEveryMs),
      // Streams of calls may last. Every other body has its own timeout when it is read.
      requestTimeout: 0,
      keepAliveTimeout: bounds.keepAliveMs,
      // A request without Host is answered with a problem like any other.
      requireHostHeader: false,
      shouldUpgradeCallback: isForWebSocket,
    } satisfies ServerOptions
    const server = tls === null ? createServer(options, handler) : this.#createSecure(tls, options, handler)
    server.on('listening', () => onListening(server))
    let isUnix = false
    server.once('listening', () => {
      isUnix = listensOnUnix(server)
    })
    server.on('connection', (socket) => this.#connected(socket, isUnix))
    server.on('checkExpectation', refuseExpectation)
    return server
  }

  #connected(socket: Socket, isUnix: boolean): void {
    if (this.#connections >= this.#edge.connectionsMax) {
      socket.destroy()
      return
    }
    this.#connections++
    socket.once('close', () => {
      this.#connections--
    })
    if (isUnix) this.#peers.set(socket, this.#edge.peerOf(socket))
    this.#clients.connected(socket, this.#peers.get(socket) ?? null)
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

  isSecure(socket: Socket): boolean {
    return this.#edge.tls !== null && !this.#peers.has(socket)
  }

  /** The user at the other end of a unix socket; null for a connection over the network. */
  peerOf(socket: Socket): Peer | null {
    return this.#peers.get(socket) ?? null
  }

  /** Common name in the certificate of a client; null where there is none. */
  certificateOf(socket: Socket): string | null {
    return this.#names.get(socket) ?? null
  }

  /** Closes the connections that would prevent the server from closing. */
  cutConnections(): void {
    for (const socket of this.#carriers) socket.destroy()
    for (const server of this.#others) {
      server.close()
      server.closeAllConnections()
    }
  }

  /** Uses new certificates for new connections. */
  renew(tls: TlsMaterial): void {
    for (const server of this.#secure) server.setSecureContext(tls)
  }
}

/** Says whether a server listens on a unix socket. One that another program has opened has no address in Node. */
function listensOnUnix(server: Server): boolean {
  const address = server.address()
  return address === null || typeof address === 'string'
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

/**
 * Clients that also speak HTTP/2 offer that in each request, as Java's HttpClient does. They are answered over
 * HTTP/1.1: the offer is removed, so nothing else sees it.
 */
function isForWebSocket({ headers }: IncomingMessage): boolean {
  if (headers.upgrade?.toLowerCase() === 'websocket') return true
  delete headers.upgrade
  return false
}
