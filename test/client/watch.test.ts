/** Tests watches with fake timers and a fake network. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Client, NotIntrospectdError, type Notice, ProblemError, TakenOverError } from '../../src/client/client.ts'
import { randomOf } from '../support/random.ts'

const cursorOf = (sequence: number) => String(sequence).padStart(20, '0')

const eventOf = (sequence: number, type = 'process.died') => ({
  specversion: '1.0',
  id: cursorOf(sequence),
  source: '/net/test',
  type,
  subject: '/sys/proc/42',
  time: '2026-11-22T10:00:00.000Z',
  sequence: cursorOf(sequence),
  data: { code: 0 },
})

const bookmarkOf = (sequence: number) => ({
  ...eventOf(sequence, 'bookmark'),
  id: `bookmark-${cursorOf(sequence)}`,
  sequence: undefined,
  data: { cursor: cursorOf(sequence), scanAge: null },
})

const written = (...events: readonly object[]) => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')

/** A connection to the fake network. The test writes the response. */
class Line {
  readonly url: URL
  readonly headers: Headers
  readonly signal: AbortSignal
  #answer: (response: Response) => void = () => {}
  #fail: (error: Error) => void = () => {}
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null

  constructor(url: URL, { headers, signal }: RequestInit) {
    this.url = url
    this.headers = new Headers(headers)
    this.signal = signal!
  }

  answered(): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#answer = resolve
      this.#fail = reject
      this.signal.addEventListener('abort', () => {
        reject(this.signal.reason)
        this.#stream?.error(this.signal.reason)
        this.#stream = null
      })
    })
  }

  accept(text = '', { cursor = cursorOf(0), type = 'text/event-stream' } = {}): this {
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        this.#stream = stream
      },
    })
    this.#answer(new Response(body, { headers: { 'content-type': type, 'introspect-cursor': cursor } }))
    return this.send(text)
  }

  send(text: string): this {
    this.#stream!.enqueue(new TextEncoder().encode(text))
    return this
  }

  end(): void {
    this.#stream!.close()
    this.#stream = null
  }

  refuse(status: number, { detail = 'no', headers = {}, extra = {} } = {}): void {
    const problem = { type: 'urn:introspectd:problem:x', title: 'Refused', status, detail, ...extra }
    const init = { status, headers: { 'content-type': 'application/problem+json', ...headers } }
    this.#answer(new Response(JSON.stringify(problem), init))
  }

  refuseInPart(status: number): void {
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => stream.error(new TypeError('terminated')),
    })
    this.#answer(new Response(body, { status, headers: { 'content-type': 'application/problem+json' } }))
  }

  json(body: object, cursor: string): void {
    const headers = { 'content-type': 'application/json; charset=utf-8', 'introspect-cursor': cursor }
    this.#answer(new Response(JSON.stringify(body), { headers }))
  }

  break(): void {
    this.#fail(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }))
  }
}

class Network {
  readonly lines: Line[] = []
  readonly fetch = ((url: URL, init: RequestInit) => {
    const line = new Line(url, init)
    this.lines.push(line)
    return line.answered()
  }) as typeof fetch

  /** Waits for the connection of that number, and advances the time until it is made. */
  async line(number: number): Promise<Line> {
    for (let ms = 0; this.lines.length < number; ms += 10) {
      if (ms > 600_000) throw new Error(`there is no connection ${number}`)
      await vi.advanceTimersByTimeAsync(10)
    }
    return this.lines[number - 1]!
  }
}

let network: Network
let notices: Notice[]
let client: Client
const onNotice = (notice: Notice) => notices.push(notice)

beforeEach(() => {
  vi.useFakeTimers()
  network = new Network()
  notices = []
  client = new Client('http://test/base/', { fetch: network.fetch, random: randomOf(7), token: 'secret' })
})

afterEach(() => {
  vi.useRealTimers()
})

const waits = () => notices.flatMap((notice) => (notice.what === 'broken' ? [notice.retryMs] : []))
const queryOf = (line: Line) => Object.fromEntries(line.url.searchParams)

describe('a watch', () => {
  test('requests the events of its path below the base URL, with its token', async () => {
    const watch = client.watch('/sys/proc/42', { types: ['process.*', 'events.lost'], after: '5' })
    const first = watch.next()
    const line = await network.line(1)
    expect(line.url.pathname).toBe('/base/sys/proc/42')
    expect(queryOf(line)).toEqual({ types: 'process.*,events.lost', after: cursorOf(5) })
    expect(line.headers.get('accept')).toBe('text/event-stream')
    expect(line.headers.get('authorization')).toBe('Bearer secret')
    line.accept(written(eventOf(6)))
    expect((await first).value).toMatchObject({ type: 'process.died', sequence: cursorOf(6) })
    expect(watch.cursor).toBe(cursorOf(6))
    await watch.return()
    expect(line.signal.aborted).toBe(true)
  })

  test('resumes after the last event that it returned, and returns no event twice', async () => {
    const watch = client.watch('/sys', { onNotice })
    const first = watch.next()
    ;(await network.line(1)).accept(written(eventOf(1), eventOf(2), eventOf(2)))
    expect([(await first).value, (await watch.next()).value]).toMatchObject([{ id: cursorOf(1) }, { id: cursorOf(2) }])
    const third = watch.next()
    network.lines[0]!.end()
    const line = await network.line(2)
    expect(queryOf(line)).toEqual({ after: cursorOf(2) })
    line.accept(written(eventOf(1), eventOf(2), eventOf(3)))
    expect((await third).value).toMatchObject({ id: cursorOf(3) })
    expect(notices.map(({ what }) => what)).toEqual(['connected', 'broken', 'connected'])
  })

  test('resumes after the start of the first connection if no event has arrived', async () => {
    const watch = client.watch('/sys')
    void watch.next()
    ;(await network.line(1)).accept(': introspectd\n\n', { cursor: cursorOf(77) }).end()
    expect(queryOf(await network.line(2))).toEqual({ after: cursorOf(77) })
  })

  test('a bookmark advances the cursor, and is returned only with the option bookmarks', async () => {
    const watch = client.watch('/sys', { bookmarks: true })
    const first = watch.next()
    ;(await network.line(1)).accept(written(bookmarkOf(40)))
    expect((await first).value).toMatchObject({ type: 'bookmark', data: { cursor: cursorOf(40) } })
    expect(watch.cursor).toBe(cursorOf(40))

    const silent = client.watch('/sys')
    const next = silent.next()
    ;(await network.line(2)).accept(written(bookmarkOf(50), eventOf(51)))
    expect((await next).value).toMatchObject({ id: cursorOf(51) })
  })

  test('waits longer after each failure, up to five seconds, and starts again after a success', async () => {
    const watch = client.watch('/sys', { onNotice })
    const first = watch.next()
    for (let number = 1; number <= 12; number++) (await network.line(number)).break()
    ;(await network.line(13)).accept(written(eventOf(1)))
    await first
    void watch.next()
    network.lines[12]!.end()
    await network.line(14)
    const random = randomOf(7)
    const bounds = [...Array.from({ length: 12 }, (_, failures) => Math.min(5_000, 250 * 2 ** failures)), 250]
    expect(waits()).toEqual(bounds.map((bound) => Math.floor(random() * bound)))
  })

  test('waits as long as Retry-After says', async () => {
    void client.watch('/sys', { onNotice }).next()
    ;(await network.line(1)).refuse(429, { headers: { 'retry-after': '10' } })
    await network.line(2)
    expect(waits()[0]).toBeGreaterThanOrEqual(10_000)
    expect(waits()[0]).toBeLessThan(10_250)
    network.lines[1]!.refuse(503)
    await network.line(3)
  })

  test.each([400, 401, 403, 404, 406, 414])('a refusal with status %i is thrown and not retried', async (status) => {
    const first = client.watch('/sys').next()
    const thrown = expect(first).rejects.toMatchObject({ name: 'ProblemError', status, problem: { detail: 'no' } })
    ;(await network.line(1)).refuse(status)
    await thrown
    await vi.advanceTimersByTimeAsync(120_000)
    expect(network.lines).toHaveLength(1)
  })

  test('a refusal that is cut off is retried', async () => {
    void client.watch('/sys').next()
    ;(await network.line(1)).refuseInPart(400)
    await network.line(2)
  })

  test('a response that is no event stream is thrown and not retried', async () => {
    const first = client.watch('/sys').next()
    const thrown = expect(first).rejects.toThrow(NotIntrospectdError)
    ;(await network.line(1)).accept('<html>', { type: 'text/html' })
    await thrown
  })

  test('reads the state if its cursor is gone, returns it, and resumes after it', async () => {
    const watch = client.watch('/sys/proc', { after: '5', depth: 2 })
    const first = watch.next()
    ;(await network.line(1)).refuse(410, { extra: { oldest: cursorOf(100) } })
    const list = await network.line(2)
    expect([list.url.pathname, queryOf(list)]).toEqual(['/base/sys/proc', { depth: '2' }])
    list.json({ path: '/sys/proc', entries: [], next: null }, cursorOf(120))
    expect((await first).value).toEqual({
      type: 'state',
      why: 'gone',
      path: '/sys/proc',
      after: cursorOf(5),
      cursor: cursorOf(120),
      body: { path: '/sys/proc', entries: [], next: null },
    })
    const next = watch.next()
    const line = await network.line(3)
    expect(queryOf(line)).toEqual({ after: cursorOf(120) })
    line.accept(written(eventOf(121)))
    expect((await next).value).toMatchObject({ id: cursorOf(121) })
  })

  test('accepts smaller sequences of a restarted service after its state was read', async () => {
    const watch = client.watch('/sys', { after: cursorOf(900) })
    const first = watch.next()
    ;(await network.line(1)).accept(written(eventOf(901)))
    await first
    const state = watch.next()
    network.lines[0]!.end()
    ;(await network.line(2)).refuse(410)
    ;(await network.line(3)).json({ path: '/sys' }, cursorOf(2))
    expect((await state).value).toMatchObject({ type: 'state', after: cursorOf(901), cursor: cursorOf(2) })
    const next = watch.next()
    ;(await network.line(4)).accept(written(eventOf(3)))
    expect((await next).value).toMatchObject({ id: cursorOf(3) })
  })

  test('starts with the state if list is set; for wildcards, with the state of the node above the first', async () => {
    const watch = client.watch('/sys/proc/*/fds', { list: true })
    const first = watch.next()
    const list = await network.line(1)
    expect(list.url.pathname).toBe('/base/sys/proc')
    list.break()
    ;(await network.line(2)).json({ path: '/sys/proc' }, cursorOf(9))
    expect((await first).value).toMatchObject({ type: 'state', why: 'begin', after: null, cursor: cursorOf(9) })
    void watch.next()
    const line = await network.line(3)
    expect([line.url.pathname, queryOf(line)]).toEqual(['/base/sys/proc/*/fds', { after: cursorOf(9) }])
  })

  test('reconnects after 75 s of silence, which a bookmark every 30 s prevents', async () => {
    const watch = client.watch('/sys', { onNotice })
    void watch.next()
    const line = (await network.line(1)).accept()
    for (let minute = 0; minute < 10; minute++) {
      await vi.advanceTimersByTimeAsync(30_000)
      line.send(written(bookmarkOf(minute)))
    }
    expect(notices.map(({ what }) => what)).toEqual(['connected'])
    await vi.advanceTimersByTimeAsync(74_999)
    expect(line.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(line.signal.aborted).toBe(true)
    expect(queryOf(await network.line(2))).toEqual({ after: cursorOf(9) })
  })

  test('gives up a service that accepts the connection and does not reply', async () => {
    void client.watch('/sys', { onNotice }).next()
    const line = await network.line(1)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(line.signal.aborted).toBe(true)
    await network.line(2)
  })

  test('silence does not count while nobody waits for an event', async () => {
    const watch = client.watch('/sys', { onNotice })
    const first = watch.next()
    const line = (await network.line(1)).accept(written(eventOf(1)))
    await first
    await vi.advanceTimersByTimeAsync(600_000)
    expect(line.signal.aborted).toBe(false)
    line.send(written(eventOf(2)))
    expect((await watch.next()).value).toMatchObject({ id: cursorOf(2) })
  })

  test('ends while it waits: by its signal or by return', async () => {
    const ending = new AbortController()
    const next = client.watch('/sys', { signal: ending.signal }).next()
    const line = (await network.line(1)).accept()
    ending.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(line.signal.aborted).toBe(true)

    const watch = client.watch('/sys')
    const waiting = watch.next()
    ;(await network.line(2)).refuse(503, { headers: { 'retry-after': '1000' } })
    await vi.advanceTimersByTimeAsync(1)
    expect(await watch.return()).toEqual({ done: true, value: undefined })
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(network.lines).toHaveLength(2)
  })

  test('leaving the loop closes the connection', async () => {
    const leave = (async () => {
      for await (const event of client.watch('/sys')) return event
      return null
    })()
    const line = (await network.line(1)).accept(written(eventOf(1)))
    expect(await leave).toMatchObject({ id: cursorOf(1) })
    expect(line.signal.aborted).toBe(true)
  })

  test('a durable watch sends its name, starts at its durable cursor, and acknowledges with PUT', async () => {
    const watch = client.watch('/sys', { durable: 'ha 1' })
    const first = watch.next()
    const line = (await network.line(1)).accept('', { cursor: cursorOf(500) })
    expect(queryOf(line)).toEqual({ durable: 'ha 1' })
    // The durable cursor is older than the cursor of the service: only an event shows how far the stream is.
    expect(watch.cursor).toBeNull()
    line.send(written(eventOf(7)))
    await first
    const acknowledged = watch.ack(watch.cursor!)
    const put = await network.line(2)
    expect(put.url.pathname).toBe('/base/subscriptions/ha%201')
    put.json({}, cursorOf(500))
    await acknowledged
    await expect(client.watch('/sys').ack('1')).rejects.toThrow(TypeError)
  })
})

test('a durable watch that was taken over throws and does not reconnect', async () => {
  const first = client.watch('/sys', { durable: 'ha' }).next()
  const thrown = expect(first).rejects.toThrow(TakenOverError)
  const line = (await network.line(1)).accept(': introspectd\n\n')
  line.send(': {"reason":"the durable subscription was taken over, or deleted"}\n\n').end()
  await thrown
  await vi.advanceTimersByTimeAsync(60_000)
  expect(network.lines).toHaveLength(1)
})

test('a problem has the fields that the service sent', async () => {
  const answer = client.put('/sys/proc/42/fds/threshold/hog', { at: 1 }, { ifProcess: 'b-42-1', ifNoneMatch: '*' })
  const thrown = expect(answer).rejects.toThrow(
    new ProblemError(
      { type: 'urn:introspectd:problem:x', title: 'Refused', status: 412, detail: 'gone' },
      { retryAfterMs: null },
    ),
  )
  const line = await network.line(1)
  expect(line.headers.get('if-process')).toBe('b-42-1')
  expect(line.headers.get('if-none-match')).toBe('*')
  expect(line.headers.get('content-type')).toBe('application/json')
  line.refuse(412, { detail: 'gone' })
  await thrown
})
