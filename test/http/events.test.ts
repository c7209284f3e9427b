/** The event history with its pages, and durable subscriptions with their cursors. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Token } from '../../src/http/security/gate.ts'
import { parseTokens } from '../../src/http/security/gate.ts'
import { type CloudEvent, Service } from '../support/service.ts'

let service: Service

const begin = async (tokens: readonly Token[] | null = null) => {
  service = await new Service({ tokens }).start()
  for (let pid = 1; pid <= 10; pid++) service.bench.process(pid)
  service.bench.thread(service.bench.kernel.process(1), 1)
}

afterEach(() => service.stop())

interface Page {
  readonly events: CloudEvent[]
  readonly cursor: string
  readonly oldest: string
  readonly next: string | null
}

const page = async (path: string) => (await service.get(path)).body as unknown as Page

describe('/events', () => {
  beforeEach(() => begin())

  test('returns all stored events, the same as a stream sends them, and a cursor to continue from', async () => {
    const { headers, body } = await service.get('/events')
    const { events, cursor, oldest, next } = body as unknown as Page
    const watcher = await service.watch(`/sys?after=${oldest}`)
    expect(events).toEqual(await watcher.until(11))
    expect([events.length, next, cursor]).toEqual([11, null, events.at(-1)!.id])
    expect(headers.get('introspect-cursor')).toBe(cursor)
    expect(await page(`/events?after=${cursor}`)).toMatchObject({ events: [], cursor, next: null })
    service.bench.process(99)
    expect(await page(`/events?after=${cursor}`)).toMatchObject({ events: [{ subject: '/sys/proc/99' }] })
  })

  test('returns pages that follow one another without gap or duplicate', async () => {
    const whole = await page('/events')
    const found: CloudEvent[] = []
    let next: string | null = '/events?limit=3'
    while (next !== null) {
      const response: Response = await service.fetch(next)
      const one = (await response.json()) as Page
      expect(one.events.length).toBeLessThanOrEqual(3)
      expect(response.headers.get('link')).toBe(one.next === null ? null : `<${one.next}>; rel="next"`)
      found.push(...one.events)
      ;({ next } = one)
    }
    expect(found).toEqual(whole.events)
  })

  test('filters by path and by type, also for nodes that have ended', async () => {
    const subjects = async (query: string) =>
      (await page(`/events?${query}`)).events.map(({ type, subject }) => `${type} ${subject}`)
    expect(await subjects('path=/sys/proc/1')).toEqual([
      'process.created /sys/proc/1',
      'thread.created /sys/proc/1/thread/1',
    ])
    expect(await subjects('path=/sys/proc/*/thread/*')).toEqual(['thread.created /sys/proc/1/thread/1'])
    expect(await subjects('types=thread.*')).toEqual(['thread.created /sys/proc/1/thread/1'])
    expect(await subjects('path=/sys/proc/77')).toEqual([])
  })

  test('returns lines of NDJSON', async () => {
    const response = await service.fetch('/events?limit=2', { headers: { accept: 'application/x-ndjson' } })
    expect(response.headers.get('content-type')).toMatch(/^application\/x-ndjson/)
    expect(response.headers.get('link')).toContain('rel="next"')
    const lines = (await response.text()).trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as CloudEvent).subject)).toEqual(['/sys/proc/1', '/sys/proc/2'])
    expect((await service.fetch('/events?format=ndjson')).headers.get('content-type')).toMatch(/^application\/x-ndjson/)
  })

  test.each([
    ['after=1', 410],
    ['after=99999999999999999', 410],
    ['after=x', 400],
    ['path=/sys/fdz', 404],
    ['path=sys', 404],
    ['types=deadlok.*', 400],
    ['limit=0', 400],
    ['limit=1000000', 400],
    ['colour=red', 400],
    ['limit=1&limit=2', 400],
  ])('%s is %i', async (query, status) => {
    const answer = await service.get(`/events?${query}`)
    expect(answer).toMatchObject({ status, body: { status } })
    if (status === 410) expect(answer.body.oldest).toBe((await page('/events')).oldest)
  })

  test('refuses other methods and other forms', async () => {
    const refused = await service.send('POST', '/events', {})
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(await service.get('/events', { accept: 'image/png' })).toMatchObject({ status: 406 })
  })
})

describe('/subscriptions', () => {
  test('are created, moved, listed and deleted', async () => {
    await begin()
    const { cursor } = await page('/events')
    const made = await service.put('/subscriptions/ha-1', { cursor })
    expect([made.status, made.headers.get('location')]).toEqual([201, '/subscriptions/ha-1'])
    expect(made.body).toEqual({
      path: '/subscriptions/ha-1',
      name: 'ha-1',
      owner: null,
      cursor,
      behind: 0,
      gone: false,
      connected: false,
      kept: 'memory',
      created: '2023-11-14T22:13:20.000Z',
      acknowledged: null,
    })
    service.bench.process(11)
    expect((await service.get('/subscriptions/ha-1')).body).toMatchObject({ behind: 1 })
    const moved = await service.put('/subscriptions/ha-1', { cursor: '1' })
    expect(moved).toMatchObject({ status: 200, body: { gone: true, acknowledged: '2023-11-14T22:13:20.000Z' } })
    expect((await service.get('/subscriptions')).body).toEqual({
      path: '/subscriptions',
      entries: [moved.body],
      next: null,
    })
    expect((await service.send('DELETE', '/subscriptions/ha-1')).status).toBe(204)
    expect((await service.send('DELETE', '/subscriptions/ha-1')).status).toBe(404)
  })

  test.each([
    ['PUT', '/subscriptions/x', { cursor: 'x' }, 400],
    ['PUT', '/subscriptions/x', {}, 400],
    ['PUT', '/subscriptions/x', undefined, 400],
    ['PUT', '/subscriptions/x', { cursor: '1', more: 1 }, 400],
    ['PUT', '/subscriptions/a%20b', { cursor: '1' }, 400],
    ['PUT', '/subscriptions/x', { cursor: '99999999999999999' }, 409],
    ['PUT', '/subscriptions/x?y=1', { cursor: '1' }, 400],
    ['GET', '/subscriptions/x', undefined, 404],
    ['POST', '/subscriptions/x', {}, 405],
    ['POST', '/subscriptions', {}, 405],
    ['GET', '/subscriptions?x=1', undefined, 400],
  ])('%s %s with %j is answered %i, and nothing has changed', async (method, path, body, status) => {
    await begin()
    expect(await service.send(method, path, body)).toMatchObject({ status, body: { status } })
    expect((await service.get('/subscriptions')).body.entries).toEqual([])
  })

  test('belong to the token that created them; the role control may move and delete them too', async () => {
    const secret = (name: string) => `${name}-0123456789abcdef`
    await begin(parseTokens(['a read', 'b read', 'c control'].map((line) => `${line} ${secret(line[0]!)}`).join('\n')))
    const as = (name: string) => ({ authorization: `Bearer ${secret(name)}` })
    const { cursor } = (await service.get('/events', as('a'))).body as unknown as Page
    expect(await service.put('/subscriptions/mine', { cursor }, as('a'))).toMatchObject({
      status: 201,
      body: { owner: 'a' },
    })
    expect(await service.put('/subscriptions/mine', { cursor }, as('b'))).toMatchObject({ status: 403 })
    expect(await service.send('DELETE', '/subscriptions/mine', undefined, as('b'))).toMatchObject({ status: 403 })
    expect(await service.get('/sys?durable=mine', { ...as('b'), accept: 'text/event-stream' })).toMatchObject({
      status: 403,
    })
    expect(await service.get('/subscriptions/mine', as('b'))).toMatchObject({ status: 200 })
    expect(await service.get('/events')).toMatchObject({ status: 401 })
    expect(await service.put('/subscriptions/mine', { cursor }, as('c'))).toMatchObject({
      status: 200,
      body: { owner: 'a' },
    })
    expect(await service.send('DELETE', '/subscriptions/mine', undefined, as('c'))).toMatchObject({ status: 204 })
  })
})
