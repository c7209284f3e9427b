/** Tests webhooks to a receiver with TLS: its certificate is checked, and `ca` adds authorities. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpSender } from '../../src/reactions/http-sender.ts'
import { Authority } from '../support/certificates.ts'
import { excludePort } from '../support/contract/violations.ts'

const authority = new Authority()
let server: Server
let url: string

beforeAll(async () => {
  const { cert, key } = authority.sign('localhost')
  server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/moved') response.writeHead(302, { location: '/' })
      else if (request.url === '/busy') response.writeHead(429, { 'retry-after': '7' })
      else if (request.url === '/silent') return
      response.end('x'.repeat(200_000))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  excludePort(port)
  url = `https://localhost:${port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function send(path: string, { trusts = true, timeoutMs = 10_000 } = {}) {
  const ca = trusts ? [...rootCertificates, readFileSync(authority.ca, 'utf8')] : null
  const sender = new HttpSender({ url: `${url}${path}`, headers: {}, secrets: [], ca, timeoutMs, version: '0' })
  try {
    return await sender.send({ id: '1', contentType: 'text/plain', body: 'x' }, new AbortController().signal)
  } finally {
    await sender.close()
  }
}

test('a receiver whose certificate is not trusted gets nothing', async () => {
  expect(await send('/', { trusts: false })).toMatchObject({
    kind: 'failed',
    reason: expect.stringMatching(/CERT|VERIFY/),
  })
  expect(await send('/')).toEqual({ kind: 'done' })
})

test('a redirect is a failure, Retry-After is obeyed, and an answer that does not come is a failure', async () => {
  expect(await send('/moved')).toMatchObject({ kind: 'failed', reason: 'HTTP 302', isRefused: false })
  expect(await send('/busy')).toMatchObject({ kind: 'failed', reason: 'HTTP 429', retryAfterMs: 7_000 })
  expect(await send('/silent', { timeoutMs: 200 })).toEqual({ kind: 'failed', reason: 'no answer within 200ms' })
})
