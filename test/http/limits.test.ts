/** Limits of one client: requests, connections, streams and sizes. Past its limits other clients are still served. */

import { Agent, get as httpGet } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { bounds } from '../../src/base/bounds.ts'
import { keyOf } from '../../src/http/security/clients.ts'
import { parseTokens } from '../../src/http/security/gate.ts'
import { RequestBucket } from '../../src/http/security/request-bucket.ts'
import { Service } from '../support/service.ts'
import { until } from '../support/until.ts'

let service: Service
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await service?.stop()
})

const secretOf = (letter: string): string => letter.repeat(20)
const bearer = (letter: string) => ({ authorization: `Bearer ${secretOf(letter)}` })
const counts = () => service.app.server.clients.counts

const untilCounts = (fits: (counted: ReturnType<typeof counts>) => boolean) =>
  until(() => ({ ...counts() }), fits, { everyMs: 0 })

/** Opens a connection and sends nothing on it. */
async function open(localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: service.port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  sockets.push(socket)
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** Sends a request from another address of this machine, on a connection of its own. */
function statusFrom(
  localAddress: string,
  path = '/sys?fields=path',
  headers: Record<string, string> = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { port: service.port, host: '127.0.0.1', path, localAddress, headers, agent: new Agent() }
    httpGet(options, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).on('error', reject)
  })
}

describe('requests', () => {
  // The clock stands still, so that the number of allowed requests is known.
  beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => vi.useRealTimers())

  const statuses = async (count: number, init: RequestInit = {}): Promise<number[]> => {
    const answers = await Promise.all(Array.from({ length: count }, () => service.fetch('/livez', init)))
    return answers.map(({ status }) => status)
  }

  test('past the rate of an address are answered with 429 and Retry-After, on new connections too', async () => {
    service = await new Service({ limits: { requestsPerSecond: 20 } }).start()
    const all = [...(await statuses(15)), ...(await statuses(15, { headers: { connection: 'close' } }))]
    expect(all.filter((status) => status === 200)).toHaveLength(20)
    expect(all.filter((status) => status === 429)).toHaveLength(10)
    const refused = await service.fetch('/livez')
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.json()).toMatchObject({ status: 429, type: 'urn:introspectd:problem:too-many-requests' })
    vi.advanceTimersByTime(100)
    expect((await statuses(4)).sort()).toEqual([200, 200, 429, 429])
  })

  test('from one address do not count for another', async () => {
    service = await new Service({ limits: { requestsPerSecond: 1 } }).start()
    expect([await statusFrom('127.0.0.1'), await statusFrom('127.0.0.1')]).toEqual([200, 429])
    expect(await statusFrom('127.0.0.2')).toBe(200)
  })

  test.each([
    ['with a wrong token', 401, '/sys', bearer('x')],
    ['for an unknown path', 404, '/nowhere', bearer('a')],
    ['for another Host', 403, '/sys', { host: 'evil.example' }],
  ])('count %s, and so does the upgrade after them', async (_, status, path, headers) => {
    const tokens = parseTokens(`watcher read ${secretOf('a')}`)
    service = await new Service({ tokens, limits: { requestsPerSecond: 1 } }).start()
    expect(await statusFrom('127.0.0.1', path, headers)).toBe(status)
    expect(await service.refusedUpgrade('/sys', { headers: bearer('a') })).toMatchObject({ status: 429 })
  })

  test('are not counted where the limit is 0', async () => {
    service = await new Service({ limits: { requestsPerSecond: 0 } }).start()
    expect(new Set(await statuses(200))).toEqual(new Set([200]))
  })

  test('from idle addresses are forgotten once they no longer count', async () => {
    service = await new Service({ limits: { requestsPerSecond: 10 } }).start()
    const { clients } = service.app.server
    await statusFrom('127.0.0.2')
    await untilCounts(({ connections }) => connections === 0)
    clients.forgetIdle()
    expect(counts().addresses).toBe(1)
    vi.advanceTimersByTime(100)
    clients.forgetIdle()
    expect(counts().addresses).toBe(0)
  })
})

test('a bucket gives its capacity at once, then refills at its rate up to that capacity', () => {
  const bucket = new RequestBucket(10, 0)
  const take = (now: number, times: number) => Array.from({ length: times }, () => bucket.take(now))
  expect(take(0, 11)).toEqual([...new Array(10).fill(0), 100])
  expect(bucket.take(50)).toBe(50)
  expect(take(100, 2)).toEqual([0, 100])
  expect(bucket.isFull(1000)).toBe(false)
  expect(bucket.isFull(1100)).toBe(true)
  expect(take(1_000_000, 11)).toEqual([...new Array(10).fill(0), 100])
})

describe('connections', () => {
  test('past the limit of an address are answered with 429 and closed; earlier ones and other addresses are still served', async () => {
    service = await new Service({ limits: { connectionsPerAddress: 3 } }).start()
    const [first] = [await open(), await open(), await open()]
    await untilCounts(({ connections }) => connections === 3)
    const more = await fetch(`${service.url}/sys`)
    expect([more.status, more.headers.get('retry-after'), more.headers.get('connection')]).toEqual([429, '10', 'close'])
    expect(await more.json()).toMatchObject({ type: 'urn:introspectd:problem:too-many-connections' })
    expect(await service.refusedUpgrade('/sys')).toMatchObject({ status: 429 })
    const answer = new Promise<string>((resolve) => first!.once('data', (data: Buffer) => resolve(data.toString())))
    first!.write(`GET /livez HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\n\r\n`)
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(await statusFrom('127.0.0.2')).toBe(200)
    for (const socket of sockets) socket.destroy()
    await untilCounts(({ connections }) => connections === 0)
    expect((await service.fetch('/sys')).status).toBe(200)
  })

  test('past the limit are served if others have closed before the request', async () => {
    service = await new Service({ limits: { connectionsPerAddress: 1 } }).start()
    const [first, second] = [await open(), await open()]
    await untilCounts(({ connections }) => connections === 2)
    first.destroy()
    await untilCounts(({ connections }) => connections === 1)
    const answer = new Promise<string>((resolve) => second.once('data', (data: Buffer) => resolve(data.toString())))
    second.write(`GET /livez HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\n\r\n`)
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('past twice the limit are closed without an answer', async () => {
    service = await new Service({ limits: { connectionsPerAddress: 2 } }).start()
    for (let count = 0; count < 4; count++) await open()
    const closed = open().then((socket) => new Promise((resolve) => socket.once('close', resolve).resume()))
    await closed
    await untilCounts(({ connections }) => connections === 4)
  })

  test('are bounded in total, and closing one too many affects no other', async () => {
    service = await new Service({ edge: { connectionsMax: 2 } }).start()
    const watcher = await service.watch('/sys')
    await open('127.0.0.2')
    const third = await open('127.0.0.3')
    await new Promise((resolve) => third.once('close', resolve).resume())
    service.bench.process(42)
    expect(await watcher.until(1)).toHaveLength(1)
  })
})

describe('streams', () => {
  test('past the limit of an address are refused with 429, as a WebSocket before the upgrade and as server-sent events', async () => {
    service = await new Service({ limits: { streamsPerClient: 2 } }).start()
    const first = await service.watch('/sys')
    const controller = new AbortController()
    const accept = { accept: 'text/event-stream' }
    await service.fetch('/sys', { headers: accept, signal: controller.signal })
    expect(await service.refusedUpgrade('/sys')).toMatchObject({
      status: 429,
      body: { type: 'urn:introspectd:problem:too-many-streams' },
    })
    const refused = await service.fetch('/sys', { headers: accept })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10'])
    first.socket.terminate()
    controller.abort()
    await untilCounts(({ streams }) => streams === 0)
    await service.watch('/sys')
  })

  test('are counted by token where tokens are in use: one token at its limit does not limit the others', async () => {
    const tokens = parseTokens(`one read ${secretOf('a')}\ntwo read ${secretOf('b')}`)
    service = await new Service({ tokens, limits: { streamsPerClient: 1 } }).start()
    const protocols = (letter: string) => [
      'cloudevents.json',
      `base64url.bearer.${btoa(secretOf(letter)).replace(/=+$/, '')}`,
    ]
    await service.watch('/sys', protocols('a'))
    expect(await service.refusedUpgrade('/sys', { protocols: protocols('a') })).toMatchObject({ status: 429 })
    await service.watch('/sys', protocols('b'))
  })

  test('are bounded in total too', async () => {
    service = await new Service().start()
    const size = vi.spyOn(service.app.hub, 'size', 'get').mockReturnValue(bounds.streamsMax)
    expect(await service.refusedUpgrade('/sys')).toMatchObject({ status: 429 })
    const refused = await service.fetch('/sys', { headers: { accept: 'text/event-stream' } })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10'])
    size.mockRestore()
    await service.watch('/sys')
  })

  test('refused for another reason are not counted', async () => {
    service = await new Service({ limits: { streamsPerClient: 1 } }).start()
    for (const path of ['/sys?types=nonsense.*', '/sys/proc/999', '/sys?after=x']) await service.refusedUpgrade(path)
    await service.fetch('/sys', { method: 'HEAD', headers: { accept: 'text/event-stream' } })
    await untilCounts(({ streams }) => streams === 0)
    await service.watch('/sys')
  })
})

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  [undefined, ''],
])('%s is counted as %s', (address, key) => {
  expect(keyOf(address)).toBe(key)
})

interface TooLong {
  readonly path?: string
  readonly init?: RequestInit
}

test.each<[string, number, string, TooLong]>([
  ['headers', 431, 'headers-too-large', { init: { headers: { 'x-long': 'x'.repeat(20_000) } } }],
  ['a path', 414, 'path-too-long', { path: `/sys/${'x'.repeat(bounds.pathBytesMax)}` }],
  ['a query', 414, 'path-too-long', { path: `/sys?fields=${'x'.repeat(bounds.pathBytesMax)}` }],
  [
    'a body',
    413,
    'body-too-large',
    { path: '/sys/fds/threshold/x', init: { method: 'PUT', body: 'x'.repeat(bounds.bodyBytesMax + 1) } },
  ],
])('%s that is too long is answered with %i', async (_, status, type, { path = '/sys', init }) => {
  service = await new Service().start()
  const answer = await service.fetch(path, init)
  expect(await answer.json()).toMatchObject({ status, type: `urn:introspectd:problem:${type}` })
  expect((await service.fetch('/sys')).status).toBe(200)
})

test('a frame that is too long closes its connection with 1009, and no other', async () => {
  service = await new Service().start()
  const [hostile, healthy] = [await service.watch('/sys'), await service.watch('/sys')]
  hostile.socket.send('x'.repeat(bounds.frameBytesMax + 1))
  expect(await hostile.closed).toMatchObject({ code: 1009 })
  service.bench.process(42)
  expect(await healthy.until(1)).toHaveLength(1)
  expect(healthy.socket.readyState).toBe(WebSocket.OPEN)
})
