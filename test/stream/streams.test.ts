/** Tests streams with one subscription, over WebSockets and as server-sent events. */

import { connect } from 'node:net'
import { EventSource } from 'eventsource'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { eventTypes } from '../../src/kernel/events.ts'
import * as seen from '../../src/kernel/observations.ts'
import { checkFrame } from '../support/contract/violations.ts'
import { type CloudEvent, Service } from '../support/service.ts'
import { readUntil, until } from '../support/until.ts'

let service: Service

beforeEach(async () => {
  service = await new Service().start()
})

afterEach(() => service.stop())

/** Reads a stream of server-sent events until its text matches. */
async function sseText(path: string, until: RegExp, headers: Record<string, string> = {}): Promise<string> {
  const response = await service.fetch(path, { headers: { accept: 'text/event-stream', ...headers } })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const text = await readUntil(reader, (read) => until.test(read))
  await reader.cancel()
  return text
}

const subjects = (events: readonly { type: string; subject: string }[]) =>
  events.map(({ type, subject }) => `${type} ${subject}`)

describe('over a WebSocket', () => {
  test('a path receives the CloudEvents whose subject or about is at or below it', async () => {
    const { bench } = service
    bench.process(42, { partition: ['web'] })
    const [all, web, process, threshold, other] = await Promise.all(
      ['/sys', '/sys/part/web', '/sys/proc/42', '/sys/fds', '/sys/memory'].map((path) =>
        service.watch(path, ['cloudevents.json']),
      ),
    )
    bench.put(bench.kernel.system, 'fds', 'each', { at: 100, per: 'process', note: 'why' })
    bench.observe(bench.kernel.process(42), 'fds', 120)
    bench.process(4)
    await Promise.all([all!.until(2), web!.until(1), process!.until(1), threshold!.until(1)])
    const [event] = await all!.until(2)
    expect(event).toMatchObject({
      specversion: '1.0',
      source: expect.stringMatching(/^\/net\//),
      type: 'threshold.tripped',
      subject: '/sys/proc/42/fds',
      about: '/sys/fds/threshold/each,/sys/part/web',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      data: {
        threshold: '/sys/fds/threshold/each',
        limit: 'fds',
        value: 120,
        at: 100,
        direction: 'rising',
        initial: true,
        note: 'why',
      },
    })
    expect(event!.id).toBe(event!.sequence)
    expect(subjects(all!.events)).toEqual(['threshold.tripped /sys/proc/42/fds', 'process.created /sys/proc/4'])
    for (const watcher of [web, process, threshold]) expect(watcher!.events).toEqual([event])
    expect(other!.events).toEqual([])
    expect(all!.socket.protocol).toBe('cloudevents.json')
  })

  test('a subscription to an alias receives the events of its target', async () => {
    service.bench.process(42, { partition: ['web'] })
    const watcher = await service.watch('/sys/part/web/proc/42')
    const { bench } = service
    bench.at(() => seen.processEnded(bench.kernel, bench.kernel.process(42), { code: null, signal: 'SIGKILL' }))
    expect(await watcher.until(1)).toMatchObject([{ type: 'process.died', data: { signal: 'SIGKILL', code: null } }])
  })

  test('types selects events by name or by prefix', async () => {
    const watcher = await service.watch('/sys?types=process.*,threshold.tripped')
    const process = service.bench.process(42)
    service.bench.thread(process, 42)
    service.bench.process(43)
    await watcher.until(2)
    expect(subjects(watcher.events)).toEqual(['process.created /sys/proc/42', 'process.created /sys/proc/43'])
  })

  test.each([
    ['deadlok.*', 'there is no event deadlok.*; did you mean deadlock.*?'],
    ['process.died,threshold.triped', 'there is no event threshold.triped; did you mean threshold.tripped?'],
    ['deadlock.warn', 'there is no event deadlock.warn; did you mean deadlock.warning?'],
    ['metrics.*', `there is no event metrics.*; there are ${eventTypes.map(({ type }) => type).join(', ')}`],
  ])('types=%s is refused for WebSockets and server-sent events, since no such event exists', async (types, detail) => {
    const path = `/sys?types=${types}`
    const refused = await service.refusedUpgrade(path)
    const stream = await service.get(path, { accept: 'text/event-stream' })
    for (const { status, body } of [refused, stream]) {
      expect([status, body.type]).toEqual([400, 'urn:introspectd:problem:invalid-query'])
      expect(body.errors).toEqual([{ parameter: 'types', detail }])
    }
    expect(service.app.hub.size).toBe(0)
  })

  test('types accepts the names of stream messages such as bookmark', async () => {
    const watcher = await service.watch('/sys?types=bookmark,error,*')
    service.bench.process(42)
    expect(await watcher.until(1)).toMatchObject([{ type: 'process.created' }])
  })

  test('after replays the events since a cursor and goes live without gap or duplicate', async () => {
    const { bench } = service
    const cursor = (await service.get('/sys')).headers.get('introspect-cursor')
    for (let pid = 1; pid <= 500; pid++) bench.process(pid)
    const watcher = await service.watch(`/sys?after=${cursor}`)
    for (let pid = 501; pid <= 600; pid++) bench.process(pid)
    await watcher.until(600)
    const sequences = watcher.events.map(({ sequence }) => Number(sequence))
    expect(sequences).toEqual([...Array(600).keys()].map((place) => Number(cursor) + 1 + place))
  })

  test('sequences start at wall-clock µs, and an old cursor is closed with 4410 and the oldest', async () => {
    expect((await service.get('/sys')).headers.get('introspect-cursor')).toBe('00001699999999999999')
    const watcher = await service.watch('/sys?after=1047')
    const { code, reason } = await watcher.closed
    expect([code, JSON.parse(reason)]).toEqual([4410, { reason: 'gone', oldest: '00001699999999999999' }])
  })

  test('a wrong request is refused before the upgrade', async () => {
    for (const [path, options, status] of [
      ['/sys/proc/99', {}, 404],
      ['/livez', {}, 400],
      ['/nothing', {}, 400],
      ['/sys?after=x', {}, 400],
      ['/sys?format=json', {}, 400],
      ['/sys?types=Process', {}, 400],
      ['/sys', { protocols: ['mqtt'] }, 400],
    ] as const) {
      const answer = await service.refusedUpgrade(path, {
        ...options,
        protocols: [...('protocols' in options ? options.protocols : [])],
      })
      expect([path, answer.status]).toEqual([path, status])
      expect(answer.body).toMatchObject({ status, type: expect.stringMatching(/^urn:introspectd:problem:/) })
    }
    const watcher = await service.watch('/sys', ['mqtt', 'cloudevents.json'])
    expect(watcher.socket.protocol).toBe('cloudevents.json')
  })

  test('unexpected frames are answered with errors, and too many close the connection with 1008', async () => {
    const watcher = await service.watch('/sys')
    for (let count = 0; count <= bounds.badFramesMax; count++) watcher.socket.send('hello')
    expect(await watcher.closed).toMatchObject({ code: 1008 })
    expect(watcher.events).toHaveLength(bounds.badFramesMax)
    expect(watcher.events[0]).toMatchObject({ type: 'error', data: { status: 400 } })
  })

  test('a frame that is too large closes the connection with 1009, and bytes that are no frame end it', async () => {
    const large = await service.watch('/sys')
    large.socket.send(Buffer.alloc(bounds.frameBytesMax + 1))
    expect(await large.closed).toMatchObject({ code: 1009 })
    const raw = connect(service.port, '127.0.0.1')
    raw.write(
      `GET /sys HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    )
    const ended = new Promise((resolve) => raw.once('close', resolve))
    raw.once('data', () => raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff])))
    await ended
    expect((await service.get('/sys')).status).toBe(200)
  })

  test('a bookmark carries the cursor and the age of the last scan', async () => {
    const watcher = await service.watch('/sys/proc')
    service.bench.process(1)
    service.app.hub.bookmarkAll()
    const [, bookmark] = await watcher.until(2)
    const cursor = (await service.get('/sys')).headers.get('introspect-cursor')
    expect(bookmark).toMatchObject({ id: `bookmark-${cursor}`, type: 'bookmark', data: { cursor, scanAge: '12ms' } })
    expect(bookmark).not.toHaveProperty('sequence')
  })

  test('shutting down sends a bookmark and closes with 1001', async () => {
    const watcher = await service.watch('/sys')
    const closing = service.app.close()
    expect(await watcher.closed).toMatchObject({ code: 1001 })
    expect(watcher.events.at(-1)).toMatchObject({ type: 'bookmark' })
    await closing
  })

  test('the connection of a client that disappears is removed', async () => {
    const watcher = await service.watch('/sys')
    expect(service.app.hub.size).toBe(1)
    watcher.socket.terminate()
    await service.untilStreams(0)
  })
})

describe('over server-sent events', () => {
  test('events have their cursor as id, and Last-Event-ID resumes after it', async () => {
    const source = new EventSource(`${service.url}/sys?types=process.*`)
    const ids: string[] = []
    source.onmessage = ({ data, lastEventId }) => {
      expect((JSON.parse(data) as { id: string }).id).toBe(lastEventId)
      ids.push(lastEventId)
    }
    await new Promise((resolve) => {
      source.onopen = resolve
    })
    for (let pid = 1; pid <= 3; pid++) service.bench.process(pid)
    await until(
      () => ids,
      ({ length }) => length >= 3,
    )
    source.close()
    service.bench.process(4)
    const resumed = await service.fetch('/sys', { headers: { accept: 'text/event-stream', 'last-event-id': ids[1]! } })
    expect(resumed.headers.get('content-type')).toBe('text/event-stream')
    const reader = resumed.body!.pipeThrough(new TextDecoderStream()).getReader()
    const text = await readUntil(reader, (read) => read.includes('/sys/proc/4'))
    await reader.cancel()
    expect(text.match(/^id: \d{20}$/gm)).toHaveLength(2)
    expect(text).not.toContain('event:')
  })

  test('an old cursor is answered 410 with the oldest, a malformed one 400', async () => {
    const headers = { accept: 'text/event-stream' }
    expect(await service.get('/sys?after=1', headers)).toMatchObject({
      status: 410,
      body: { oldest: '00001699999999999999' },
    })
    expect(await service.get('/sys?after=1x', headers)).toMatchObject({ status: 400 })
    expect(await service.get('/sys/proc/99', headers)).toMatchObject({ status: 404 })
    expect((await service.fetch('/sys', { method: 'HEAD', headers })).headers.get('content-type')).toBe(
      'text/event-stream',
    )
  })

  test('neither caches nor proxies may store or compress the stream', async () => {
    const { headers, body } = await service.fetch('/sys', { headers: { accept: 'text/event-stream' } })
    await body!.cancel()
    expect(headers.get('cache-control')).toBe('no-store, no-transform')
  })

  test.each(['lastEventId', 'Last-Event-ID'])('%s in the query resumes, and wins over after', async (name) => {
    const first = (await service.get('/sys')).headers.get('introspect-cursor')!
    service.bench.process(1)
    const second = (await service.get('/sys')).headers.get('introspect-cursor')!
    service.bench.process(2)
    const text = await sseText(`/sys?after=${first}&${name}=${second}`, /proc\/2/)
    expect(text).not.toContain('/sys/proc/1')
    // Polyfills send an empty id before the first event.
    expect(await sseText(`/sys?after=${first}&${name}=`, /proc\/2/)).toContain('/sys/proc/1')
    expect(await service.get(`/sys?${name}=x`, { accept: 'text/event-stream' })).toMatchObject({
      status: 400,
      body: { errors: [{ parameter: name }] },
    })
  })

  test('the header Last-Event-ID wins over lastEventId in the query', async () => {
    const first = (await service.get('/sys')).headers.get('introspect-cursor')!
    service.bench.process(1)
    const second = (await service.get('/sys')).headers.get('introspect-cursor')!
    service.bench.process(2)
    expect(await sseText(`/sys?lastEventId=${first}`, /proc\/2/, { 'last-event-id': second })).not.toContain('proc/1')
  })

  test('with gone=restart an EventSource whose cursor is gone gets events.lost, and then the present', async () => {
    // Some types only, because an EventSource that filters must know of the gap as well.
    const source = new EventSource(`${service.url}/sys/proc?types=process.created&gone=restart&after=5`)
    const received: { id: string; event: CloudEvent }[] = []
    source.onmessage = ({ data, lastEventId }) => received.push({ id: lastEventId, event: JSON.parse(data) })
    await until(
      () => received,
      ({ length }) => length === 1,
    )
    const now = (await service.get('/sys')).headers.get('introspect-cursor')!
    service.bench.process(1)
    await until(
      () => received,
      ({ length }) => length === 2,
    )
    source.close()
    const [lost, created] = received
    checkFrame(lost!.event)
    expect(lost).toMatchObject({ id: now, event: { type: 'events.lost', subject: '/sys/proc', data: { cursor: now } } })
    expect(lost!.event.data.why).toContain('the cursor 00000000000000000005')
    expect(created).toMatchObject({ event: { type: 'process.created', subject: '/sys/proc/1' } })
  })

  test('gone=restart changes nothing for a cursor that can be resumed, and works on a WebSocket', async () => {
    const first = (await service.get('/sys')).headers.get('introspect-cursor')!
    service.bench.process(1)
    const resumed = await service.watch(`/sys?after=${first}&gone=restart`)
    expect(subjects(await resumed.until(1))).toEqual(['process.created /sys/proc/1'])
    const restarted = await service.watch('/sys?after=5&gone=restart')
    expect(subjects(await restarted.until(1))).toEqual(['events.lost /sys'])
    expect(await service.refusedUpgrade('/sys?gone=perhaps')).toMatchObject({ status: 400 })
  })

  test('shutting down ends the stream', async () => {
    const response = await service.fetch('/sys', { headers: { accept: 'text/event-stream' } })
    const text = response.text()
    await service.app.close()
    expect(await text).toContain('bookmark-')
  })
})
