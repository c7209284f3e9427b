/** Sends random requests and bytes: no response is 500 or above, and a refusal adds or removes no threshold. */

import { request } from 'node:http'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Service } from '../support/service.ts'

let service: Service

beforeAll(async () => {
  service = await new Service().start()
  const process = service.bench.process(42, { partition: ['web'] })
  service.bench.thread(process, 42)
  service.bench.observe(process, 'fds', 5)
})

afterAll(() => service.stop())

interface RandomRequest {
  readonly path: string
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: string | null
}

function send({ path, method, headers, body }: RandomRequest): Promise<{ status: number; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    // Node sends no length with the body of DELETE and OPTIONS: the body would be read as the next request.
    const length = body === null ? {} : { 'content-length': Buffer.byteLength(body) }
    const options = { port: service.port, host: '127.0.0.1', path, method, headers: { ...headers, ...length } }
    const sent = request(options, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        // An event stream has no end of its own.
        if (response.headers['content-type'] === 'text/event-stream') sent.destroy()
      })
      response.on('close', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }),
      )
    })
    sent.on('error', (error) => (sent.destroyed ? undefined : reject(error)))
    sent.end(body ?? undefined)
  })
}

const word = fc.constantFrom(
  ...[
    'sys',
    'proc',
    'part',
    '42',
    'thread',
    'web',
    'fds',
    'stack',
    'threshold',
    'hog',
    'rlimit',
    'nofile',
    'states',
    'limits',
  ],
  ...[
    '',
    '.',
    '..',
    '%2e%2e',
    '%00',
    '%ff',
    '%zz',
    'a%2Fb',
    '-1',
    '1e3',
    '0x2a',
    'constructor',
    '__proto__',
    'self',
    ':limit',
    '*',
    '**',
  ],
)
/** Paths outside the tree. Only the files of the documentation page are served there. */
const elsewhere = fc
  .tuple(
    fc.constantFrom('/docs', '/docs/static', '/metrics', '/readyz', '/livez', '/openapi.json', ''),
    fc.array(fc.constantFrom('..', '%2e%2e', '..%2f', '%00', '%zz', '.', '', 'index.html', 'package.json', 'json'), {
      maxLength: 4,
    }),
    fc.constantFrom('', '?', '?verbose', '?x=1', '?token=x'),
  )
  .map(([place, words, query]) => `${[place, ...words].join('/')}${query}`)
  .map((text) => (text.startsWith('/') ? text : `/${text}`))
const inTree = fc
  .tuple(
    fc.array(word, { maxLength: 8 }),
    fc.constantFrom('', '?', '?format=text', '?pretty', '?types=*', '?after=1', '?x=1', '?%zz'),
  )
  .map(([words, query]) => `/${['sys', ...words].join('/')}${query}`)
const path = fc.oneof({ weight: 5, arbitrary: inTree }, { weight: 1, arbitrary: elsewhere })
const body = fc.oneof(
  fc.json(),
  fc.string(),
  fc
    .record({
      at: fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant('50%')),
      per: fc.constantFrom('process', 'thread', 'galaxy'),
    })
    .map((value) => JSON.stringify(value)),
)
const headers = fc.record(
  {
    accept: fc.constantFrom('*/*', 'application/json', 'text/plain', 'text/event-stream', 'image/png', ';;', 'a/b;q=x'),
    'content-type': fc.constantFrom(
      'application/json',
      'text/plain',
      'text/html',
      '',
      'x',
      'application/json; charset=latin1',
    ),
    'if-match': fc.constantFrom('*', '"1"', 'x', ''),
    'if-none-match': fc.constantFrom('*', '"1"'),
    'if-process': fc.constantFrom('x', ''),
    'last-event-id': fc.constantFrom('1', 'x', '99999999999999999999'),
    'user-agent': fc.constantFrom('curl/8', 'Mozilla'),
  },
  { requiredKeys: [] },
)

test('random requests get a response below 500, and every refusal is a problem document', async () => {
  await fc.assert(
    fc.asyncProperty(
      path,
      fc.constantFrom('GET', 'PUT', 'DELETE', 'POST', 'PATCH', 'OPTIONS', 'HEAD'),
      headers,
      body,
      async (where, method, head, text) => {
        const sent = {
          path: where,
          method,
          headers: head as Record<string, string>,
          body: method === 'GET' || method === 'HEAD' ? null : text,
        }
        const before = service.bench.kernel.notifier.size
        const { status, type, text: answer } = await send(sent)
        expect(status).toBeGreaterThanOrEqual(200)
        expect(status).toBeLessThan(500)
        if (status < 400) return
        expect(type).toBe('application/problem+json; charset=utf-8')
        if (method !== 'HEAD')
          expect(JSON.parse(answer)).toMatchObject({ status, type: expect.stringMatching(/^urn:introspectd:problem:/) })
        expect(service.bench.kernel.notifier.size).toBe(before)
      },
    ),
    { numRuns: 600 },
  )
})

test('random bytes on the socket end in a response or a closed connection, and the service continues', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
      await new Promise<void>((resolve) => {
        const socket = connect(service.port, '127.0.0.1', () =>
          socket.end(Buffer.concat([Buffer.from(bytes), Buffer.from('\r\n\r\n')])),
        )
        socket.on('error', () => resolve())
        socket.on('close', () => resolve())
        socket.resume()
      })
    }),
    { numRuns: 100 },
  )
  expect((await service.get('/sys')).status).toBe(200)
})
