/**
 * The events of a path, for as long as somebody wants them: over one connection after another, each going on where the last
 * ended. Nothing is read ahead of who listens, so that a slow one is the service's to wait for, or to end and be asked again.
 */

import { Backoff } from './backoff.ts'
import { NotIntrospectdError, ProblemError, TakenOverError, UnreachableError } from './errors.ts'
import type { Bookmark, ClientEventType, ServiceEvent, WatchedState } from './events.ts'
import type { FetchResponse } from './fetch.ts'
import { Position } from './position.ts'
import { SseParser } from './sse.ts'

/** The service says where it is every 30 s: longer than two of these and some, and the line is dead. */
const silenceMsMax = 75_000
/** An outage is mostly a restart: who waits longer would hear of it late. */
const retryMs = { first: 250, most: 5_000 }

type FamilyOf<Type> = Type extends `${infer Name}.${string}` ? `${Name}.*` : never

/** A type of event, or all of a family, as in `threshold.*`. */
export type EventPattern = ClientEventType | FamilyOf<ClientEventType> | '*'

/** The types of events that fit what is wanted. */
export type Fitting<Types extends EventPattern> = Types extends `${infer Begin}*`
  ? Extract<ClientEventType, `${Begin}${string}`>
  : Extract<ClientEventType, Types>

/** What happens to the connection. It is made anew in any case: this is for a log. */
export type Notice =
  | { readonly what: 'connected'; readonly after: string | null }
  | { readonly what: 'broken'; readonly error: Error; readonly retryMs: number }
  /** With `gone: 'oldest'`: the events between the two cursors are no longer in the journal. */
  | { readonly what: 'gap'; readonly after: string; readonly oldest: string }

export interface WatchOptions<Types extends readonly EventPattern[] = readonly ['*'], Marks extends boolean = boolean> {
  /** All, unless given. `events.lost` is to be among them: it stands for what nobody could see. */
  readonly types?: Types
  /** Cursor to begin after; without it with what happens from now on. */
  readonly after?: string
  /** Begins with a `state`: what is there, which nothing is missed after. Not with `after`. */
  readonly list?: boolean
  /**
   * The next step when the events after the cursor have left the journal: `state` reads what is there now and goes on
   * after that, `oldest` goes on with the oldest event that is left. `state` unless given.
   */
  readonly gone?: 'state' | 'oldest'
  /** So many levels below the path are in a `state`. */
  readonly depth?: number
  /** The service keeps the cursor that is acknowledged under this name, and begins after it. */
  readonly durable?: string
  /** Hands out bookmarks too, so that whoever keeps a cursor can move it on while nothing happens. */
  readonly bookmarks?: Marks
  /** Ends it. */
  readonly signal?: AbortSignal
  readonly onNotice?: (notice: Notice) => void
}

export type Item<Body, Types extends EventPattern, Marks extends boolean> =
  | ServiceEvent<Fitting<Types>>
  | WatchedState<Body>
  | (Marks extends true ? Bookmark : never)

/** What a watch needs of the client. */
export interface Port {
  readonly url: string
  readonly random: () => number
  /** An answer is waited for so long. */
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

  /** All up to it has been handed out: who has dealt with that may begin after it another time. Null where nobody knows yet. */
  get cursor(): string | null {
    return this.#position.cursor
  }

  /** With `durable`: all up to the cursor has been dealt with. @throws ProblemError, UnreachableError */
  async ack(cursor: string): Promise<void> {
    const { durable } = this.#options
    if (durable === undefined) throw new TypeError('there is nothing to acknowledge to: the watch is not durable')
    await this.#port.acknowledge(durable, cursor)
  }

  /** @throws ProblemError where it is refused, NotIntrospectdError, TakenOverError */
  next(): Promise<IteratorResult<Each, undefined>> {
    return this.#items.next()
  }

  /** Ends it, also while `next` waits. */
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

  /** One connection from its beginning to its end, which is always an error: of itself it has none. */
  async *#listen(): AsyncGenerator<Each> {
    const connection = new AbortController()
    const signal = AbortSignal.any([this.#over, connection.signal])
    try {
      const after = this.#position.cursor
      const asked = this.#port.stream(this.path, this.#query(), signal)
      const response = await this.#within(this.#port.timeoutMs, asked, connection)
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

  /** A stream has no close codes: why it ended is its last comment. */
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

  /** Of the text of a stream. Only while a piece is waited for does silence count: who listens may be slow. */
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
      reader.cancel().catch(() => {}) // it may have ended in an error, which was told
    }
  }

  /** What takes too long ends the connection. @throws UnreachableError */
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

  /** The answer says where the stream begins. A durable one may begin earlier, and only the service knows where. */
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

  /** Null where it is not for who listens. */
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

/** What can be read of a path with wildcards: the node above the first. */
function nodeOf(path: string): string {
  return path.replace(/\/\*.*$/s, '')
}

/** The one place where what is received gets its type; the service is held to it by its own tests. */
function parse(url: string, data: string): ServiceEvent | Bookmark {
  try {
    return JSON.parse(data) as ServiceEvent | Bookmark
  } catch {
    const what = `it sends ${JSON.stringify(data.slice(0, 100))} in place of an event`
    throw new NotIntrospectdError(url, { what, status: 200 })
  }
}

/** Ends early when the signal does. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const wake = () => resolve()
  const timer = setTimeout(wake, ms)
  signal.addEventListener('abort', wake)
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', wake)
}
