/**
 * Sends requests to introspectd from Node and browsers, and watches its events. The client needs only `fetch`. Paths,
 * queries, bodies and replies are typed by the pathname, as far as the compiler knows it.
 */

import { NotIntrospectdError, ProblemError, problemFrom, TakenOverError, UnreachableError } from './errors.ts'
import type { Fetch, FetchRequest, FetchResponse } from './fetch.ts'
import type { Answered, Body, Method, PathWith, Query, Reply } from './paths.ts'
import type { TlsOptions } from './tls.ts'
import { type Port, Watch } from './watch.ts'
import type { EventPattern, Item, WatchOptions } from './watch-options.ts'

export type { Bookmark, ClientEventType, ServiceEvent, WatchedState } from './events.ts'
export type { Reply } from './paths.ts'
export type * from './routes.ts'
export type { TlsOptions } from './tls.ts'
export type { EventPattern, Notice, WatchOptions } from './watch-options.ts'
export { NotIntrospectdError, ProblemError, TakenOverError, UnreachableError, Watch }

export interface ClientOptions {
  /** Bearer token, if the service requires one. One word of printable ASCII. */
  readonly token?: string
  /** Time in ms to wait for a reply. Default: 10,000. */
  readonly timeoutMs?: number
  /** Replaces the global `fetch`. Not with `tls`. */
  readonly fetch?: Fetch
  /** Certificates, for a service over HTTPS. Node only: a browser uses those of the user. */
  readonly tls?: TlsOptions
  /**
   * Returns a number from 0 up to, but not including, 1. It randomises the waits before reconnecting. Default:
   * `Math.random`.
   */
  readonly random?: () => number
}

interface RequestOptions {
  /** Aborts the request, which then throws the reason of the signal. */
  readonly signal?: AbortSignal
  /** Time in ms to wait for the reply. Default: that of the client. */
  readonly timeoutMs?: number
}

interface ReadOptions<Parameters> extends RequestOptions {
  readonly query?: Parameters
}

interface WriteOptions<Parameters> extends ReadOptions<Parameters> {
  /** Identity of the process. If the process has ended, the reply is 412, even if its pid is in use again. */
  readonly ifProcess?: string
  /** ETag of the expected version. If another client has changed it since, the reply is 412. */
  readonly ifMatch?: string
  /** With `*` the reply is 412 if the node already exists. */
  readonly ifNoneMatch?: string
}

export interface ClientResponse<Given, Cursor extends string | null = string | null> {
  readonly status: number
  readonly body: Given
  /**
   * The reply contains the effects of every event up to this cursor. A watch that starts after it misses nothing. Null
   * outside /sys and for replies of type NDJSON.
   */
  readonly cursor: Cursor
  readonly etag: string | null
}

/** Reply to a method on a path. */
type ResponseTo<Verb extends Method, P extends string> = ClientResponse<
  Answered<Verb, P>,
  string extends P ? string | null : Answered<Verb, P> extends string ? null : string
>

export class Client {
  readonly url: string
  readonly #options: ClientOptions
  /** URL that every path follows. */
  readonly #base: string
  /** Path of the unix socket; null for a service at an address. */
  readonly #socketPath: string | null
  /** Loaded with the first request. */
  #nodeFetch: Promise<Fetch> | null = null

  /**
   * @param url base URL of the service, for example `http://127.0.0.1:7007`; in Node also `unix:/run/introspectd.sock`
   * @throws TypeError the token is not one word of ASCII. The message does not contain it.
   */
  constructor(url: string | URL, options: ClientOptions = {}) {
    if (options.token !== undefined && !/^[\x21-\x7e]+$/.test(options.token))
      throw new TypeError('the token is not one word of ASCII')
    this.url = String(url).replace(/\/$/, '')
    this.#socketPath = socketPathOf(this.url)
    this.#base = this.#socketPath === null ? this.url : 'http://localhost'
    this.#options = options
  }

  /**
   * Reads a node. The errors are the same for `put`, `post` and `delete`.
   * @throws ProblemError the service refused the request
   * @throws UnreachableError no reply, or not in time
   * @throws NotIntrospectdError the reply is not from introspectd
   */
  get<const P extends string>(
    path: P & PathWith<'get', P>,
    options: ReadOptions<Query<'get', P>> = {},
  ): Promise<ResponseTo<'get', P>> {
    return this.#request('get', path, options)
  }

  /** Creates or replaces a node. Status 201 if it was created, 200 if it was replaced. */
  put<const P extends string>(
    path: P & PathWith<'put', P>,
    body: Body<'put', P>,
    options: WriteOptions<Query<'put', P>> = {},
  ): Promise<ResponseTo<'put', P>> {
    return this.#request('put', path, options, body)
  }

  /** Performs an action, for example sends a signal to a process. */
  post<const P extends string>(
    path: P & PathWith<'post', P>,
    body: Body<'post', P>,
    options: WriteOptions<Query<'post', P>> = {},
  ): Promise<ResponseTo<'post', P>> {
    return this.#request('post', path, options, body)
  }

  /** Deletes a node. */
  delete<const P extends string>(
    path: P & PathWith<'delete', P>,
    options: WriteOptions<Query<'delete', P>> = {},
  ): Promise<ResponseTo<'delete', P>> {
    return this.#request('delete', path, options)
  }

  /**
   * Watches the events of a path and of every node below it, until the signal or `return` ends the watch. It reconnects
   * after failures. Errors are thrown by `next`.
   */
  watch<
    const P extends string,
    const Types extends readonly EventPattern[] = readonly ['*'],
    Marks extends boolean = false,
  >(path: P, options: WatchOptions<Types, Marks> = {}): Watch<Item<Reply<P>, Types[number], Marks>> {
    return new Watch(this.#port(), path, options)
  }

  #port(): Port {
    const { random = Math.random, timeoutMs = replyMsDefault } = this.#options
    return {
      url: this.url,
      random,
      timeoutMs,
      stream: (path, query, signal) =>
        this.#fetch(this.#urlOf(path, query), {
          headers: { ...this.#headers(), accept: 'text/event-stream' },
          cache: 'no-store',
          signal,
        }),
      list: (path, depth, signal) =>
        this.#request<ClientResponse<unknown, string>>('get', path, {
          signal,
          query: depth === undefined ? {} : { depth },
        }),
      acknowledge: async (name, cursor) => {
        await this.#request('put', `/subscriptions/${encodeURIComponent(name)}`, {}, { cursor })
      },
    }
  }

  async #request<Found extends ClientResponse<unknown>>(
    method: Method,
    path: string,
    { query, signal, timeoutMs, ...conditions }: WriteOptions<unknown>,
    body?: unknown,
  ): Promise<Found> {
    const late = AbortSignal.timeout(timeoutMs ?? this.#options.timeoutMs ?? replyMsDefault)
    const response = await this.#fetch(this.#urlOf(path, Object(query)), {
      method: method.toUpperCase(),
      headers: { ...this.#headers(), ...headersOf(conditions), ...(body !== undefined && contentOf(body)) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.any([late, ...(signal === undefined ? [] : [signal])]),
    })
    const { status, headers } = response
    const text = await response.text().catch((error: unknown) => {
      throw this.#errorOf(error, signal)
    })
    const cursor = headers.get('introspect-cursor')
    const isLines = headers.get('content-type')?.startsWith('application/x-ndjson') ?? false
    if (cursor === null && path.startsWith('/sys') && !isLines)
      throw new NotIntrospectdError(this.url, { what: 'its reply has no cursor', status })
    // Replies get their type here, without a check. Tests check that the service sends this type.
    return {
      status,
      body: bodyOf(headers, text),
      cursor,
      etag: headers.get('etag'),
    } as ClientResponse<unknown> as Found
  }

  async #fetch(url: URL, init: FetchRequest): Promise<FetchResponse> {
    const fetchOver = await this.#fetchFunction()
    const response = await fetchOver(url, init).catch((error: unknown) => {
      throw this.#errorOf(error, init.signal)
    })
    if (response.ok || isUnreadiness(url, response)) return response
    throw await problemFrom(response, this.url).catch((error: unknown) =>
      error instanceof NotIntrospectdError ? error : this.#errorOf(error, init.signal),
    )
  }

  /** A function of its own: browsers refuse `fetch` called as a method of another object. */
  async #fetchFunction(): Promise<Fetch> {
    const { fetch = globalThis.fetch, tls } = this.#options
    const path = this.#socketPath
    if (path !== null) this.#nodeFetch ??= import('./tls.ts').then(({ fetchOverUnix }) => fetchOverUnix(path))
    else if (tls !== undefined) this.#nodeFetch ??= import('./tls.ts').then(({ fetchWithTls }) => fetchWithTls(tls))
    return this.#nodeFetch ?? ((url, init) => fetch(url, init))
  }

  /** The error to throw when a request failed: the reason of the signal if the caller aborted it. */
  #errorOf(error: unknown, signal: AbortSignal | null | undefined): unknown {
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    return signal?.aborted && !isLate ? error : new UnreachableError(this.url, error)
  }

  #urlOf(path: string, query: object): URL {
    const url = new URL(`${this.#base}${path}`)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value))
    return url
  }

  #headers(): Record<string, string> {
    const { token } = this.#options
    return { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  }
}

/** The path in a URL of a unix socket; null for any other URL. */
function socketPathOf(url: string): string | null {
  return /^unix:(?:\/\/(?=\/))?(\/.+)$/.exec(url)?.[1] ?? null
}

/** `/readyz` of a service that is not ready: its checks as text. */
function isUnreadiness({ pathname }: URL, { status, headers }: FetchResponse): boolean {
  return (
    status === 503 && pathname.endsWith('/readyz') && (headers.get('content-type')?.startsWith('text/plain') ?? false)
  )
}

const replyMsDefault = 10_000

function headersOf({ ifProcess, ifMatch, ifNoneMatch }: WriteOptions<unknown>): Record<string, string> {
  return {
    ...(ifProcess !== undefined && { 'if-process': ifProcess }),
    ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
  }
}

/** Two routes accept text: kernel calls as lines of JSON objects, and scenarios in YAML. */
function contentOf(body: unknown): Record<string, string> {
  const textType = String(body).startsWith('{') ? 'application/x-ndjson' : 'application/yaml'
  return { 'content-type': typeof body === 'string' ? textType : 'application/json' }
}

function bodyOf(headers: FetchResponse['headers'], text: string): unknown {
  if (text === '') return undefined
  return headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text
}
