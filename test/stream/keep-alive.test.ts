/** Tests pings and bookmarks, with real sockets and fake timers. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { bounds } from '../../src/base/bounds.ts'
import { Service, type Watcher } from '../support/service.ts'
import { readUntil } from '../support/until.ts'

let service: Service

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  service = await new Service().start()
})

afterEach(async () => {
  vi.useRealTimers()
  await service.stop()
})

/** Waits until the service has processed everything that the client sent: frames arrive in order, and so do pongs. */
const untilPongsAreBack = ({ socket }: Watcher) =>
  new Promise((resolve) => {
    socket.once('pong', resolve)
    socket.ping()
  })

test('a client that answers pings stays connected without sending anything', async () => {
  const watcher = await service.watch('/sys')
  for (let count = 0; count < 10; count++) {
    const pinged = new Promise((resolve) => watcher.socket.once('ping', resolve))
    vi.advanceTimersByTime(bounds.pingEveryMs)
    await pinged
    await untilPongsAreBack(watcher)
  }
  expect(watcher.socket.readyState).toBe(WebSocket.OPEN)
  expect(service.app.hub.size).toBe(1)
})

test('a client that misses two pings is disconnected', async () => {
  const deaf = new WebSocket(`ws://127.0.0.1:${service.port}/sys`, { autoPong: false })
  await new Promise((resolve) => deaf.once('open', resolve))
  const closed = new Promise<number>((resolve) => deaf.once('close', resolve))
  for (let count = 0; count <= bounds.pingsMissedMax; count++) vi.advanceTimersByTime(bounds.pingEveryMs)
  expect(await closed).toBe(1006)
  await service.untilStreams(0)
})

test('a comment comes every 15 seconds on a quiet stream of server-sent events, until the client leaves', async () => {
  const response = await service.fetch('/sys/proc', { headers: { accept: 'text/event-stream' } })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  expect(bounds.commentEveryMs).toBe(15_000)
  await readUntil(reader, (text) => text.includes(': introspectd\n\n'))
  for (let count = 0; count < 3; count++) {
    vi.advanceTimersByTime(bounds.commentEveryMs)
    expect(await readUntil(reader, (text) => text.includes(':\n\n'))).toMatch(/^:\n\n/)
  }
  const timers = vi.getTimerCount()
  await reader.cancel()
  await service.untilStreams(0)
  expect(vi.getTimerCount()).toBe(timers - 1)
})

test('a bookmark comes every 30 seconds, on busy streams too', async () => {
  const watcher = await service.watch('/sys/proc')
  service.bench.process(1)
  vi.advanceTimersByTime(bounds.bookmarkEveryMs)
  await watcher.until(2)
  await untilPongsAreBack(watcher)
  service.bench.process(2)
  vi.advanceTimersByTime(bounds.bookmarkEveryMs)
  await watcher.until(4)
  expect(watcher.events.map(({ type }) => type)).toEqual(['process.created', 'bookmark', 'process.created', 'bookmark'])
})
