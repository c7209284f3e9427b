/** Tests the start of a stream: snapshots, durable cursors and path patterns, over WebSockets and SSE. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import * as seen from '../../src/kernel/observations.ts'
import { type CloudEvent, Service } from '../support/service.ts'
import { readUntil, until } from '../support/until.ts'

let service: Service

beforeEach(async () => {
  service = await new Service().start()
})

afterEach(() => service.stop())

const said = (events: readonly CloudEvent[]) => events.map(({ type, subject }) => `${type} ${subject}`)

const cursor = async () => (await service.get('/sys')).headers.get('introspect-cursor')!

/** Reads the first `count` events of a stream of server-sent events, with their ids. */
async function readSse(path: string, count: number, headers: Record<string, string> = {}) {
  const response = await service.fetch(path, { headers: { accept: 'text/event-stream', ...headers } })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const text = await readUntil(reader, (read) => (read.match(/^data: .*\n\n/gm) ?? []).length >= count)
  await reader.cancel()
  return [...text.matchAll(/(?:id: (\d+)\n)?data: (.*)\n\n/g)].map(([, id, data]) => ({
    id,
    event: JSON.parse(data!) as CloudEvent,
  }))
}

const end = (pid: number) => {
  const { bench } = service
  bench.at(() => seen.processEnded(bench.kernel, bench.kernel.process(pid), { code: 0, signal: null }))
}

describe('with a snapshot', () => {
  test('every node below the path is sent, then a bookmark, then live events', async () => {
    const process = service.bench.process(42, { partition: ['web'] })
    service.bench.thread(process, 43)
    const at = await cursor()
    const watcher = await service.watch('/sys?snapshot=true')
    await watcher.until(({ type }) => type === 'bookmark')
    end(42)
    await watcher.until(({ type }) => type === 'process.died')
    expect(said(watcher.events)).toEqual([
      'snapshot.node /sys',
      'snapshot.node /sys/part/web',
      'snapshot.node /sys/proc/42',
      'snapshot.node /sys/proc/42/thread/43',
      'bookmark /sys',
      'thread.died /sys/proc/42/thread/43',
      'process.died /sys/proc/42',
    ])
    const [, , node, , bookmark] = watcher.events
    expect(node).toMatchObject({
      specversion: '1.0',
      id: `snapshot-${at}-3`,
      data: { path: '/sys/proc/42', pid: 42, partition: '/sys/part/web' },
    })
    expect(node).not.toHaveProperty('sequence')
    expect(bookmark).toMatchObject({ data: { cursor: at } })
    expect(new Set(watcher.events.map(({ id }) => id)).size).toBe(watcher.events.length)
  })

  test.each([
    ['/sys/part/web', ['/sys/part/web', '/sys/proc/42', '/sys/proc/42/thread/43']],
    ['/sys/proc/42/fds', ['/sys/proc/42/fds']],
    ['/sys/proc/*/fds', ['/sys/proc/42/fds', '/sys/proc/44/fds']],
    ['/sys/proc/*/thread/*', ['/sys/proc/42/thread/43']],
    ['/sys/part/web/proc', ['/sys/proc/42', '/sys/proc/42/thread/43']],
    ['/sys/fds', ['/sys/fds', '/sys/fds/threshold/x']],
    ['/sys/deadlocks', []],
  ])('a snapshot of %s contains the matching nodes', async (path, nodes) => {
    const { bench } = service
    bench.thread(bench.process(42, { partition: ['web'] }), 43)
    bench.process(44)
    bench.put(bench.kernel.system, 'fds', 'x', { at: 100 })
    const watcher = await service.watch(`${path}?snapshot`)
    await watcher.until(({ type }) => type === 'bookmark')
    const found = watcher.events.filter(({ type }) => type === 'snapshot.node').map(({ subject }) => subject)
    expect(found).toEqual(nodes)
  })

  test('a node is sent as GET reports it', async () => {
    service.bench.process(42)
    const watcher = await service.watch('/sys/proc/42?snapshot=true')
    const [node] = await watcher.until(1)
    expect(node!.data).toEqual((await service.get('/sys/proc/42')).body)
  })

  test('a snapshot larger than the queue arrives whole at a client that reads late', async () => {
    const name = 'x'.repeat(10_000)
    for (let pid = 1; pid <= 1_000; pid++) service.bench.process(pid, { name })
    const watcher = await service.watch('/sys/proc?snapshot=true')
    watcher.socket.pause()
    service.bench.process(1_001)
    const [connection] = service.app.hub.connections()
    await until(
      () => connection!.queuedBytes,
      (bytes) => bytes > bounds.replayQueueBytesMax,
      { everyMs: 0 },
    )
    service.app.hub.bookmarkAll()
    watcher.socket.resume()
    await watcher.until(1_002)
    expect(said(watcher.events.slice(-2))).toEqual(['bookmark /sys/proc', 'process.created /sys/proc/1001'])
    expect(watcher.events.slice(0, 1_000).every(({ type }) => type === 'snapshot.node')).toBe(true)
  })

  test('a snapshot replaces a cursor that is gone, but not one that can be resumed from', async () => {
    service.bench.process(1)
    const at = await cursor()
    service.bench.process(2)
    const gone = await service.watch('/sys/proc?snapshot=true&after=7')
    await gone.until(({ type }) => type === 'bookmark')
    expect(said(gone.events)).toEqual(['snapshot.node /sys/proc/1', 'snapshot.node /sys/proc/2', 'bookmark /sys/proc'])
    const resumed = await service.watch(`/sys/proc?snapshot=true&after=${at}`)
    expect(said(await resumed.until(1))).toEqual(['process.created /sys/proc/2'])
  })

  test('snapshot nodes have no SSE id, so that an interrupted client starts again', async () => {
    service.bench.process(1)
    const at = await cursor()
    const [node, bookmark] = await readSse('/sys/proc?snapshot=true', 2)
    expect([node!.id, bookmark!.id]).toEqual([undefined, at])
    // An EventSource repeats its URL.
    service.bench.process(2)
    expect(await readSse('/sys/proc?snapshot=true', 1, { 'last-event-id': at })).toMatchObject([
      { event: { type: 'process.created' } },
    ])
  })
})

describe('with a durable cursor', () => {
  test('the first connection creates it, an acknowledgement moves it, and the next connection resumes after it', async () => {
    const first = await service.watch('/sys/proc?durable=ha-1')
    for (const pid of [1, 2, 3]) service.bench.process(pid)
    const events = await first.until(3)
    first.socket.terminate()
    await service.untilStreams(0)
    const again = await service.watch('/sys/proc?durable=ha-1')
    expect((await again.until(3)).map(({ id }) => id)).toEqual(events.map(({ id }) => id))
    expect(await service.put('/subscriptions/ha-1', { cursor: events[1]!.id })).toMatchObject({ status: 200 })
    again.socket.terminate()
    await service.untilStreams(0)
    expect(await readSse('/sys/proc?durable=ha-1', 1)).toMatchObject([{ event: { subject: '/sys/proc/3' } }])
  })

  test('a durable cursor that is gone is answered 4410, 410, or with a snapshot', async () => {
    service.bench.process(1)
    await service.put('/subscriptions/late', { cursor: '5' })
    const watcher = await service.watch('/sys?durable=late')
    expect(await watcher.closed).toMatchObject({ code: 4410 })
    expect(await service.get('/sys?durable=late', { accept: 'text/event-stream' })).toMatchObject({ status: 410 })
    const fresh = await service.watch('/sys/proc?durable=late&snapshot=true')
    expect(said(await fresh.until(2))).toEqual(['snapshot.node /sys/proc/1', 'bookmark /sys/proc'])
  })

  test('deleting a durable subscription closes its connection', async () => {
    const watcher = await service.watch('/sys/proc?durable=ha-1')
    expect(await service.send('DELETE', '/subscriptions/ha-1')).toMatchObject({ status: 204 })
    expect(await watcher.closed).toMatchObject({ code: 4409 })
    expect((await service.get('/subscriptions/ha-1')).status).toBe(404)
  })

  test.each(['', 'a b', 'a/b', 'x'.repeat(bounds.subscriptionNameMax + 1)])(
    'an invalid name is refused: %s',
    async (name) => {
      expect(await service.refusedUpgrade(`/sys?durable=${encodeURIComponent(name)}`)).toMatchObject({ status: 400 })
      expect((await service.get('/subscriptions')).body.entries).toEqual([])
    },
  )
})

describe('with a path', () => {
  test('a pattern receives the events of every matching node', async () => {
    const { bench } = service
    const watcher = await service.watch('/sys/proc/*/fds?types=threshold.*')
    const stream = service.fetch('/sys/proc/**', { headers: { accept: 'text/event-stream' } })
    expect((await stream).headers.get('content-type')).toBe('text/event-stream')
    await (await stream).body!.cancel()
    for (const pid of [1, 2]) bench.process(pid)
    bench.put(bench.kernel.system, 'fds', 'each', { at: 100, per: 'process' })
    bench.put(bench.kernel.system, 'memory', 'each', { at: 100, per: 'process' })
    bench.observe(bench.kernel.process(1), 'memory', 200)
    bench.observe(bench.kernel.process(2), 'fds', 120)
    expect(said(await watcher.until(1))).toEqual(['threshold.tripped /sys/proc/2/fds'])
  })

  test('an impossible path is refused, and a path that has ended is accepted when resuming', async () => {
    service.bench.process(42)
    const at = await cursor()
    end(42)
    expect(await service.refusedUpgrade('/sys/proc/*/fdz')).toMatchObject({ status: 404 })
    expect(await service.refusedUpgrade('/sys/proc/4*')).toMatchObject({ status: 400 })
    expect(await service.refusedUpgrade('/sys/proc/42')).toMatchObject({ status: 404 })
    const watcher = await service.watch(`/sys/proc/42?after=${at}`)
    expect(said(await watcher.until(1))).toEqual(['process.died /sys/proc/42'])
  })
})
