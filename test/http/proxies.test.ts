/** Tests requests that come through proxies: a prefix of the paths, the client's address and scheme, a lost Upgrade. */

import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseTokens } from '../../src/http/security/gate.ts'
import type { ProxyOptions } from '../../src/http/security/proxies.ts'
import { exchange, upgradeRequest } from '../support/raw.ts'
import { Service, type ServiceOptions } from '../support/service.ts'

let service: Service
afterEach(() => service?.stop())

async function start(proxies: Partial<ProxyOptions>, more: ServiceOptions = {}): Promise<void> {
  service = await new Service({ ...more, proxies }).start()
}

/** Sends a request with any Host from an address of this machine. */
function send(path: string, headers: Record<string, string> = {}, localAddress = '127.0.0.1') {
  return new Promise<{ status: number; body: Record<string, unknown>; headers: NodeJS.Dict<string | string[]> }>(
    (resolve, reject) => {
      const options = { port: service.port, host: '127.0.0.1', path, localAddress, headers }
      httpRequest(options, async (response) => {
        const body = await text(response)
        const isJson = response.headers['content-type']?.includes('json')
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: isJson ? (JSON.parse(body) as Record<string, unknown>) : { text: body },
        })
      })
        .on('error', reject)
        .end()
    },
  )
}

/** Every URL that a reply can have, from requests whose paths begin with `before`. */
async function urlsOf(before: string, headers: Record<string, string> = {}) {
  const { bench } = service
  for (const pid of [1, 2]) bench.process(pid, { partition: ['web'] })
  const json = { 'content-type': 'application/json', ...headers }
  const init = (method: string, body: unknown) => ({ method, headers: json, body: JSON.stringify(body) })
  const created = await service.fetch(`${before}/sys/fds/threshold/hog`, init('PUT', { at: 100 }))
  const subscription = await service.fetch(`${before}/subscriptions/one`, init('PUT', { cursor: '1' }))
  const page = await send(`${before}/sys/proc?limit=1`, headers)
  const events = await send(`${before}/events?limit=1`, headers)
  const alias = await send(`${before}/sys/part/web/proc/1`, headers)
  const stream = await service.fetch(`${before}/sys/part/web/proc/1`, {
    headers: { ...headers, accept: 'text/event-stream' },
  })
  await stream.body!.cancel()
  const openApi = await send(`${before}/openapi.json`, headers)
  const tried = await send(`${before}/docs/json`, headers)
  const redirected = await send(`${before}/docs/static/index.html`, headers)
  return {
    threshold: created.headers.get('location'),
    subscription: subscription.headers.get('location'),
    page: String(page.headers.link),
    events: String(events.headers.link),
    next: String(events.body.next),
    alias: alias.headers['content-location'],
    stream: stream.headers.get('content-location'),
    openApi: openApi.body.servers,
    tried: tried.body.servers,
    redirected: redirected.headers.location,
    root: (await send(`${before}/`, headers)).body.docs,
  }
}

function expected(prefix: string) {
  return {
    threshold: `${prefix}/sys/fds/threshold/hog`,
    subscription: `${prefix}/subscriptions/one`,
    page: expect.stringContaining(`<${prefix}/sys/proc?limit=1&cursor=`),
    events: expect.stringContaining(`<${prefix}/events?limit=1&after=`),
    next: expect.stringContaining(`${prefix}/events?limit=1&after=`),
    alias: `${prefix}/sys/proc/1`,
    stream: `${prefix}/sys/proc/1`,
    openApi: [{ url: prefix === '' ? '/' : prefix }],
    tried: [{ url: prefix === '' ? '/' : prefix }],
    redirected: `${prefix}/docs/`,
    root: `${prefix}/docs`,
  }
}

describe('the prefix', () => {
  test('without settings every URL is that of the service itself', async () => {
    await start({})
    expect(await urlsOf('', { 'x-forwarded-prefix': '/evil' })).toEqual(expected(''))
    expect((await send('/introspectd/sys')).status).toBe(404)
  })

  test('with a base path, requests with and without it are answered, and every URL has it', async () => {
    await start({ basePath: '/a/b' })
    expect(await urlsOf('/a/b')).toEqual(expected('/a/b'))
    await service.stop()
    await start({ basePath: '/a/b' })
    expect(await urlsOf('')).toEqual(expected('/a/b'))
  })

  test.each([
    ['/a', 200],
    ['/a/', 200],
    ['/a?x', 200],
    ['/a/livez', 200],
    ['/a/sys?fields=path', 200],
    ['/ab/sys', 404],
    ['/a/a/sys', 404],
    ['/b/sys', 404],
  ])('with the base path /a, %s is %i', async (path, status) => {
    await start({ basePath: '/a' })
    expect((await send(path)).status).toBe(status)
  })

  test('a WebSocket below the base path is opened', async () => {
    await start({ basePath: '/a' })
    const watcher = await service.watch('/a/sys')
    service.bench.process(7)
    expect(await watcher.until(1)).toMatchObject([{ subject: '/sys/proc/7' }])
  })

  test('a trusted proxy names the prefix that it has removed', async () => {
    await start({ trusted: ['127.0.0.0/8'] })
    expect(await urlsOf('', { 'x-forwarded-prefix': '/outer/' })).toEqual(expected('/outer'))
  })

  test('several proxies name a prefix each, and one of them may pass the base path on', async () => {
    await start({ trusted: ['loopback'], basePath: '/base' })
    const servers = async (path: string, prefix: string) =>
      (await send(path, { 'x-forwarded-prefix': prefix })).body.servers
    expect(await servers('/openapi.json', '/one, /two')).toEqual([{ url: '/one/two' }])
    expect(await servers('/base/openapi.json', '/one')).toEqual([{ url: '/one/base' }])
  })

  test.each(['//evil.example', '/a/../b', 'a', '/a b', '/a\\b', 'https://evil.example', '/a"b', '/a>b'])(
    'a prefix that is no plain path is refused: %s',
    async (prefix) => {
      await start({ trusted: ['loopback'] })
      expect(await send('/sys', { 'x-forwarded-prefix': prefix })).toMatchObject({
        status: 400,
        body: { type: 'urn:introspectd:problem:malformed-request', detail: expect.stringContaining('Prefix') },
      })
    },
  )

  test('the page of the documents has relative URLs only, so that it works under any prefix', async () => {
    await start({})
    for (const path of ['/docs', '/docs/']) {
      const { body, status } = await send(path)
      const urls = [...String(body.text).matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url]) => url!)
      expect([status, urls.length > 5, urls.filter((url) => !url.startsWith('./'))]).toEqual([200, true, []])
      for (const url of urls) {
        const { pathname } = new URL(url, `http://proxy/x${path}`)
        expect((await send(pathname.replace('/x', ''))).status, pathname).toBe(200)
      }
    }
  })
})

describe('the document of the streams', () => {
  const serversOf = async (headers: Record<string, string>) => (await send('/asyncapi.json', headers)).body.servers

  test('names the host and the scheme of the client', async () => {
    await start({})
    const host = `localhost:${service.port}`
    expect(await serversOf({ host })).toMatchObject({
      websocket: { host, protocol: 'ws' },
      http: { host, protocol: 'http' },
    })
  })

  test('has the prefix and the scheme that a trusted proxy names', async () => {
    await start({ trusted: ['loopback'] })
    const host = `127.0.0.1:${service.port}`
    expect(await serversOf({ host, 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/x' })).toMatchObject({
      websocket: { host, protocol: 'wss', pathname: '/x' },
      http: { host, protocol: 'https', pathname: '/x' },
    })
  })
})

describe('the scheme', () => {
  const statusOf = async (headers: Record<string, string>) =>
    (await send('/sys?fields=path', { origin: `http://127.0.0.1:${service.port}`, ...headers })).status

  test('makes pages in the clear a foreign origin where the client uses TLS', async () => {
    await start({ trusted: ['loopback'] })
    expect(await statusOf({})).toBe(200)
    expect(await statusOf({ 'x-forwarded-proto': 'https' })).toBe(403)
    expect(await statusOf({ 'x-forwarded-proto': 'wss' })).toBe(403)
    expect(await statusOf({ forwarded: 'for=192.0.2.1;proto=https' })).toBe(403)
    expect(await statusOf({ forwarded: 'for=192.0.2.1;Proto="http"' })).toBe(200)
    expect(await statusOf({ 'x-forwarded-proto': 'gopher' })).toBe(400)
  })

  test('is ignored where an unknown peer names it', async () => {
    await start({ trusted: ['192.0.2.7'] })
    expect(await statusOf({ 'x-forwarded-proto': 'https' })).toBe(200)
    expect(await statusOf({ 'x-forwarded-proto': 'gopher', forwarded: '=' })).toBe(200)
  })
})

describe('the address of the client', () => {
  // The clock stands still, so that the number of allowed requests is known.
  beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => vi.useRealTimers())

  const statusOf = async (headers: Record<string, string>) => (await send('/livez', headers)).status
  const twice = async (headers: Record<string, string>) => [await statusOf(headers), await statusOf(headers)]
  const oneEach = { limits: { requestsPerSecond: 1, connectionsPerAddress: 1, streamsPerClient: 1 } }

  test.each([
    ['x-forwarded-for', '192.0.2.1', '192.0.2.2'],
    ['x-forwarded-for', '192.0.2.1:5100', '[2001:db8::1]:5100'],
    ['x-forwarded-for', '2001:db8:1::1', '2001:db8:2::1'],
    ['forwarded', 'for=192.0.2.1', 'for="[2001:db8:2::1]:80";proto=http'],
    ['forwarded', 'for=192.0.2.1, for=127.0.0.2', 'by=_x;FOR="192.0.2.2" , for=127.0.0.2'],
  ])('behind a trusted proxy has its own rate: %s %s', async (name, one, other) => {
    await start({ trusted: ['loopback'] }, oneEach)
    expect(await twice({ [name]: one })).toEqual([200, 429])
    expect(await twice({ [name]: other })).toEqual([200, 429])
  })

  test('is the last one that is no trusted proxy, since earlier ones may be invented', async () => {
    await start({ trusted: ['loopback', '10.0.0.0/8'] }, oneEach)
    expect(await statusOf({ 'x-forwarded-for': '198.51.100.1, 192.0.2.1, 10.1.2.3' })).toBe(200)
    expect(await statusOf({ 'x-forwarded-for': '198.51.100.2, 192.0.2.1' })).toBe(429)
  })

  test('is that of the proxy where it is hidden or malformed, and that of the peer where the peer is unknown', async () => {
    await start({ trusted: ['127.0.0.1'] }, oneEach)
    expect(await twice({ forwarded: 'for=unknown' })).toEqual([200, 429])
    expect(await statusOf({ 'x-forwarded-for': '192.0.2.9, nonsense' })).toBe(429)
    const from = async (address: string) => (await send('/livez', { 'x-forwarded-for': address }, '127.0.0.2')).status
    expect([await from('192.0.2.1'), await from('192.0.2.2')]).toEqual([200, 429])
  })

  test('counts the streams of a client without a token', async () => {
    await start({ trusted: ['loopback'] }, { limits: { streamsPerClient: 1 } })
    const open = (address: string) =>
      service.fetch('/sys', { headers: { accept: 'text/event-stream', 'x-forwarded-for': address } })
    const streams = [await open('192.0.2.1'), await open('192.0.2.2'), await open('192.0.2.1')]
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 429])
    for (const { body } of streams) await body!.cancel()
  })

  test('does not limit the connections of the proxy, which carry many clients', async () => {
    await start({ trusted: ['127.0.0.1'] }, { limits: { connectionsPerAddress: 1 } })
    const open = async (localAddress: string) => {
      const socket = connect({ port: service.port, host: '127.0.0.1', localAddress })
      await new Promise((resolve) => socket.once('connect', resolve))
      return socket
    }
    const idle = [await open('127.0.0.1'), await open('127.0.0.1'), await open('127.0.0.2')]
    const statuses = [(await send('/livez')).status, (await send('/livez', {}, '127.0.0.2')).status]
    for (const socket of idle) socket.destroy()
    expect(statuses).toEqual([200, 429])
  })

  test.each([
    [{ forwarded: 'for=192.0.2.1', 'x-forwarded-for': '192.0.2.2' }, 'contradict'],
    [{ forwarded: 'for=192.0.2.1;proto=https', 'x-forwarded-proto': 'http' }, 'contradict'],
    [{ forwarded: 'for=192.0.2.1;proto' }, 'Forwarded: expected elements'],
    [{ forwarded: 'for="192.0.2.1' }, 'Forwarded: expected elements'],
    [{ forwarded: 'for=192.0.2.1;proto=gopher' }, 'Forwarded: the scheme'],
  ])('is refused where the headers of a trusted proxy are wrong: %o', async (headers, detail) => {
    await start({ trusted: ['loopback'] })
    expect(await send('/sys', headers)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining(detail) },
    })
  })

  test('may be in both kinds of headers, if they agree', async () => {
    await start({ trusted: ['loopback'] })
    const headers = {
      forwarded: 'for=192.0.2.1;proto=https',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
    }
    expect((await send('/sys', headers)).status).toBe(200)
  })
})

describe('a WebSocket whose Upgrade a proxy has removed', () => {
  const replyTo = (without: RegExp, version = '1.1') => {
    const lines = upgradeRequest(service.port, '/sys').split('\r\n')
    const request = lines.filter((line) => !without.test(line)).join('\r\n')
    return exchange({ port: service.port }, request.replace('HTTP/1.1', `HTTP/${version}`))
  }

  test.each([
    [/^(Upgrade|Connection):/, '1.1', 'has no Upgrade: websocket'],
    [/^(Upgrade|Connection):/, '1.0', 'has no Upgrade: websocket'],
    [/^Connection:/, '1.1', 'has no Connection: Upgrade'],
  ])('is answered 426 with the reason: without %s over HTTP/%s', async (without, version, detail) => {
    await start({})
    const reply = await replyTo(without, version)
    expect(reply).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/)
    expect(reply.toLowerCase()).toContain('upgrade: websocket')
    expect(reply).toContain('urn:introspectd:problem:upgrade-lost')
    expect(reply).toContain(detail)
  })

  test('gets that reason also where its token is among the subprotocols', async () => {
    await start({}, { tokens: parseTokens('page read 0123456789abcdef') })
    expect(await replyTo(/^(Upgrade|Connection):/)).toContain('urn:introspectd:problem:upgrade-lost')
  })
})
