/** HTTPS, and clients that authenticate with certificates. */

import { request } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { connect } from 'node:tls'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { parseTokens } from '../../src/http/security/gate.ts'
import { readTls } from '../../src/http/security/tls.ts'
import { Authority, type Signed } from '../support/certificates.ts'
import { runHere } from '../support/command-line.ts'
import { Service } from '../support/service.ts'
import { until } from '../support/until.ts'

let authority: Authority
let server: Signed
let alice: Signed
let bob: Signed
let mallory: { ca: string; cert?: string; key?: string }
let service: Service

beforeAll(() => {
  authority = new Authority()
  server = authority.sign('localhost', 'server')
  alice = authority.sign('alice')
  bob = authority.sign('bob')
  const other = new Authority()
  mallory = { ...other.trust(other.sign('alice')), ca: authority.trust().ca }
})

afterEach(() => service?.stop())

const secret = 'a'.repeat(20)
const tokens = parseTokens(`alice read cert\nha-1 control ${secret}`)
const authorization = `Bearer ${secret}`

const start = ({ requestsCertificate = false, headersMs = 30_000 } = {}) =>
  new Service({ tokens, edge: { tls: readTls(authority.filesOf(server, { requestsCertificate })), headersMs } }).start()

type Trust = ReturnType<Authority['trust']> & { readonly servername?: string }

function get(trust: Trust, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { ...trust, host: '127.0.0.1', port: service.port, path: '/sys', headers, agent: false }
    const sent = request(options, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Waits until the service has forgotten all closed connections. */
async function untilGone(): Promise<void> {
  await until(
    () => service.app.server.clients.counts.connections,
    (count) => count === 0,
    { everyMs: 0 },
  )
}

test('tokens, Hosts and streams work over TLS as they do without', async () => {
  service = await start()
  const trust = authority.trust()
  expect((await get(trust)).status).toBe(401)
  expect((await get(trust, { authorization })).status).toBe(200)
  expect((await get({ ...trust, servername: 'localhost' }, { authorization, host: 'evil.example' })).status).toBe(403)
  const socket = new WebSocket(`wss://127.0.0.1:${service.port}/sys`, { ...trust, headers: { authorization } })
  const frame = new Promise<string>((resolve) => socket.once('message', (data: Buffer) => resolve(data.toString())))
  await new Promise((resolve) => socket.once('open', resolve))
  service.bench.process(42)
  expect(JSON.parse(await frame)).toMatchObject({ type: 'process.created' })
  socket.terminate()
  await untilGone()
  expect(service.app.server.clients.counts.streams).toBe(0)
})

test('a page over http has another origin', async () => {
  service = await start()
  const host = `127.0.0.1:${service.port}`
  const sendFrom = (origin: string) => get(authority.trust(), { authorization, host, origin })
  expect((await sendFrom(`https://${host}`)).status).toBe(200)
  expect((await sendFrom(`http://${host}`)).status).toBe(403)
})

test('a client without TLS, or with an old version, gets no answer', async () => {
  service = await start()
  const plain = connectPlain(service.port, '127.0.0.1')
  let received = ''
  plain.on('data', (data: Buffer) => {
    received += data.toString('latin1')
  })
  plain.write('GET /sys HTTP/1.1\r\nHost: x\r\n\r\n')
  await new Promise((resolve) => plain.once('close', resolve))
  expect(received).not.toContain('HTTP')
  const old = connect({
    ...authority.trust(),
    port: service.port,
    host: '127.0.0.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL',
  })
  await expect(new Promise((_, reject) => old.once('error', reject))).rejects.toThrow()
})

test('a command without TLS is explained in one line', async () => {
  service = await start()
  const url = `http://127.0.0.1:${service.port}`
  expect(await runHere(['ps', '--url', url])).toEqual({
    code: 1,
    stdout: '',
    stderr: `introspectd: cannot reach ${url}: it closes the connection; if it speaks TLS, use https, not http\n`,
  })
})

test('an unfinished handshake is ended after its time, and others are served meanwhile', async () => {
  service = await start({ headersMs: 3_000 })
  const idle = connectPlain(service.port, '127.0.0.1')
  const closed = new Promise((resolve) => idle.once('close', resolve))
  idle.resume()
  expect((await get(authority.trust(), { authorization })).status).toBe(200)
  await closed
  await untilGone()
})

test('the service can stop during a handshake', async () => {
  service = await start()
  const idle = connectPlain(service.port, '127.0.0.1')
  idle.resume()
  await new Promise((resolve) => service.app.server.server.once('connection', resolve))
  await service.stop()
})

describe('with client certificates', () => {
  test('a certificate has the role of its name, and a token sent with it counts instead', async () => {
    service = await start({ requestsCertificate: true })
    service.bench.process(42)
    expect(await get(authority.trust(alice))).toMatchObject({ status: 200 })
    const unnamed = await get(authority.trust(bob))
    expect([unnamed.status, unnamed.text]).toEqual([401, expect.stringContaining('common name')])
    expect(await get(authority.trust(bob), { authorization })).toMatchObject({ status: 200 })
    expect(await get(authority.trust(alice), { authorization: 'Bearer nobodys-token-at-all' })).toMatchObject({
      status: 401,
    })
  })

  test('a client without a certificate, or with one of another authority, fails, and its name is no token', async () => {
    service = await start({ requestsCertificate: true })
    await expect(get(authority.trust(), { authorization })).rejects.toThrow()
    await expect(get(mallory, { authorization })).rejects.toThrow()
    expect((await get(authority.trust(bob), { authorization: 'Bearer cert' })).status).toBe(401)
    expect((await get(authority.trust(bob), { authorization: 'Bearer alice' })).status).toBe(401)
  })

  test('a stream ends when its certificate is removed from the token file', async () => {
    service = await start({ requestsCertificate: true })
    const socket = new WebSocket(`wss://127.0.0.1:${service.port}/sys`, authority.trust(alice))
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    await new Promise((resolve) => socket.once('open', resolve))
    service.setTokens(parseTokens(`bob read cert`))
    expect(await closed).toBe(1008)
    expect((await get(authority.trust(bob))).status).toBe(200)
  })
})

test('new connections get a reloaded certificate, and old ones continue', async () => {
  service = await start()
  const served = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ ...authority.trust(), port: service.port, host: '127.0.0.1' }, () => {
        resolve(socket.getPeerCertificate().fingerprint256)
        socket.destroy()
      })
      socket.once('error', reject)
    })
  const before = await served()
  const stream = new WebSocket(`wss://127.0.0.1:${service.port}/sys`, {
    ...authority.trust(),
    headers: { authorization },
  })
  await new Promise((resolve) => stream.once('open', resolve))
  service.app.server.renewAccess(readTls(authority.filesOf(authority.sign('localhost', 'next'))))
  expect(await served()).not.toBe(before)
  expect(stream.readyState).toBe(WebSocket.OPEN)
  stream.terminate()
})

test('files that are no certificate or key, or do not match, are named without their content', () => {
  const junk = authority.write('junk.pem', 'not-a-certificate-but-secret')
  const broken = authority.write('broken.key', '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n')
  for (const [files, message] of [
    [{ ...server, cert: '/nowhere' }, /^--tls-cert \/nowhere: ENOENT/],
    [{ ...server, cert: junk }, /^--tls-cert .*junk.pem: it is not a certificate in PEM$/],
    [{ ...server, key: broken }, /^--tls-key .*broken.key: it is not a private key in PEM without a passphrase$/],
    [{ ...server, key: alice.key }, /^--tls-key .*alice.key: it is not the key of --tls-cert .*server.pem$/],
    [{ ...server, clientCa: junk }, /^--tls-client-ca .*junk.pem: it is not a certificate in PEM$/],
  ] as const) {
    expect(() => readTls({ clientCa: null, ...files })).toThrow(message)
    expect(() => readTls({ clientCa: null, ...files })).not.toThrow(/secret|c2Vj/)
  }
})
