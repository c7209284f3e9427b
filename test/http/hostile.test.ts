/** Clients that mean harm: a healthy one is served meanwhile, and nothing of theirs stays. Each is at an address of its own. */

import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { ListenerOptions } from '../../src/http/security/listener.ts'
import { subprotocols } from '../../src/stream/websocket.ts'
import { exchange, frameBytes, openRaw, upgradeRequest } from '../support/raw.ts'
import type { Watcher } from '../support/service.ts'
import { Service } from '../support/service.ts'
import { until } from '../support/until.ts'

let service: Service
let healthy: Watcher
const sockets: Socket[] = []

async function start(edge: Partial<ListenerOptions> = {}): Promise<void> {
  service = await new Service({ edge }).start()
  healthy = await service.watch('/sys')
}

/** Real time, but short; it is that of healthy clients too. */
const soon = { headersMs: 4_000 }

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await service.stop()
})

const localAddress = '127.0.0.2'
const counts = () => service.app.server.clients.counts

async function hostile(): Promise<Socket> {
  const socket = await openRaw({ port: service.port, localAddress })
  sockets.push(socket)
  return socket
}

const closeOf = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))

/** What came before the other side closed. */
async function heardFrom(socket: Socket): Promise<string> {
  let heard = ''
  socket.on('data', (data: Buffer) => {
    heard += data.toString()
  })
  await closeOf(socket)
  return heard
}

let pid = 100

/** A request is answered, and a stream goes on. */
async function serves(): Promise<void> {
  expect((await service.fetch('/sys', { headers: { connection: 'close' } })).status).toBe(200)
  pid++
  service.bench.process(pid)
  await healthy.until(({ subject }) => subject === `/sys/proc/${pid}`)
}

/** Only what was there before: the connection of the healthy stream. */
async function untilGone(): Promise<void> {
  await until(
    () => counts().connections,
    (count) => count <= 1,
    { everyMs: 0 },
  )
}

test('headers that come a byte at a time are given their time and no more', async () => {
  await start(soon)
  const socket = await hostile()
  const heard = heardFrom(socket)
  socket.write('GET /sys HTTP/1.1\r\nX-Slow: ')
  const drip = setInterval(() => socket.write('x'), 20)
  await serves()
  expect(await heard).toMatch(/^HTTP\/1\.1 408 .*urn:introspectd:problem:request-timeout/s)
  clearInterval(drip)
  await untilGone()
})

test('a thousand connections that ask nothing are closed, and their descriptors come back', async () => {
  await start(soon)
  const before = readdirSync('/proc/self/fd').length
  const opened = await Promise.all(Array.from({ length: 1_000 }, hostile))
  await until(
    () => counts().connections,
    (count) => count >= 1_001,
    { everyMs: 0 },
  )
  await serves()
  await Promise.all(opened.map((socket) => heardFrom(socket)))
  await untilGone()
  await serves()
  // The connection of a request that has just been answered may be closing still.
  expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 10)
})

test('a thousand that leave in the middle of a request leave nothing', async () => {
  await start()
  const opened = await Promise.all(Array.from({ length: 1_000 }, hostile))
  for (const [number, socket] of opened.entries()) {
    socket.write(
      `PUT /sys/fds/threshold/t${number} HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\nContent-Length: 10\r\n\r\n1`,
    )
  }
  await serves()
  for (const socket of opened) socket.resetAndDestroy()
  await untilGone()
  expect((await service.get('/sys/thresholds')).body.entries).toEqual([])
  await serves()
})

test('headers without end are cut off', async () => {
  await start()
  const socket = await hostile()
  const heard = heardFrom(socket)
  socket.write('GET /sys HTTP/1.1\r\n')
  pour(socket, Buffer.from('X-More: and more\r\n'.repeat(100)))
  await serves()
  expect(await heard).toMatch(/^(HTTP\/1\.1 431 .*)?$/s)
  await untilGone()
})

test('requests that come over one connection before they are answered are answered one after the other', async () => {
  await start()
  const socket = await hostile()
  const heard = heardFrom(socket)
  const count = 100
  const ask = (number: number, more = '') =>
    `GET /events?limit=${number} HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\n${more}\r\n`
  const asked = Array.from({ length: count }, (_, number) => ask(number + 1))
  socket.write(`${asked.join('')}${ask(0, 'Connection: close\r\n')}`)
  const answer = await heard
  expect(answer.match(/HTTP\/1\.1 200 /g)).toHaveLength(count)
  // The last was wrong, and is answered last.
  expect(answer.lastIndexOf('HTTP/1.1 400 ')).toBeGreaterThan(answer.lastIndexOf('HTTP/1.1 200 '))
})

test('requests without end, whose answers are never read, are not all taken', async () => {
  await start()
  const socket = await hostile()
  const one = `GET /sys HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\n\r\n`
  // Far more than the kernel keeps for a socket: it is taken only if the service goes on reading.
  const count = 400_000
  socket.write(one.repeat(count))
  const isStuck = () => socket.writableLength > 0
  for (let round = 0; round < 20; round++) await serves()
  expect(isStuck()).toBe(true)
  socket.destroy()
  await untilGone()
})

async function upgraded(...more: string[]): Promise<Socket> {
  const socket = await hostile()
  socket.write(upgradeRequest(service.port, '/sys', ...more))
  expect((await new Promise<Buffer>((resolve) => socket.once('data', resolve))).toString()).toMatch(/^HTTP\/1\.1 101 /)
  return socket
}

const frame = (opcode: number, text: string) =>
  frameBytes({ fin: true, reserved: 0, opcode, masked: true, payload: Buffer.from(text) })

/** Sends them as fast as they are taken, for as long as they are. */
function pour(socket: Socket, bytes: Buffer): void {
  const more = () => {
    while (socket.writable && socket.write(bytes));
  }
  socket.on('drain', more)
  more()
}

test('a flood of frames that nobody asked for ends its connection with 1008', async () => {
  await start()
  const socket = await upgraded()
  const heard = heardFrom(socket)
  socket.write(Buffer.concat(Array.from({ length: 10_000 }, () => frame(1, '{"type":"nonsense"}'))))
  await serves()
  // The code in the close frame, as UTF-8 reads it.
  expect(await heard).toContain('\u0003\ufffd')
  await untilGone()
})

test.each(subprotocols)('%s: a flood of frames whose answers are never read ends its connection', async (name) => {
  await start()
  const socket = await upgraded(`Sec-WebSocket-Protocol: ${name}`)
  socket.pause()
  const asked = [
    { type: 'subscribe', id: 'a', path: '/sys' },
    { type: 'unsubscribe', id: 'a' },
  ]
  pour(socket, Buffer.concat(asked.map((one) => frame(1, JSON.stringify(one)))))
  await serves()
  await untilGone()
})

test('a flood of pings whose pongs are never read ends its connection', async () => {
  await start()
  const socket = await upgraded()
  socket.pause()
  pour(socket, Buffer.concat(Array.from({ length: 1_000 }, () => frame(9, 'x'.repeat(125)))))
  await serves()
  await untilGone()
})

test('a frame that is never finished keeps nobody waiting', async () => {
  await start()
  const socket = await upgraded()
  const bytes = frameBytes({
    fin: true,
    reserved: 0,
    opcode: 1,
    masked: true,
    payload: Buffer.from('x'),
    length: 60_000,
  })
  socket.write(bytes)
  await serves()
  socket.destroy()
  await untilGone()
})

test('what is no HTTP is answered with 400, and what is cut off with nothing', async () => {
  await start()
  const ask = (text: string) => exchange({ port: service.port, localAddress }, text)
  expect(await ask('EHLO mail.example\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*malformed-request/s)
  expect(await ask('\u0016\u0003\u0001\u0002\u0000')).toMatch(/^HTTP\/1\.1 400 /)
  const host = `Host: 127.0.0.1:${service.port}`
  expect(
    await ask(`GET /sys HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  ).toMatch(/^HTTP\/1\.1 400 /)
  expect(await ask(`GET /sys HTTP/1.1\r\n${host}\r\n${host}\r\n\r\n`)).not.toMatch(/^HTTP\/1\.1 5/)
  await serves()
})
