/** Protection of the HTTP interface: Host and Origin checks, tokens and roles, and the documentation page. */

import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { allowedHosts, isLoopback, parseTokens } from '../../src/http/security/gate.ts'
import { Service } from '../support/service.ts'

let service: Service

afterEach(() => service?.stop())

const tokens = parseTokens(`
# people
watcher read    aaaaaaaaaaaaaaaaaaaa
ha-1    control bbbbbbbbbbbbbbbbbbbb
`)
const bearer = (letter: string) => ({ authorization: `Bearer ${letter.repeat(20)}` })

/** Sends a request with its own Host header, which fetch cannot set. */
function statusWith(port: number, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path: '/sys', method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end()
  })
}

test('only exact Hosts are served, in upper or lower case', async () => {
  service = await new Service().start()
  const { port } = service
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
    expect([host, await statusWith(port, { host })]).toEqual([host, 200])
  }
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    'localhost',
    `localhost:${port + 1}`,
    `x.localhost:${port}`,
  ]) {
    expect([host, await statusWith(port, { host })]).toEqual([host, 403])
  }
})

/** Sends one request as written, and returns its status and the type of its problem. */
async function statusOf(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end([...lines, 'Connection: close', '', ''].join('\r\n'))
  let text = ''
  for await (const piece of socket.setEncoding('utf8')) text += piece
  const type = /"type": ?"urn:introspectd:problem:([a-z-]+)"/.exec(text)?.[1]
  return [text.split(' ', 2)[1], type].filter((word) => word !== undefined).join(' ')
}

describe('health checks of load balancers', () => {
  test.each([
    ['GET /livez HTTP/1.0'],
    ['OPTIONS /livez HTTP/1.0'],
    ['GET /readyz HTTP/1.0'],
    ['HEAD /livez HTTP/1.0'],
    ['GET /livez HTTP/1.1'],
    ['GET /livez HTTP/1.1', 'Host: check.example'],
    ['HEAD /readyz?verbose HTTP/1.1', 'Host: 10.0.0.1:80'],
    ['GET /readyz HTTP/1.1', 'Host:'],
    ['GET http://lb.example/livez HTTP/1.1', 'Host: lb.example'],
  ])('%s %s is answered', async (...lines) => {
    service = await new Service().start()
    expect(await statusOf(service.port, lines)).toBe('200')
  })

  test('from pages of another origin are refused', async () => {
    service = await new Service().start()
    const lines = ['GET /livez HTTP/1.1', 'Host: check.example', 'Origin: http://evil.example']
    expect(await statusOf(service.port, lines)).toBe('403 origin-not-allowed')
  })
})

test('elsewhere a request of HTTP/1.1 without Host is malformed, and one of HTTP/1.0 is refused', async () => {
  service = await new Service().start()
  expect(await statusOf(service.port, ['GET /sys HTTP/1.1'])).toBe('400 malformed-request')
  expect(await statusOf(service.port, ['GET /sys HTTP/1.0'])).toBe('403 host-not-allowed')
  const place = `127.0.0.1:${service.port}`
  const hosts = [`Host: ${place}`, 'host: evil.example']
  expect(await statusOf(service.port, ['GET /sys HTTP/1.1', ...hosts])).toBe('400 malformed-request')
})

test('the absolute form of a target is served, and its authority is the Host', async () => {
  service = await new Service().start()
  const { port } = service
  const place = `127.0.0.1:${port}`
  expect(await statusOf(port, [`GET http://${place}/sys?depth=1 HTTP/1.1`, `Host: ${place}`])).toBe('200')
  expect(await statusOf(port, [`GET HTTP://${place} HTTP/1.1`, 'Host: other.example'])).toBe('200')
  expect(await statusOf(port, ['GET http://evil.example/sys HTTP/1.1', `Host: ${place}`])).toBe('403 host-not-allowed')
  expect(await statusOf(port, [`GET http://u:p@${place}/sys HTTP/1.1`, `Host: ${place}`])).toBe('400 malformed-path')
  expect(await statusOf(port, [`GET ftp://${place}/sys HTTP/1.1`, `Host: ${place}`])).toBe('400 malformed-path')
})

test('pages of other origins are refused, on requests and on upgrades', async () => {
  service = await new Service().start()
  const { port } = service
  const host = `localhost:${port}`
  expect(await statusWith(port, { host, origin: `http://localhost:${port}` })).toBe(200)
  for (const origin of ['http://evil.example', 'null', `http://localhost:${port + 1}`, `file://localhost:${port}`]) {
    expect([origin, await statusWith(port, { host, origin })]).toEqual([origin, 403])
    expect(await service.refusedUpgrade('/sys', { headers: { origin } })).toMatchObject({ status: 403 })
  }
  expect(await service.refusedUpgrade('/sys', { headers: { host: 'evil.example' } })).toMatchObject({ status: 403 })
})

describe('with tokens', () => {
  test('each route needs a token with its role, except the health routes', async () => {
    service = await new Service({ tokens }).start()
    service.bench.process(42)
    const hog = '/sys/proc/42/fds/threshold/hog'
    const put = (headers: Record<string, string>) => service.fetch(hog, { method: 'PUT', body: '100', headers })
    for (const [answer, status] of [
      [service.fetch('/sys'), 401],
      [service.fetch('/sys', { headers: bearer('x') }), 401],
      [service.fetch('/sys', { headers: { authorization: 'Basic eDp4' } }), 401],
      [service.fetch('/sys', { headers: bearer('a') }), 200],
      [service.fetch('/openapi.json'), 401],
      [service.fetch('/livez'), 200],
      [service.fetch('/readyz?verbose'), 200],
      [put({}), 401],
      [put(bearer('a')), 403],
      [put(bearer('b')), 201],
      [service.fetch(hog, { method: 'DELETE', headers: bearer('a') }), 403],
    ] as const) {
      expect((await answer).status).toBe(status)
    }
    expect((await service.get(hog, bearer('a'))).body).toMatchObject({ owner: 'ha-1' })
    expect((await service.fetch('/sys')).headers.get('www-authenticate')).toContain('Bearer')
  })

  test('an upgrade without a token is refused before it happens', async () => {
    service = await new Service({ tokens }).start()
    expect(await service.refusedUpgrade('/sys')).toMatchObject({ status: 401 })
  })
})

/** Offers a token as a subprotocol, as a page must, because it cannot set headers. */
const offer = (token: string) => `base64url.bearer.${Buffer.from(token).toString('base64url')}`

describe('a token among the subprotocols of a WebSocket', () => {
  test('counts like one in a header, and is never chosen as the subprotocol', async () => {
    service = await new Service({ tokens }).start()
    for (const protocols of [
      ['cloudevents.json', offer('a'.repeat(20))],
      [offer('b'.repeat(20)), 'cloudevents.json'],
    ]) {
      expect((await service.watch('/sys', protocols)).socket.protocol).toBe('cloudevents.json')
    }
  })

  test.each([
    ['alone', [offer('a'.repeat(20))], 400, /beside the token a real subprotocol/],
    ['beside an unknown one', [offer('a'.repeat(20)), 'mqtt'], 400, /offer one of cloudevents.json/],
    ['that is unknown', ['cloudevents.json', offer('x'.repeat(20))], 401, /not valid/],
    ['with padding left away wrongly', ['cloudevents.json', 'base64url.bearer.YQ-'], 401, /base64url without padding/],
    ['that is not UTF-8', ['cloudevents.json', 'base64url.bearer._w'], 401, /base64url without padding/],
    ['twice', ['cloudevents.json', offer('a'.repeat(20)), offer('b'.repeat(20))], 401, /more than one token/],
    ['that is empty', ['cloudevents.json', 'base64url.bearer.'], 401, /not valid/],
  ])('%s is refused', async (_, protocols, status, detail) => {
    service = await new Service({ tokens }).start()
    const { status: answered, body } = await service.refusedUpgrade('/sys', { protocols })
    expect([answered, body.detail]).toEqual([status, expect.stringMatching(detail)])
    expect(JSON.stringify(body)).not.toMatch(/a{20}|b{20}|x{20}|YWFh/)
  })

  test('does not count on a request without an upgrade', async () => {
    service = await new Service({ tokens }).start()
    const headers = { 'sec-websocket-protocol': `cloudevents.json, ${offer('a'.repeat(20))}` }
    expect((await service.fetch('/sys', { headers })).status).toBe(401)
  })

  test('needs another subprotocol with it, even where no tokens are in use', async () => {
    service = await new Service().start()
    expect(await service.refusedUpgrade('/sys', { protocols: [offer('any')] })).toMatchObject({ status: 400 })
    expect((await service.watch('/sys', ['cloudevents.json', offer('any')])).socket.protocol).toBe('cloudevents.json')
  })
})

test.each(['token', 'access_token', 'Access_Token', 'bearer_token'])(
  'a URL with ?%s= is always refused, and the answer says where a token belongs without repeating it',
  async (name) => {
    service = await new Service({ tokens }).start()
    const path = `/sys?fields=path&${name}=${'a'.repeat(20)}`
    const answer = await service.get(path, bearer('a'))
    expect(answer).toMatchObject({ status: 400, body: { type: 'urn:introspectd:problem:token-in-url' } })
    expect(answer.body.detail).toMatch(/Authorization: Bearer.*base64url\.bearer\./)
    expect(JSON.stringify(answer.body)).not.toContain('aaaa')
    expect(await service.refusedUpgrade(path)).toMatchObject({ status: 400 })
  },
)

test('reloading the token file ends the streams of removed tokens, and the others continue', async () => {
  service = await new Service({ tokens }).start()
  const authorized = (letter: string) => ['cloudevents.json', offer(letter.repeat(20))]
  const [removed, remaining] = [
    await service.watch('/sys', authorized('a')),
    await service.watch('/sys', authorized('b')),
  ]
  const events = await service.fetch('/sys', { headers: { ...bearer('a'), accept: 'text/event-stream' } })
  await service.untilStreams(3)
  service.setTokens(parseTokens(`ha-1 read ${'b'.repeat(20)}\nwatcher read ${'c'.repeat(20)}`))
  expect(await removed.closed).toEqual({ code: 1008, reason: 'the token of this stream is no longer valid' })
  expect(await events.text()).toMatch(/: the token of this stream is no longer valid\n\n$/)
  expect((await service.fetch('/sys', { headers: bearer('a') })).status).toBe(401)
  service.bench.process(42)
  expect((await remaining.until(1))[0]).toMatchObject({ type: 'process.created' })
})

test.each([
  ['', /no token/],
  ['ha-1 control', /line 1/],
  ['ha-1 root aaaaaaaaaaaaaaaaaaaa', /line 1/],
  ['# fine\nha-1 read short', /line 2.*16/],
  ['a read aaaaaaaaaaaaaaaaaaaa\na read bbbbbbbbbbbbbbbbbbbb', /twice/],
  ['a read aaaaaaaaaaaaaaaaaaaa\nb read aaaaaaaaaaaaaaaaaaaa', /line 2.*another name has this token/],
])('the token file %j is refused, naming the line and never the token', (text, reason) => {
  expect(() => parseTokens(text)).toThrow(reason)
  expect(() => parseTokens(text)).not.toThrow(/aaaaaaaa|short/)
})

test('loopback addresses and names are recognised, and are allowed as Hosts', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].map(isLoopback)).toEqual([true, true, true, true])
  expect(['0.0.0.0', '::', '10.0.0.1', 'example.org'].map(isLoopback)).toEqual([false, false, false, false])
  expect(allowedHosts('127.0.0.1', 80, ['Proxy:1'])).toEqual(
    expect.arrayContaining(['localhost', '127.0.0.1:80', '[::1]', 'proxy:1']),
  )
})

test('the page for trying requests refuses to be framed by another page', async () => {
  service = await new Service().start()
  for (const path of ['/docs', '/docs/', '/docs/static/index.html'])
    expect([path, (await service.fetch(path)).headers.get('x-frame-options')]).toEqual([path, 'DENY'])
})

test.each([
  ['/docs/static/index.html/%00', 400],
  ['/docs/static/%00', 400],
  ['/docs/static/a%5cb', 400],
  ['/docs/static/..%2f..%2fpackage.json', 404],
  ['/docs/static/.git', 404],
  ['/docs/static/index.html/x', 404],
])('%s is no file of the page and is answered with %i', async (path, status) => {
  service = await new Service().start()
  expect(await service.get(path)).toMatchObject({ status, body: { status } })
})
