/** Load test: one thousand subscribers, of which one hundred never read. */

import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { Service } from '../support/service.ts'
import { until } from '../support/until.ts'

let service: Service
const sockets: Socket[] = []

beforeEach(async () => {
  service = await new Service().start()
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await service.stop()
})

/** Opens a minimal WebSocket client, because this process runs a thousand of them. */
async function listen(path: string, onData: (data: Buffer) => void): Promise<Socket> {
  const socket = connect(service.port, '127.0.0.1')
  sockets.push(socket)
  const head = ['GET', path, 'HTTP/1.1\r\nHost:', `127.0.0.1:${service.port}`].join(' ')
  socket.write(
    `${head}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  )
  await new Promise<void>((resolve) => socket.once('data', () => resolve()))
  socket.on('data', onData)
  return socket
}

/** Parses the sequences of the events. The pieces are joined first, because a piece may end in the middle of one. */
function sequencesOf(pieces: readonly Buffer[]): number[] {
  return [
    ...Buffer.concat(pieces)
      .toString('latin1')
      .matchAll(/"sequence":"(\d{20})"/g),
  ].map(([, text]) => Number(text))
}

test('subscribers that read lose nothing, and the queues of the others are bounded', async () => {
  const [readers, sleepers, events] = [900, 100, 150]
  const got: Buffer[][] = Array.from({ length: readers }, () => [])
  for (const pieces of got) await listen('/sys?types=thread.*', (data) => pieces.push(data))
  for (let count = 0; count < sleepers; count++) (await listen('/sys', () => {})).pause()
  const { bench } = service
  const large = 'x'.repeat(60_000)
  const process = bench.process(1)
  const expected: number[] = []
  let most = 0
  for (let count = 0; count < events; count++) {
    bench.process(count + 2, { name: large })
    bench.thread(process, count + 1)
    expected.push(service.app.journal.newest)
    await new Promise((resolve) => setImmediate(resolve))
    for (const { queuedBytes } of service.app.hub.connections()) most = Math.max(most, queuedBytes)
  }
  const last = `"sequence":"${String(expected.at(-1)).padStart(20, '0')}"`
  const isWhole = (pieces: readonly Buffer[]) => Buffer.concat(pieces.slice(-3)).includes(last)
  await until(
    () => got.filter((pieces) => !isWhole(pieces)).length,
    (late) => late === 0,
    { everyMs: 0 },
  )
  for (const pieces of got) expect(sequencesOf(pieces)).toEqual(expected)
  expect(service.app.hub.parked).toBe(sleepers)
  expect(service.app.hub.size).toBe(readers + sleepers)
  expect(most).toBeLessThan(bounds.subscriberQueueBytesMax + 2 * large.length)
})
