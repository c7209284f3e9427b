/** Hostile clients: a healthy client is served meanwhile, and nothing of theirs remains. They use another address. */

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

/** A short but real time limit for headers. It also applies to the healthy clients. */
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

/** Collects the bytes that arrive before the other side closes. */
async function receivedBy(socket: Socket): Promise<string> {
  let received = ''
  socket.on('data', (data: Buffer) => {
    received += data.toString()
  })
  await closeOf(socket)
  return received
}

let pid = 100

/** Checks that a request is answered and that the healthy stream continues. */
async function serves(): Promise<void> {
  expect((await service.fetch('/sys', { headers: { connection: 'close' } })).status).toBe(200)
  pid++
  service.bench.process(pid)
  await healthy.until(({ subject }) => subject === `/sys/proc/${pid}`)
}

/** Waits until only the connection of the healthy stream remains. */
async function untilGone(): Promise<void> {
  await until(
    () => counts().connections,
    (count) => count <= 1,
    { everyMs: 0 },
  )
}

test('headers that arrive a byte at a time get their time limit and no more', async () => {
  await start(soon)
  const socket = await hostile()
  const received = receivedBy(socket)
  socket.write('GET /sys HTTP/1.1\r\nX-Slow: ')
  const drip = setInterval(() => socket.write('x'), 20)
  await serves()
  expect(await received).toMatch(/^HTTP\/1\.1 408 .*urn:introspectd:problem:request-timeout/s)
  clearInterval(drip)
  await untilGone()
})

test('a thousand connections without a request are closed, and their descriptors are freed', async () => {
  await start(soon)
  const before = readdirSync('/proc/self/fd').length
  const opened = await Promise.all(Array.from({ length: 1_000 }, hostile))
  await until(
    () => counts().connections,
    (count) => count >= 1_001,
    { everyMs: 0 },
  )
  await serves()
  await Promise.all(opened.map((socket) => receivedBy(socket)))
  await untilGone()
  await serves()
  // The connection of the last request may still be closing.
  expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 10)
})

test('a thousand clients that leave in the middle of a request leave nothing behind', async () => {
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

test('endless headers are cut off', async () => {
  await start()
  const socket = await hostile()
  const received = receivedBy(socket)
  socket.write('GET /sys HTTP/1.1\r\n')
  pour(socket, Buffer.from('X-More: and more\r\n'.repeat(100)))
  await serves()
  expect(await received).toMatch(/^(HTTP\/1\.1 431 .*)?$/s)
  await untilGone()
})

test('pipelined requests on one connection are answered in order', async () => {
  await start()
  const socket = await hostile()
  const received = receivedBy(socket)
  const count = 100
  const requestOf = (number: number, more = '') =>
    `GET /events?limit=${number} HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\n${more}\r\n`
  const requests = Array.from({ length: count }, (_, number) => requestOf(number + 1))
  socket.write(`${requests.join('')}${requestOf(0, 'Connection: close\r\n')}`)
  const answer = await received
  expect(answer.match(/HTTP\/1\.1 200 /g)).toHaveLength(count)
  // The last request was wrong, and is answered last.
  expect(answer.lastIndexOf('HTTP/1.1 400 ')).toBeGreaterThan(answer.lastIndexOf('HTTP/1.1 200 '))
})

test('endless requests whose answers are never read are not all accepted', async () => {
  await start()
  const socket = await hostile()
  const one = `GET /sys HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\n\r\n`
  // Far more than the socket buffers of the kernel hold: the rest is accepted only if the service continues to read.
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

/** Sends the bytes again and again, as fast as the other side accepts them. */
function pour(socket: Socket, bytes: Buffer): void {
  const more = () => {
    while (socket.writable && socket.write(bytes));
  }
  socket.on('drain', more)
  more()
}

test('a flood of invalid frames ends its connection with 1008', async () => {
  await start()
  const socket = await upgraded()
  const received = receivedBy(socket)
  socket.write(Buffer.concat(Array.from({ length: 10_000 }, () => frame(1, '{"type":"nonsense"}'))))
  await serves()
  // The code in the close frame, decoded as UTF-8.
  expect(await received).toContain('\u0003\ufffd')
  await untilGone()
})

test.each(subprotocols)('%s: a flood of frames whose answers are never read ends its connection', async (name) => {
  await start()
  const socket = await upgraded(`Sec-WebSocket-Protocol: ${name}`)
  socket.pause()
  const frames = [
    { type: 'subscribe', id: 'a', path: '/sys' },
    { type: 'unsubscribe', id: 'a' },
  ]
  pour(socket, Buffer.concat(frames.map((one) => frame(1, JSON.stringify(one)))))
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

test('an unfinished frame delays no other client', async () => {
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

test('a request that is not HTTP is answered with 400', async () => {
  await start()
  const send = (text: string) => exchange({ port: service.port, localAddress }, text)
  expect(await send('EHLO mail.example\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*malformed-request/s)
  expect(await send('\u0016\u0003\u0001\u0002\u0000')).toMatch(/^HTTP\/1\.1 400 /)
  const host = `Host: 127.0.0.1:${service.port}`
  expect(
    await send(`GET /sys HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  ).toMatch(/^HTTP\/1\.1 400 /)
  expect(await send(`GET /sys HTTP/1.1\r\n${host}\r\n${host}\r\n\r\n`)).not.toMatch(/^HTTP\/1\.1 5/)
  await serves()
})
