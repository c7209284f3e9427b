/** Bodies that arrive late or never, under virtual time: the sockets are real, the clock is not. */

import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { ModelService } from '../support/model-service.ts'

let service: ModelService

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  service = await new ModelService().start()
})

afterEach(async () => {
  vi.useRealTimers()
  await service.stop()
})

/** Sends headers that announce a longer body than ever arrives. */
async function begin(
  method: string,
  path: string,
  sent: string,
  length = 'Content-Length: 1000',
): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect(service.port, '127.0.0.1')
  const head = [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${service.port}`, length]
  const routed = new Promise<void>((resolve) => service.app.server.server.once('request', () => setImmediate(resolve)))
  socket.write(`${head.join('\r\n')}\r\n\r\n${sent}`)
  const answer = new Promise<string>((resolve) => socket.once('data', (data: Buffer) => resolve(data.toString())))
  await routed
  return { socket, answer }
}

test('a body that does not arrive in time is answered with 408, and the connection closes', async () => {
  const { socket, answer } = await begin('PUT', '/sys/threads/threshold/hog', '10')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  vi.advanceTimersByTime(bounds.requestMsMax)
  expect(await answer).toMatch(/^HTTP\/1\.1 408 .*urn:introspectd:problem:request-timeout/s)
  await closed
  expect((await service.get('/sys/thresholds')).body.entries).toEqual([])
})

test.each([
  ['GET', '/sys', 'Content-Length: 1000', '200'],
  ['GET', '/livez', 'Content-Length: 1000', '200'],
  ['PUT', '/sys/fds/threshold/hog', 'Content-Length: 100000', '413'],
])('%s %s is answered without waiting for a body it does not read, and nothing happens later', async (...request) => {
  const [method, path, length, status] = request
  const { socket, answer } = await begin(method, path, '10', length)
  socket.on('error', () => {})
  expect(await answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  vi.advanceTimersByTime(10 * bounds.requestMsMax)
  expect((await service.get('/sys/thresholds')).status).toBe(200)
  socket.destroy()
})

test('a client that continues to write after an invalid line is cut off after the linger time', async () => {
  const { socket, answer } = await begin('POST', '/sys/calls', 'no call\n')
  expect(await answer).toContain('urn:introspectd:problem:malformed-body')
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  vi.advanceTimersByTime(bounds.lingerMs)
  await closed
})

test('a stream of calls may last long, and is answered as it arrives', async () => {
  const { socket, answer } = await begin('POST', '/sys/calls', '{"call":"create","name":"one"}\n')
  expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
  vi.advanceTimersByTime(10 * bounds.requestMsMax)
  const next = new Promise<string>((resolve) => socket.once('data', (data: Buffer) => resolve(data.toString())))
  socket.write('{"call":"create","name":"two"}\n')
  expect(await next).toContain('"pid":2')
  socket.destroy()
})
