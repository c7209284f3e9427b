/** Limits the share of each client: connections and requests of an address, streams of a token. */

import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { bounds } from '../../base/bounds.ts'
import { Problem } from '../problems.ts'
import type { Token } from './gate.ts'
import type { Peer } from './listener.ts'
import type { Proxies } from './proxies.ts'
import { RequestBucket } from './request-bucket.ts'

/** 0 is no limit. */
export interface ClientLimits {
  /** Requests over more connections are answered 429; past twice as many, connections are closed at once. */
  readonly connectionsPerAddress: number
  readonly requestsPerSecond: number
  /** For each token; without tokens, for each address. */
  readonly streamsPerClient: number
}

export const defaultClientLimits: ClientLimits = {
  connectionsPerAddress: bounds.connectionsPerAddress,
  requestsPerSecond: bounds.requestsPerSecond,
  streamsPerClient: bounds.streamsPerClient,
}

/** The clients that share one address. */
interface Place {
  readonly key: string
  readonly requests: RequestBucket
  connections: number
}

interface Connection {
  readonly place: Place
  /** Connections that the place may have; 0 is no limit. */
  readonly most: number
  /** Opened when the address had too many connections already. */
  isOver: boolean
}

export interface StreamClient {
  readonly socket: Socket
  readonly token: Token | null
  /** Address of a client behind a trusted proxy; null for the peer of the connection. */
  readonly address: string | null
}

interface Stream {
  readonly key: string
  readonly token: Token | null
  /** Ends the stream and sends the client the reason. */
  end: (reason: string) => void
}

export class Clients {
  readonly #limits: ClientLimits
  readonly #proxies: Pick<Proxies, 'trusts'>
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout
  readonly #places = new Map<string, Place>()
  readonly #connections = new WeakMap<Socket, Connection>()
  readonly #streams = new Map<Socket, Stream>()
  readonly #streamsOf = new Map<string, number>()

  /** @param now ms of a monotonic clock */
  constructor(limits: ClientLimits, proxies: Pick<Proxies, 'trusts'>, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#proxies = proxies
    this.#now = now
    this.#timer = setInterval(() => this.forgetIdle(), bounds.forgetClientsEveryMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Counts a connection until it closes. Past twice the limit it is closed at once. */
  connected(socket: Socket, peer: Peer | null): void {
    const place = this.#placeAt(peer === null ? keyOf(socket.remoteAddress) : `uid ${peer.uid}`)
    place.connections++
    socket.once('close', () => {
      place.connections--
    })
    this.#note(socket, place, peer !== null)
    const most = this.#connections.get(socket)!.most
    if (most > 0 && place.connections > 2 * most) socket.destroy()
  }

  /** The same connection, seen from inside TLS: that is the socket which requests have. */
  secured(socket: Socket): void {
    this.#note(socket, this.#placeAt(keyOf(socket.remoteAddress)), false)
  }

  #note(socket: Socket, place: Place, isUnix: boolean): void {
    // The connections of a trusted proxy carry many clients, so they have no limit.
    const most = this.#proxies.trusts(socket.remoteAddress, isUnix) ? 0 : this.#limits.connectionsPerAddress
    this.#connections.set(socket, { place, most, isOver: most > 0 && place.connections > most })
  }

  /**
   * @param address that of a client behind a trusted proxy; null for the peer of the connection
   * @throws Problem where the request exceeds the rate, or its connection exceeds the limit
   */
  admitRequest(socket: Socket, address: string | null): void {
    const connection = this.#connections.get(socket)
    // Closed already, or not counted here.
    if (connection === undefined) return
    const { place, most } = connection
    if (connection.isOver) {
      connection.isOver = place.connections > most
      if (connection.isOver) throw tooManyConnections(most)
    }
    if (this.#limits.requestsPerSecond === 0) return
    const { requests } = address === null ? place : this.#placeAt(keyOf(address))
    const waitMs = requests.take(this.#now())
    if (waitMs > 0) throw tooManyRequests(this.#limits.requestsPerSecond, waitMs)
  }

  /** Counts a stream until `closing` emits `close`. @throws Problem where this client has too many */
  admitStream({ socket, token, address }: StreamClient, closing: EventEmitter, end: (reason: string) => void): void {
    const key = token === null ? `address ${this.#keyOf(socket, address)}` : `token ${token.name}`
    const count = this.#streamsOf.get(key) ?? 0
    const { streamsPerClient: most } = this.#limits
    if (most > 0 && count >= most) throw tooManyStreams(most, token)
    this.#streamsOf.set(key, count + 1)
    const stream = { key, token, end }
    this.#streams.set(socket, stream)
    closing.once('close', () => this.#streamClosed(socket, stream))
  }

  /** Replaces the function that ends a stream, once the kind of stream is known. */
  endStreamBy(socket: Socket, end: (reason: string) => void): void {
    const stream = this.#streams.get(socket)
    if (stream !== undefined) stream.end = end
  }

  /** Ends the streams of tokens that are no longer known. */
  endStreams(isKnown: (token: Token | null) => boolean): void {
    for (const { token, end } of [...this.#streams.values()])
      if (!isKnown(token)) end('the token of this stream is no longer valid')
  }

  /** Drops addresses without connections whose request bucket is full again: a new entry would be the same. */
  forgetIdle(): void {
    const now = this.#now()
    for (const { key, connections, requests } of this.#places.values())
      if (connections === 0 && requests.isFull(now)) this.#places.delete(key)
  }

  /** The sizes of the tables; an address without connections counts until it is dropped. */
  get counts(): { readonly addresses: number; readonly connections: number; readonly streams: number } {
    const places = [...this.#places.values()]
    const connections = places.reduce((sum, place) => sum + place.connections, 0)
    return { addresses: places.length, connections, streams: this.#streams.size }
  }

  #keyOf(socket: Socket, address: string | null): string {
    return address === null ? (this.#connections.get(socket)?.place.key ?? keyOf(socket.remoteAddress)) : keyOf(address)
  }

  #placeAt(key: string): Place {
    const known = this.#places.get(key)
    if (known !== undefined) return known
    const place = { key, requests: new RequestBucket(this.#limits.requestsPerSecond, this.#now()), connections: 0 }
    this.#places.set(key, place)
    return place
  }

  #streamClosed(socket: Socket, stream: Stream): void {
    if (this.#streams.get(socket) === stream) this.#streams.delete(socket)
    const left = this.#streamsOf.get(stream.key)! - 1
    if (left === 0) this.#streamsOf.delete(stream.key)
    else this.#streamsOf.set(stream.key, left)
  }
}

/**
 * The key of an address. An IPv6 client usually has a whole /64, so that counts as one. '' where the socket is closed.
 */
export function keyOf(address = ''): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}

function retryAfter(ms: number): Record<string, string> {
  return {
    'retry-after': String(Math.max(1, Math.ceil(ms / 1000))),
  }
}

function tooManyRequests(most: number, waitMs: number): Problem {
  return new Problem(
    'too-many-requests',
    `an address may send ${most} requests a second (--rate-limit); wait and try again`,
    {
      headers: retryAfter(waitMs),
    },
  )
}

function tooManyConnections(most: number): Problem {
  return new Problem(
    'too-many-connections',
    `an address may have ${most} connections (--connections-per-address); close some`,
    { headers: { ...retryAfter(bounds.retryAfterMs), connection: 'close' } },
  )
}

function tooManyStreams(most: number, token: Token | null): Problem {
  return new Problem(
    'too-many-streams',
    `${token === null ? 'an address' : 'a token'} may have ${most} streams (--streams-per-client); close some`,
    { headers: retryAfter(bounds.retryAfterMs) },
  )
}
