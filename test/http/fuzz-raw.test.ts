/**
 * Random bytes and frames that no proper client would send. Each gets a response below 500 or a closed connection, no
 * error is logged, and the service continues.
 */

import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { subprotocols } from '../../src/stream/websocket.ts'
import { exchange, type Frame, frameBytes, upgradeRequest } from '../support/raw.ts'
import { Service } from '../support/service.ts'

let service: Service
const logged: string[] = []
// The test sends more requests than the default limits allow one client.
const limits = { requestsPerSecond: 0, connectionsPerAddress: 0, streamsPerClient: 0 }

beforeAll(async () => {
  const logger = pino({ level: 'error' }, { write: (line) => logged.push(line) })
  service = await new Service({ limits, logger }).start()
  service.bench.process(42)
})

afterAll(() => service.stop())

const send = (bytes: string | Buffer) => exchange({ port: service.port }, bytes)

async function stillServes(): Promise<void> {
  expect((await service.get('/sys')).status).toBe(200)
  expect(logged).toEqual([])
}

/** Finds the status of every response. Pipelined requests have several. */
const statusesIn = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

function expectAnswers(answer: string): void {
  // Every response is HTTP from its first byte.
  if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 [1-4]\d\d /)
  expect(statusesIn(answer).filter((status) => status >= 500)).toEqual([])
}

test('random bytes get a response below 500 or a closed connection', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
      expectAnswers(await send(Buffer.concat([Buffer.from(bytes), Buffer.from('\r\n\r\n')])))
    }),
    { numRuns: 300 },
  )
  await stillServes()
})

const verbs = ['PUT', 'DELETE', 'POST', 'CONNECT', 'TRACE', 'OPTIONS', 'PATCH', 'get', 'PRI', 'M-SEARCH', '']
const method = fc.oneof(fc.constant('GET'), fc.constantFrom(...verbs))
const target = fc.oneof(
  fc.constantFrom(
    ...[
      '/',
      '/sys',
      '/sys/proc/42',
      '/sys/calls',
      '/docs',
      '/docs/../sys',
      '/docs/static/../../package.json',
      '/metrics',
    ],
    ...[
      '*',
      '',
      '//',
      '//sys',
      '/sys//proc',
      'http://evil.example/sys',
      '/sys?',
      '/sys?a[]=b',
      '/sys?__proto__=1',
      '/%',
    ],
    ...['/sys/proc/42/fds/threshold/%00', '/sys/proc/%2e%2e/42', '/docs/%2e%2e/%2e%2e/package.json', 'sys', '/sys#x'],
  ),
  fc.webPath(),
  fc.string({ maxLength: 40 }).map((text) => `/sys/${text}`),
)
const headerLine = fc.oneof(
  fc.constantFrom(
    ...[
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Upgrade: h2c',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Version: 7',
    ],
    ...[
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Key: x',
      'Sec-WebSocket-Protocol: cloudevents.json',
    ],
    ...['Sec-WebSocket-Protocol: ,', 'Sec-WebSocket-Protocol: a,a', 'Sec-WebSocket-Protocol: base64url.bearer.YQ'],
    ...[
      'Sec-WebSocket-Extensions: permessage-deflate',
      'Sec-WebSocket-Extensions: ;;;',
      'Content-Length: 3',
      'Content-Length: -1',
    ],
    ...[
      'Content-Length: 99999999999999999999',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: x',
      'Expect: 100-continue',
    ],
    ...[
      'Expect: x',
      'Connection: close',
      'Connection: keep-alive, Upgrade',
      'HTTP2-Settings: x',
      'Host: evil.example',
      'Host:',
    ],
    ...[
      'Origin: null',
      'Authorization: Bearer',
      'Authorization: Basic x',
      'Accept: text/event-stream',
      'Accept: */*;q=0',
    ],
    ...[
      'If-Match: "',
      'Last-Event-ID: -1',
      'Range: bytes=0-',
      'Content-Type: multipart/form-data; boundary=x',
      'Cookie: a',
    ],
  ),
  fc.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 20 })).map(([name, value]) => `${name}: ${value}`),
)
const version = fc.oneof(
  { weight: 4, arbitrary: fc.constant('HTTP/1.1') },
  { weight: 1, arbitrary: fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/9.9', '') },
)
const rest = fc.oneof(
  fc.constant(''),
  fc.string(),
  fc.constantFrom('3\r\nabc\r\n0\r\n\r\n', 'zz\r\n', '{"at":1}', 'abc'),
)

test('one or several almost valid requests get responses below 500', async () => {
  const one = fc
    .tuple(method, target, version, fc.boolean(), fc.array(headerLine, { maxLength: 6 }), rest)
    .map(([verb, path, spoken, hasHost, lines, body]) => {
      const host = hasHost ? [`Host: 127.0.0.1:${service.port}`] : []
      return `${[`${verb} ${path} ${spoken}`, ...host, ...lines].join('\r\n')}\r\n\r\n${body}`
    })
  const statuses = new Set<number>()
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 3 }), async (requests) => {
      const answer = await send(requests.join(''))
      expectAnswers(answer)
      for (const status of statusesIn(answer)) statuses.add(status)
    }),
    { numRuns: 1500 },
  )
  // Guards against a run in which only the HTTP parser answers.
  expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 403, 404]))
  await stillServes()
})

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .record(
      {
        type: fc.constantFrom<unknown>('subscribe', 'unsubscribe', 'ack', 'event', '', null, 1),
        id: fc.constantFrom<unknown>('a', 'b', '', null, 1, {}, 'x'.repeat(1000)),
        path: fc.constantFrom<unknown>('/sys', '/sys/proc/*', '/sys/**', '/nowhere', '', '/sys/%zz', null, []),
        types: fc.constantFrom<unknown>(['process.*'], [], 'x', ['nonsense'], null, [1]),
        after: fc.constantFrom<unknown>('0', '99999999999999999999', 'x', 1, null),
        cursor: fc.constantFrom<unknown>('0', '99999999999999999999', 'x', 1, null),
      },
      { requiredKeys: [] },
    )
    .map((value) => Buffer.from(JSON.stringify(value))),
)
const frame: fc.Arbitrary<Frame> = fc
  .record({
    fin: fc.boolean(),
    reserved: fc.constantFrom(0, 0, 0, 1, 4, 7),
    opcode: fc.oneof(fc.constantFrom(0, 1, 1, 1, 2, 8, 9, 10), fc.nat(15)),
    masked: fc.constantFrom(true, true, true, false),
    payload,
    lie: fc.option(fc.constantFrom(0, 1, 125, 126, 65_535, 65_536, 2 ** 31), { freq: 8 }),
  })
  .map(({ lie, ...honest }) => (lie === null ? honest : { ...honest, length: lie }))

test.each(subprotocols)(
  '%s: a stream gets frames of any shape and bytes that are no frames, and the service continues',
  async (name) => {
    const bytes = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.array(frame, { maxLength: 20 }).map((frames) => Buffer.concat(frames.map(frameBytes))),
      },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((random) => Buffer.from(random)) },
    )
    await fc.assert(
      fc.asyncProperty(bytes, async (sent) => {
        const upgrade = upgradeRequest(service.port, '/sys', `Sec-WebSocket-Protocol: ${name}`)
        expect(await send(Buffer.concat([Buffer.from(upgrade), sent]))).toMatch(/^HTTP\/1\.1 101 /)
      }),
      { numRuns: 400 },
    )
    await service.untilStreams(0)
    await stillServes()
  },
)
