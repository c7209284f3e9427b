/**
 * Watches the events of a path. The watch reconnects when a connection breaks, and resumes after the last event. It
 * reads only while the caller waits for an event, so that the service sees a slow caller and can buffer for it.
 */

import { Backoff } from './backoff.ts'
import { NotIntrospectdError, ProblemError, TakenOverError, UnreachableError } from './errors.ts'
import type { Bookmark, ServiceEvent, WatchedState } from './events.ts'
import type { FetchResponse } from './fetch.ts'
import { Position } from './position.ts'
import { SseParser } from './sse.ts'
import type { EventPattern, WatchOptions } from './watch-options.ts'

/** The service sends a bookmark every 30 s. After two missed bookmarks and a margin the connection is dead. */
const silenceMsMax = 75_000
/** Most outages are restarts, so the waits stay short. */
const retryMs = { first: 250, most: 5_000 }

/** Functions of the client that a watch uses. */
export interface Port {
  readonly url: string
  readonly random: () => number
  /** Time to wait for a reply. */
  readonly timeoutMs: number
  /** @throws ProblemError, UnreachableError */
  stream(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<FetchResponse>
  /** @throws ProblemError, UnreachableError */
  list(path: string, depth: number | undefined, signal: AbortSignal): Promise<{ body: unknown; cursor: string }>
  acknowledge(name: string, cursor: string): Promise<void>
}

export class Watch<Each> implements AsyncIterableIterator<Each, undefined> {
  readonly path: string
  readonly #port: Port
  readonly #options: WatchOptions<readonly EventPattern[]>
  readonly #position: Position
  readonly #backoff: Backoff
  readonly #ending = new AbortController()
  readonly #over: AbortSignal
  readonly #items: AsyncGenerator<Each, undefined>

  constructor(port: Port, path: string, options: WatchOptions<readonly EventPattern[]>) {
    this.path = path
    this.#port = port
    this.#options = options
    this.#position = new Position(options.after ?? null)
    this.#backoff = new Backoff({ firstMs: retryMs.first, mostMs: retryMs.most, random: port.random })
    this.#over = AbortSignal.any([this.#ending.signal, ...(options.signal === undefined ? [] : [options.signal])])
    this.#items = this.#run()
  }

  /**
   * Every event up to this cursor has been returned. A later watch can resume after it. Null if it is not known yet.
   */
  get cursor(): string | null {
    return this.#position.cursor
  }

  /**
   * Acknowledges every event up to the cursor, for a watch with `durable`.
   * @throws TypeError the watch has no `durable`
   * @throws ProblemError, UnreachableError
   */
  async ack(cursor: string): Promise<void> {
    const { durable } = this.#options
    if (durable === undefined)
      throw new TypeError('the watch is not durable: set the option durable to acknowledge events')
    await this.#port.acknowledge(durable, cursor)
  }

  /**
   * Waits for the next item.
   * @throws ProblemError the service refused the watch, and a retry would not help
   * @throws NotIntrospectdError, TakenOverError
   */
  next(): Promise<IteratorResult<Each, undefined>> {
    return this.#items.next()
  }

  /** Ends the watch, also while `next` waits. */
  return(): Promise<IteratorResult<Each, undefined>> {
    this.#ending.abort()
    return this.#items.return(undefined)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  async *#run(): AsyncGenerator<Each, undefined> {
    const { list = false, after } = this.#options
    let why: WatchedState<unknown>['why'] | null = list && after === undefined ? 'begin' : null
    while (!this.#over.aborted) {
      try {
        if (why !== null) yield (await this.#list(why)) as Each
        why = null
        yield* this.#listen()
      } catch (error) {
        if (this.#over.aborted) return
        if (this.#skipsGap(error)) continue
        if (isGone(error)) why = 'gone'
        else if (!isPassing(error)) throw error
        await this.#pause(error)
      }
    }
    return
  }

  /** With `gone: 'oldest'`, moves to the oldest event that is left. */
  #skipsGap(error: unknown): boolean {
    const oldest = isGone(error) ? error.problem.oldest : undefined
    const after = this.#position.cursor
    if (this.#options.gone !== 'oldest' || oldest === undefined || after === null) return false
    this.#position.restart(oldest)
    this.#options.onNotice?.({ what: 'gap', after, oldest })
    return true
  }

  async #list(why: WatchedState<unknown>['why']): Promise<WatchedState<unknown>> {
    const after = this.#position.cursor
    const { body, cursor } = await this.#port.list(nodeOf(this.path), this.#options.depth, this.#over)
    this.#position.restart(cursor)
    return { type: 'state', why, path: nodeOf(this.path), cursor, after, body }
  }

  /** Reads one connection until it ends. A stream has no regular end, so this always throws. */
  async *#listen(): AsyncGenerator<Each> {
    const connection = new AbortController()
    const signal = AbortSignal.any([this.#over, connection.signal])
    try {
      const after = this.#position.cursor
      const opening = this.#port.stream(this.path, this.#query(), signal)
      const response = await this.#within(this.#port.timeoutMs, opening, connection)
      this.#begin(response)
      this.#options.onNotice?.({ what: 'connected', after })
      const parser = new SseParser()
      for await (const piece of this.#piecesOf(response, connection)) {
        for (const { data } of parser.feed(piece)) {
          this.#backoff.reset()
          const item = this.#take(data)
          if (item !== null) yield item as Each
        }
      }
      throw this.#ended(parser.comment)
    } finally {
      connection.abort()
    }
  }

  /** An event stream has no close code. The reason of its end is the last comment. */
  #ended(comment: string): Error {
    const { durable } = this.#options
    if (durable !== undefined && comment.includes('was taken over')) return new TakenOverError(durable)
    return new UnreachableError(this.#port.url, new Error(`the stream ended: ${comment}`))
  }

  #query(): Record<string, string> {
    const { types, durable } = this.#options
    const { cursor } = this.#position
    return {
      ...(types !== undefined && { types: types.join(',') }),
      ...(cursor !== null && { after: cursor }),
      ...(durable !== undefined && { durable }),
    }
  }

  /** The text of a stream. Silence counts only while a piece is awaited, because the caller may be slow. */
  async *#piecesOf(response: FetchResponse, connection: AbortController): AsyncGenerator<string> {
    const decoder = new TextDecoder()
    const reader = response.body!.getReader()
    try {
      for (;;) {
        const { done, value } = await this.#within(silenceMsMax, reader.read(), connection).catch((error: unknown) => {
          throw error instanceof UnreachableError ? error : new UnreachableError(this.#port.url, error)
        })
        if (done) return
        yield decoder.decode(value, { stream: true })
      }
    } finally {
      reader.cancel().catch(() => {}) // the error was thrown above
    }
  }

  /** Waits for a promise. After the time has passed, closes the connection. @throws UnreachableError */
  async #within<Value>(ms: number, promise: Promise<Value>, connection: AbortController): Promise<Value> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const error = new UnreachableError(this.#port.url, new Error(`nothing came for ${ms / 1000} s`))
      reject(error)
      connection.abort(error)
    }, ms)
    try {
      return await Promise.race([promise, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * Takes the start cursor from the reply. The cursor of a durable subscription may be older and is not in the reply.
   */
  #begin(response: FetchResponse): void {
    const type = response.headers.get('content-type') ?? 'nothing'
    if (!type.startsWith('text/event-stream'))
      throw new NotIntrospectdError(this.#port.url, {
        what: `it sends ${type} in place of events`,
        status: response.status,
      })
    const cursor = response.headers.get('introspect-cursor')
    if (this.#position.cursor === null && this.#options.durable === undefined && cursor !== null)
      this.#position.moveTo(cursor)
  }

  /** Parses an event. Returns null if the caller must not receive it. */
  #take(data: string): ServiceEvent | Bookmark | null {
    const event = parse(this.#port.url, data)
    if (event.type === 'bookmark') {
      this.#position.moveTo(event.data.cursor)
      return this.#options.bookmarks === true ? event : null
    }
    return event.sequence !== undefined && this.#position.accepts(event) ? event : null
  }

  async #pause(error: unknown): Promise<void> {
    const waitMs = this.#backoff.next(error instanceof ProblemError ? (error.retryAfterMs ?? 0) : 0)
    this.#options.onNotice?.({ what: 'broken', error: error as Error, retryMs: waitMs })
    await sleep(waitMs, this.#over)
  }
}

function isGone(error: unknown): error is ProblemError {
  return error instanceof ProblemError && error.status === 410
}

function isPassing(error: unknown): boolean {
  return error instanceof UnreachableError || (error instanceof ProblemError && error.isPassing)
}

/** The node above the first wildcard of a path: the part that can be read. */
function nodeOf(path: string): string {
  return path.replace(/\/\*.*$/s, '')
}

/** Received events get their type here, without a check. Tests check that the service sends this type. */
function parse(url: string, data: string): ServiceEvent | Bookmark {
  try {
    return JSON.parse(data) as ServiceEvent | Bookmark
  } catch {
    const what = `it sends ${JSON.stringify(data.slice(0, 100))} in place of an event`
    throw new NotIntrospectdError(url, { what, status: 200 })
  }
}

/** Waits, and returns early when the signal is aborted. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const wake = () => resolve()
  const timer = setTimeout(wake, ms)
  signal.addEventListener('abort', wake)
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', wake)
}
