/** Tests slow subscribers: they are parked, catch up at their own speed, and are closed only as a last resort. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { Service, type Watcher } from '../support/service.ts'
import { until } from '../support/until.ts'

let service: Service

beforeEach(async () => {
  service = await new Service().start()
})

afterEach(() => service.stop())

const large = 'x'.repeat(60_000)

/** Enough large events to fill the socket buffers and the queue of a subscriber. */
const count = 400

const sequences = ({ events }: Watcher) => events.map(({ sequence }) => Number(sequence))

const countingUp = (first: number, length: number) => Array.from({ length }, (_, place) => first + place)

test('a subscriber that stops reading is parked and catches up later, while others lose nothing', async () => {
  const slow = await service.watch('/sys')
  const good = await service.watch('/sys?types=process.created')
  slow.socket.pause()
  for (let pid = 1; pid <= count; pid++) {
    service.bench.process(pid, { name: large })
    await good.until(pid)
  }
  expect(service.app.hub.parked).toBe(1)
  slow.socket.resume()
  await slow.until(count)
  service.bench.process(count + 1)
  await Promise.all([slow.until(count + 1), good.until(count + 1)])
  for (const watcher of [slow, good]) expect(sequences(watcher)).toEqual(countingUp(sequences(good)[0]!, count + 1))
  expect(service.app.hub.parked).toBe(0)
  expect([slow, good].map(({ socket }) => socket.readyState)).toEqual([1, 1])
})

test('the queue of a subscriber that does not read is bounded in bytes', async () => {
  const slow = await service.watch('/sys')
  slow.socket.pause()
  const [connection] = service.app.hub.connections()
  let most = 0
  for (let pid = 1; pid <= count; pid++) {
    service.bench.process(pid, { name: large })
    most = Math.max(most, connection!.queuedBytes)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(service.app.hub.parked).toBe(1)
  expect(most).toBeGreaterThan(bounds.replayQueueBytesMax)
  expect(most).toBeLessThan(bounds.subscriberQueueBytesMax + 2 * large.length)
})

test('a stream of server-sent events that is not read is parked', async () => {
  const response = await service.fetch('/sys?types=process.created', { headers: { accept: 'text/event-stream' } })
  for (let pid = 1; pid <= count; pid++) service.bench.process(pid, { name: large })
  await until(
    () => service.app.hub.parked,
    (count) => count > 0,
    { everyMs: 0 },
  )
  const pieces: string[] = []
  const last = `"subject":"/sys/proc/${count}"`
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    pieces.push(piece)
    if (pieces.slice(-2).join('').includes(last)) break
  }
  const ids = [...pieces.join('').matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
  expect(ids).toEqual(countingUp(ids[0]!, count))
})

test('a client that reads nothing for a minute is closed with 1013 and its cursor', async () => {
  const slow = await service.watch('/sys')
  slow.socket.pause()
  for (let pid = 1; pid <= count; pid++) service.bench.process(pid, { name: large })
  const { hub } = service.app
  const [connection] = hub.connections()
  const closing = vi.spyOn(connection!, 'close')
  // A connection is not stalled while the operating system still accepts bytes.
  for (let now = performance.now(); closing.mock.calls.length === 0; now += bounds.stalledMsMax) {
    hub.closeStalled(now)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(closing.mock.calls[0]![0]).toBe(1013)
  expect(hub.parked).toBe(1)
  // When the client reads again, it receives every event up to the cursor in the close reason.
  slow.socket.resume()
  const { code, reason } = await slow.closed
  expect(code).toBe(1013)
  const { cursor } = JSON.parse(reason) as { cursor: string }
  expect(cursor).toBe(slow.events.at(-1)!.sequence)
  await service.untilStreams(0)
})

test('a client that reads slowly is not closed', async () => {
  const watcher = await service.watch('/sys')
  const { hub } = service.app
  for (let minute = 0; minute < 5; minute++) {
    service.bench.process(minute + 1)
    await watcher.until(minute + 1)
    hub.closeStalled(performance.now() + minute * bounds.stalledMsMax)
  }
  expect(watcher.socket.readyState).toBe(1)
})

test('a subscriber whose next event is no longer stored is closed with 1013 and its cursor', async () => {
  const slow = await service.watch('/sys')
  slow.socket.pause()
  for (let pid = 1; pid <= count; pid++) service.bench.process(pid, { name: large })
  const before = service.app.journal.newest
  // Push the missed events out of memory.
  for (let made = 0; made <= bounds.eventsCachedMax; made++)
    service.bench.kernel.emit('thread.died', {
      subject: '/sys/proc/1',
      about: [],
      data: { pid: 1, tid: 1, name: 'p', identity: 'x-1' },
    })
  slow.socket.resume()
  const { code, reason } = await slow.closed
  expect(code).toBe(1013)
  const { cursor } = JSON.parse(reason) as { cursor: string }
  expect(cursor).toBe(slow.events.at(-1)!.sequence)
  expect(Number(cursor)).toBeLessThan(before)
})
