/**
 * A client of introspectd for HA controllers, in Node and in browsers: it needs fetch and nothing else. Every path, query and
 * body is typed, as far as the pathname is known when it is compiled.
 */

import { NotIntrospectdError, ProblemError, problemFrom, TakenOverError, UnreachableError } from './errors.ts'
import type { Fetch, FetchRequest, FetchResponse } from './fetch.ts'
import type { Answered, Body, Method, PathWith, Query, Reply } from './paths.ts'
import type { TlsOptions } from './tls.ts'
import { type EventPattern, type Item, type Port, Watch, type WatchOptions } from './watch.ts'

export type { Bookmark, ClientEventType, ServiceEvent, WatchedState } from './events.ts'
export type { Reply } from './paths.ts'
export type * from './routes.ts'
export type { TlsOptions } from './tls.ts'
export type { EventPattern, Notice, WatchOptions } from './watch.ts'
export { NotIntrospectdError, ProblemError, TakenOverError, UnreachableError, Watch }

export interface ClientOptions {
  /** A bearer token, where the service asks for one. */
  readonly token?: string
  /** An answer is waited for so long; 10 s unless given. */
  readonly timeoutMs?: number
  /** Replaces the global `fetch`. Not with `tls`. */
  readonly fetch?: Fetch
  /** Certificates, for a service over HTTPS. Node only: a browser uses those of the user. */
  readonly tls?: TlsOptions
  /** From 0 up to 1, in place of Math.random: what spreads out reconnecting. */
  readonly random?: () => number
}

interface RequestOptions {
  /** Ends the request. */
  readonly signal?: AbortSignal
  /** In place of the client's. */
  readonly timeoutMs?: number
}

interface ReadOptions<Asked> extends RequestOptions {
  readonly query?: Asked
}

interface WriteOptions<Asked> extends ReadOptions<Asked> {
  /** Identity of the process that is meant: 412 where it is gone, whoever has its pid now. */
  readonly ifProcess?: string
  /** An ETag: 412 where it was put by another since. */
  readonly ifMatch?: string
  /** `*`: 412 where there is one already. */
  readonly ifNoneMatch?: string
}

export interface ClientResponse<Given, Cursor extends string | null = string | null> {
  readonly status: number
  readonly body: Given
  /** All events up to it are in what was read: watch after it, and nothing is missed. Outside /sys, and of lines, there is none. */
  readonly cursor: Cursor
  readonly etag: string | null
}

/** What a verb answers on a path. */
type AnswerTo<Verb extends Method, P extends string> = ClientResponse<
  Answered<Verb, P>,
  string extends P ? string | null : Answered<Verb, P> extends string ? null : string
>

export class Client {
  readonly url: string
  readonly #options: ClientOptions
  /** Loaded with the first request. */
  #tlsFetch: Promise<Fetch> | null = null

  /** @param url as in `http://127.0.0.1:7007` @throws TypeError a token that is no word of ASCII: it is not repeated */
  constructor(url: string | URL, options: ClientOptions = {}) {
    if (options.token !== undefined && !/^[\x21-\x7e]+$/.test(options.token))
      throw new TypeError('the token is not one word of ASCII')
    this.url = String(url).replace(/\/$/, '')
    this.#options = options
  }

  /** @throws ProblemError, UnreachableError, NotIntrospectdError; as all that ask */
  get<const P extends string>(
    path: P & PathWith<'get', P>,
    options: ReadOptions<Query<'get', P>> = {},
  ): Promise<AnswerTo<'get', P>> {
    return this.#ask('get', path, options)
  }

  put<const P extends string>(
    path: P & PathWith<'put', P>,
    body: Body<'put', P>,
    options: WriteOptions<Query<'put', P>> = {},
  ): Promise<AnswerTo<'put', P>> {
    return this.#ask('put', path, options, body)
  }

  post<const P extends string>(
    path: P & PathWith<'post', P>,
    body: Body<'post', P>,
    options: WriteOptions<Query<'post', P>> = {},
  ): Promise<AnswerTo<'post', P>> {
    return this.#ask('post', path, options, body)
  }

  delete<const P extends string>(
    path: P & PathWith<'delete', P>,
    options: WriteOptions<Query<'delete', P>> = {},
  ): Promise<AnswerTo<'delete', P>> {
    return this.#ask('delete', path, options)
  }

  /** The events of a path and all below it, until the signal or `return` ends it; what breaks is made anew. */
  watch<
    const P extends string,
    const Types extends readonly EventPattern[] = readonly ['*'],
    Marks extends boolean = false,
  >(path: P, options: WatchOptions<Types, Marks> = {}): Watch<Item<Reply<P>, Types[number], Marks>> {
    return new Watch(this.#port(), path, options)
  }

  #port(): Port {
    const { random = Math.random, timeoutMs = answerMs } = this.#options
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
        this.#ask<ClientResponse<unknown, string>>('get', path, {
          signal,
          query: depth === undefined ? {} : { depth },
        }),
      acknowledge: async (name, cursor) => {
        await this.#ask('put', `/subscriptions/${encodeURIComponent(name)}`, {}, { cursor })
      },
    }
  }

  async #ask<Found extends ClientResponse<unknown>>(
    method: Method,
    path: string,
    { query, signal, timeoutMs, ...given }: WriteOptions<unknown>,
    body?: unknown,
  ): Promise<Found> {
    const late = AbortSignal.timeout(timeoutMs ?? this.#options.timeoutMs ?? answerMs)
    const response = await this.#fetch(this.#urlOf(path, Object(query)), {
      method: method.toUpperCase(),
      headers: { ...this.#headers(), ...headersOf(given), ...(body !== undefined && contentOf(body)) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.any([late, ...(signal === undefined ? [] : [signal])]),
    })
    const { status, headers } = response
    const text = await response.text().catch((error: unknown) => {
      throw this.#unanswered(error, signal)
    })
    const cursor = headers.get('introspect-cursor')
    const isLines = headers.get('content-type')?.startsWith('application/x-ndjson') ?? false
    if (cursor === null && path.startsWith('/sys') && !isLines)
      throw new NotIntrospectdError(this.url, { what: 'its reply has no cursor', status })
    // The one place where an answer gets its type; the service is held to it by its own tests.
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
      throw this.#unanswered(error, init.signal)
    })
    if (response.ok) return response
    throw await problemFrom(response, this.url).catch((error: unknown) =>
      error instanceof NotIntrospectdError ? error : this.#unanswered(error, init.signal),
    )
  }

  /** A function of its own: browsers refuse `fetch` called as a method of another object. */
  async #fetchFunction(): Promise<Fetch> {
    const { fetch = globalThis.fetch, tls } = this.#options
    if (tls === undefined) return (url, init) => fetch(url, init)
    this.#tlsFetch ??= import('./tls.ts').then(({ fetchWithTls }) => fetchWithTls(tls))
    return this.#tlsFetch
  }

  /** Who ended it themselves hears their own reason. */
  #unanswered(error: unknown, signal: AbortSignal | null | undefined): unknown {
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    return signal?.aborted && !isLate ? error : new UnreachableError(this.url, error)
  }

  #urlOf(path: string, query: object): URL {
    const url = new URL(`${this.url}${path}`)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value))
    return url
  }

  #headers(): Record<string, string> {
    const { token } = this.#options
    return { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  }
}

const answerMs = 10_000

function headersOf({ ifProcess, ifMatch, ifNoneMatch }: WriteOptions<unknown>): Record<string, string> {
  return {
    ...(ifProcess !== undefined && { 'if-process': ifProcess }),
    ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
  }
}

/** Two routes take text: lines of kernel calls, each an object, and scenarios. */
function contentOf(body: unknown): Record<string, string> {
  const ofText = String(body).startsWith('{') ? 'application/x-ndjson' : 'application/yaml'
  return { 'content-type': typeof body === 'string' ? ofText : 'application/json' }
}

function bodyOf(headers: FetchResponse['headers'], text: string): unknown {
  if (text === '') return undefined
  return headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text
}
