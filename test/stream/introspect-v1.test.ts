/** Tests the subprotocol `introspect.v1`. The helper `frames` checks every received frame against its schema. */

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import * as seen from '../../src/kernel/observations.ts'
import { ServerFrame } from '../../src/stream/frames.ts'
import { Service, type Watcher } from '../support/service.ts'

let service: Service

beforeEach(async () => {
  service = await new Service().start()
})

afterEach(() => service.stop())

const connect = async (path = '/sys') => {
  const watcher = await service.watch(path, ['introspect.v1'])
  expect(watcher.socket.protocol).toBe('introspect.v1')
  return watcher
}

const send = ({ socket }: Watcher, frame: unknown) =>
  socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))

const frames = ({ frames }: Watcher) => frames.map((text) => ServerFrame.parse(JSON.parse(text)))

/** Waits until `count` frames have arrived, and returns them. */
async function received(watcher: Watcher, count: number) {
  await watcher.until(count)
  return frames(watcher)
}

const cursor = async () => (await service.get('/sys')).headers.get('introspect-cursor')!

describe('subscribing', () => {
  test('each subscription has its own path and types, and events carry its id', async () => {
    const watcher = await connect()
    const at = await cursor()
    send(watcher, { type: 'subscribe', id: 'births', path: '/sys/proc/*', types: ['process.created'] })
    send(watcher, { type: 'subscribe', id: 'all' })
    await watcher.until(2)
    const process = service.bench.process(42)
    service.bench.thread(process, 42)
    const [births, all, ...events] = await received(watcher, 5)
    expect([births, all]).toEqual([
      { type: 'subscribed', id: 'births', path: '/sys/proc/*', cursor: at, snapshot: false },
      { type: 'subscribed', id: 'all', path: '/sys', cursor: at, snapshot: false },
    ])
    const said = events.flatMap((frame) => (frame.type === 'event' ? [`${frame.id} ${frame.event.type}`] : []))
    expect(said.sort()).toEqual(['all process.created', 'all thread.created', 'births process.created'])
  })

  test('subscribed reports the canonical path of an alias; the default path is that of the connection', async () => {
    service.bench.process(42, { partition: ['web'] })
    const watcher = await connect('/sys/part/web')
    send(watcher, { type: 'subscribe', id: 'a' })
    send(watcher, { type: 'subscribe', id: 'b', path: '/sys/part/web/proc/42' })
    expect(await received(watcher, 2)).toMatchObject([{ path: '/sys/part/web' }, { path: '/sys/proc/42' }])
  })

  test('each subscription resumes after its own cursor; a cursor that is too old is refused alone', async () => {
    const watcher = await connect()
    const at = await cursor()
    service.bench.process(1)
    service.bench.process(2)
    send(watcher, { type: 'subscribe', id: 'old', after: '7' })
    send(watcher, { type: 'subscribe', id: 'resumed', after: at })
    const [gone, , ...events] = await received(watcher, 4)
    expect(gone).toMatchObject({
      type: 'error',
      id: 'old',
      problem: { status: 410, type: 'urn:introspectd:problem:cursor-gone', oldest: at },
    })
    expect(events).toMatchObject([
      { type: 'event', id: 'resumed', event: { subject: '/sys/proc/1' } },
      { type: 'event', id: 'resumed', event: { subject: '/sys/proc/2' } },
    ])
  })

  test('a snapshot is followed by a bookmark and then by live events', async () => {
    const process = service.bench.process(42)
    service.bench.thread(process, 43)
    const at = await cursor()
    const watcher = await connect()
    send(watcher, { type: 'subscribe', id: 's', path: '/sys/proc', snapshot: true })
    await watcher.until(4)
    service.bench.process(44)
    const [subscribed, first, second, bookmark, event] = await received(watcher, 5)
    expect(subscribed).toMatchObject({ type: 'subscribed', cursor: at, snapshot: true })
    expect([first, second]).toMatchObject([
      { type: 'event', id: 's', event: { type: 'snapshot.node', subject: '/sys/proc/42', data: { pid: 42 } } },
      {
        type: 'event',
        id: 's',
        event: { type: 'snapshot.node', subject: '/sys/proc/42/thread/43', data: { tid: 43 } },
      },
    ])
    expect(bookmark).toMatchObject({ type: 'bookmark', id: 's', cursor: at })
    expect(event).toMatchObject({ type: 'event', event: { type: 'process.created', subject: '/sys/proc/44' } })
  })

  test('unsubscribing is confirmed, ends the events, and frees the id', async () => {
    const watcher = await connect()
    send(watcher, { type: 'subscribe', id: 'a' })
    send(watcher, { type: 'unsubscribe', id: 'a' })
    await watcher.until(2)
    service.bench.process(1)
    send(watcher, { type: 'subscribe', id: 'a' })
    const types = (await received(watcher, 3)).map(({ type }) => type)
    expect(types).toEqual(['subscribed', 'unsubscribed', 'subscribed'])
    watcher.socket.close()
    await service.untilStreams(0)
  })

  test('a bookmark has the cursor of the subscription that is furthest behind', async () => {
    const watcher = await connect()
    send(watcher, { type: 'subscribe', id: 'a', path: '/sys/fds' })
    await watcher.until(1)
    service.bench.process(1)
    const at = await cursor()
    service.app.hub.bookmarkAll()
    expect((await received(watcher, 2)).at(-1)).toEqual({ type: 'bookmark', cursor: at, scanAge: '12ms' })
  })
})

describe('refusing frames', () => {
  const problem = (status: number, detail: RegExp | string = /./) => ({
    type: 'error',
    problem: {
      status,
      detail: expect.stringMatching(detail),
      title: expect.any(String),
      type: expect.stringMatching(/^urn:introspectd:problem:/),
    },
  })

  test.each([
    ['a text that is not JSON', 'hello', 400, /JSON/],
    ['a JSON array', '[]', 400, /./],
    ['a frame without a type', { id: 'a' }, 400, /type/],
    ['a frame of an unknown type', { type: 'shout', id: 'a' }, 400, /type/],
    ['an unknown field', { type: 'subscribe', id: 'a', colour: 'red' }, 400, /colour/],
    ['a missing id', { type: 'subscribe' }, 400, /id/],
    ['a malformed cursor', { type: 'subscribe', id: 'a', after: 'x' }, 400, /cursor/],
    ['an unknown event type', { type: 'subscribe', id: 'a', types: ['deadlok.*'] }, 400, /did you mean deadlock/],
    ['a path that does not exist', { type: 'subscribe', id: 'a', path: '/sys/proc/99' }, 404, /does not exist/],
    ['a path without a leading slash', { type: 'subscribe', id: 'a', path: 'sys' }, 404, /./],
    ['a malformed pattern', { type: 'subscribe', id: 'a', path: '/sys/proc/4*' }, 400, /segment/],
    ['an unsubscribe with an unknown id', { type: 'unsubscribe', id: 'a' }, 404, /no subscription a/],
    ['an ack without a durable subscription', { type: 'ack', cursor: '1' }, 409, /durable/],
  ] as const)('%s is refused with an error frame and changes nothing', async (_, frame, status, detail) => {
    const watcher = await connect()
    send(watcher, frame)
    send(watcher, { type: 'subscribe', id: 'works' })
    const [error, subscribed] = await received(watcher, 2)
    expect(error).toMatchObject(problem(status, detail))
    expect(subscribed).toMatchObject({ type: 'subscribed', id: 'works' })
  })

  test('a duplicate id and one subscription too many are refused', async () => {
    const watcher = await connect()
    for (let count = 0; count < bounds.subscriptionsPerConnectionMax; count++)
      send(watcher, { type: 'subscribe', id: `s${count}` })
    send(watcher, { type: 'subscribe', id: 's0' })
    send(watcher, { type: 'subscribe', id: 'more' })
    const answers = await received(watcher, bounds.subscriptionsPerConnectionMax + 2)
    expect(answers.slice(-2)).toMatchObject([
      { ...problem(409, 's0'), id: 's0' },
      { ...problem(429), id: 'more' },
    ])
  })

  test('ten malformed frames close the connection with 1008', async () => {
    const watcher = await connect()
    for (let count = 0; count < bounds.badFramesMax; count++) send(watcher, 'hello')
    expect(await watcher.closed).toMatchObject({ code: 1008 })
    expect(frames(watcher)).toHaveLength(bounds.badFramesMax)
  })

  test('subscription parameters in the URL are refused before the upgrade', async () => {
    for (const query of ['types=process.*', 'after=1', 'snapshot=true'])
      expect(await service.refusedUpgrade(`/sys?${query}`, { protocols: ['introspect.v1'] })).toMatchObject({
        status: 400,
      })
    expect(await service.refusedUpgrade('/sys/proc/x', { protocols: ['introspect.v1'] })).toMatchObject({ status: 404 })
  })

  test('arbitrary input is answered with valid frames or a clean close', async () => {
    const Value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('subscribe', 'unsubscribe', 'ack', '/sys', '/sys/proc/*', '1', 'a'),
    )
    const Frame = fc.oneof(
      fc.string(),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc
        .dictionary(fc.constantFrom('type', 'id', 'path', 'types', 'after', 'cursor', 'snapshot', 'x'), Value)
        .map((value) => JSON.stringify(value)),
      fc.uint8Array(),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(Frame, { maxLength: 15 }), async (sent) => {
        const watcher = await connect()
        for (const frame of sent) watcher.socket.send(frame)
        watcher.socket.close(1000)
        const { code } = await watcher.closed
        expect([1000, 1008]).toContain(code)
        frames(watcher)
      }),
      { numRuns: 60 },
    )
    expect((await service.get('/sys')).status).toBe(200)
  })
})

describe('a durable connection', () => {
  test('resumes all its subscriptions after the acknowledged cursor', async () => {
    const first = await connect('/sys?durable=ha-1')
    send(first, { type: 'subscribe', id: 'a' })
    await first.until(1)
    for (const pid of [1, 2, 3]) service.bench.process(pid)
    const events = (await received(first, 4)).flatMap((frame) => (frame.type === 'event' ? [frame.event.id] : []))
    send(first, { type: 'ack', cursor: events[1] })
    send(first, { type: 'ack', cursor: events[0] })
    send(first, { type: 'ack', cursor: '9999999999999999' })
    expect((await received(first, 5)).at(-1)).toMatchObject({
      type: 'error',
      problem: { status: 409, detail: expect.stringContaining(events[2]!) },
    })
    first.socket.terminate()
    await service.untilStreams(0)
    service.bench.process(4)
    const second = await connect('/sys?durable=ha-1')
    send(second, { type: 'subscribe', id: 'a' })
    const [subscribed, ...rest] = await received(second, 3)
    expect(subscribed).toMatchObject({ type: 'subscribed', cursor: events[1] })
    expect(rest).toMatchObject([{ event: { subject: '/sys/proc/3' } }, { event: { subject: '/sys/proc/4' } }])
  })

  test('belongs to the newest connection: the previous one is closed with 4409', async () => {
    const first = await connect('/sys?durable=ha-1')
    await connect('/sys?durable=ha-1')
    expect(await first.closed).toMatchObject({ code: 4409 })
    expect((await service.get('/subscriptions/ha-1')).body).toMatchObject({ connected: true })
  })

  test('receives the end of a process that no longer exists', async () => {
    const process = service.bench.process(42)
    const first = await connect('/sys?durable=ha-1')
    first.socket.terminate()
    await service.untilStreams(0)
    const { bench } = service
    bench.at(() => seen.processEnded(bench.kernel, process, { code: 0, signal: null }))
    const second = await connect('/sys?durable=ha-1')
    send(second, { type: 'subscribe', id: 'a', path: '/sys/proc/42' })
    expect((await received(second, 2)).at(-1)).toMatchObject({ event: { type: 'process.died' } })
  })
})
