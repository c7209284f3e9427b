/** Access to the running service: tokens, certificates, and secrets that it never reports. */

import { mkdtempSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Access } from '../../src/app/access.ts'
import { ConfigError } from '../../src/config/error.ts'
import { Config } from '../../src/config/settings.ts'
import { Authority, type Signed } from '../support/certificates.ts'
import { runHere } from '../support/command-line.ts'
import { Live, run } from '../support/live.ts'
import { Pty } from '../support/pty.ts'
import { startForTest } from '../support/running.ts'
import { until } from '../support/until.ts'

let live: Live | undefined
let authority: Authority
let server: Signed
let alice: Signed

beforeAll(() => {
  authority = new Authority()
  server = authority.sign('localhost', 'server')
  alice = authority.sign('alice')
})

afterEach(async () => {
  await live?.stop()
  live = undefined
})

const secret = 'q8Zt-4TheTokenOfTheTest'
const other = 'q8Zt-AnotherTokenOfTheTest'
const folder = mkdtempSync(join(tmpdir(), 'introspectd-access-'))

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const authorization = `Bearer ${secret}`

/** Resolves when the log has such a line. */
async function logged(there: Live, words: RegExp): Promise<void> {
  await until(
    () => there.output.stderr,
    (text) => words.test(text),
    { what: String(words) },
  )
}

test('a token never appears in a reply, log, metric or shown setting', async () => {
  const tokenFile = write('tokens', `ha-1 operate ${secret}\n`)
  live = await Live.start(['--source', 'model', '--token-file', tokenFile, '--log-level', 'trace'])
  const { url } = live
  const encoded = Buffer.from(secret).toString('base64url')
  const replies: string[] = []
  const fetchPath = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}${path}`, init)
    replies.push(JSON.stringify([...response.headers]), await response.text())
    return response.status
  }
  const headers = { authorization }
  expect(await fetchPath('/sys/proc', { method: 'POST', headers, body: '{"name":"one"}' })).toBe(201)
  expect(await fetchPath('/sys/threads/threshold/hog', { method: 'PUT', headers, body: '100' })).toBe(201)
  for (const path of ['/sys/thresholds', '/sys?depth=3', '/metrics', '/readyz?verbose', '/openapi.json', '/sys/state'])
    expect([path, await fetchPath(path, { headers })]).toEqual([path, 200])
  expect(await fetchPath(`/sys?token=${secret}`, { headers })).toBe(400)
  expect(await fetchPath(`/sys?access_token=${encoded}`)).toBe(400)
  for (const wrong of [`${secret}x`, `Basic ${secret}`, secret])
    expect(
      await fetchPath('/sys', { headers: { authorization: wrong.includes(' ') ? wrong : `Bearer ${wrong}x` } }),
    ).toBe(401)
  expect(await fetchPath('/sys', { headers: { ...headers, accept: 'image/png' } })).toBe(406)
  expect(await fetchPath('/sys/proc', { method: 'POST', headers, body: '{' })).toBe(400)
  const socket = new WebSocket(`${url.replace('http', 'ws')}/sys`, ['cloudevents.json', `base64url.bearer.${encoded}`])
  socket.on('message', (data: Buffer) => replies.push(data.toString()))
  await new Promise((resolve) => socket.once('open', resolve))
  socket.send(`{"type":"subscribe","id":"${secret.length}"}`)
  await new Promise((resolve) => socket.once('message', resolve))
  const wrong = new WebSocket(`${url.replace('http', 'ws')}/sys`, [`base64url.bearer.${encoded}`])
  await new Promise((resolve) => wrong.once('error', resolve))
  socket.terminate()
  write('tokens', `ha-1 operate ${secret} ${other}\n`)
  process.kill(live.pid, 'SIGHUP')
  await logged(live, /were not reloaded/)
  const shown = await runHere(['config'], { env: { INTROSPECTD_TOKEN: secret, INTROSPECTD_TOKEN_FILE: tokenFile } })
  const everything = [...replies, live.output.stdout, live.output.stderr, shown.stdout, shown.stderr].join('\n')
  expect(everything).toContain('ha-1')
  expect(shown.stdout).toContain('token is set, and not shown')
  for (const trace of [secret, other, encoded]) expect(everything).not.toContain(trace)
})

test('command lines and environments appear neither in the tree nor in events', async () => {
  live = await Live.start([])
  const watcher = await live.watch('/sys')
  const [argument, variable] = ['password=k7RvInTheArguments', 'k7RvInTheEnvironment']
  const program = await startForTest('fd-hog', [10, 20, argument], { under: ['env', `SECRET=${variable}`] })
  await live.until(`/sys/proc/${program.pid}/fds`, ({ value }) => Number(value) > 20)
  await watcher.until(({ type, subject }) => type === 'process.created' && subject === `/sys/proc/${program.pid}`)
  const answers = await Promise.all(
    ['/sys?depth=4', '/sys/proc?depth=2', '/sys/proc?format=text', '/metrics', `/sys/proc/${program.pid}`].map(
      async (path) => (await fetch(`${live!.url}${path}`)).text(),
    ),
  )
  const everything = [...answers, ...watcher.frames].join('\n')
  expect(everything).toContain('fd-hog')
  expect(everything).not.toContain('k7Rv')
})

test('SIGHUP reads the tokens again: streams of removed tokens end, and a wrong file is logged and changes nothing', async () => {
  const tokenFile = write('tokens', `ha-1 read ${secret}\n`)
  live = await Live.start(['--source', 'model', '--token-file', tokenFile])
  const { url, pid } = live
  const status = async (token: string) =>
    (await fetch(`${url}/sys`, { headers: { authorization: `Bearer ${token}` } })).status
  const socket = new WebSocket(`${url.replace('http', 'ws')}/sys`, { headers: { authorization } })
  await new Promise((resolve) => socket.once('open', resolve))
  write('tokens', 'no tokens\n')
  process.kill(pid, 'SIGHUP')
  await logged(live, /were not reloaded: --token-file .*line 1/)
  expect([await status(secret), socket.readyState]).toEqual([200, WebSocket.OPEN])
  write('tokens', `ha-2 read ${other}\n`)
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  process.kill(pid, 'SIGHUP')
  await logged(live, /were reloaded/)
  expect(await closed).toBe(1008)
  expect([await status(secret), await status(other)]).toEqual([401, 200])
})

test('without files SIGHUP reloads nothing, and the log says so', async () => {
  live = await Live.start(['--source', 'model'])
  process.kill(live.pid, 'SIGHUP')
  await logged(live, /nothing to reload/)
  expect(await live.get('/sys')).toMatchObject({ path: '/sys' })
})

test('SIGHUP ends a service in order whose terminal is closed', async () => {
  const terminal = new Pty(['serve', '--port', '0', '--source', 'model'])
  await terminal.until(({ output }) => output.includes('3. '))
  terminal.close()
  expect(await terminal.ended).toMatchObject({ code: 0 })
})

describe('TLS', () => {
  const flags = () => ['--source', 'model', '--tls-cert', server.cert, '--tls-key', server.key]
  const status = (url: string, trust: ReturnType<Authority['trust']>, headers: Record<string, string> = {}) =>
    new Promise<number>((resolve, reject) => {
      const pending = request(`${url}/sys`, { ...trust, headers, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      pending.on('error', reject)
      pending.end()
    })

  test('the service announces https, and the commands connect if they know the issuer of its certificate', async () => {
    live = await Live.start(flags())
    const { url } = live
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const runCommand = (...words: string[]) => runHere(words, { env: { INTROSPECTD_URL: url } })
    expect((await runCommand('ps', '--ca', authority.ca)).stdout).toMatch(/PID/)
    expect((await run(['ps'], { env: { INTROSPECTD_URL: url, NODE_EXTRA_CA_CERTS: authority.ca } })).stdout).toMatch(
      /PID/,
    )
    expect(await runCommand('ps')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^introspectd: cannot reach https:.*certificate.*; --ca names who signed it\n$/),
    })
    expect((await runCommand('set', '/sys/threads', '100', '--ca', authority.ca)).stdout).toMatch(/set: at 100/)
    expect((await runCommand('watch', '--ca', '/nowhere')).stderr).toMatch(/^introspectd: --ca \/nowhere: ENOENT/)
  })

  test('a certificate has its role in commands and streams, and loses it when its name leaves the token file', async () => {
    const tokenFile = write('named', 'alice read cert\n')
    live = await Live.start([...flags(), '--tls-client-ca', authority.ca, '--token-file', tokenFile])
    const { url } = live
    const runCommand = (...words: string[]) =>
      runHere([...words, '--ca', authority.ca], { env: { INTROSPECTD_URL: url } })
    const shown = ['--client-cert', alice.cert, '--client-key', alice.key]
    expect((await runCommand('ps', ...shown)).stdout).toMatch(/PID/)
    expect((await runCommand('set', '/sys/threads', '100', ...shown)).stderr).toMatch(
      /the token alice has the role read/,
    )
    expect((await runCommand('ps')).stderr).toMatch(/^introspectd: cannot reach https:/)
    expect((await runCommand('ps', '--client-cert', alice.cert)).stderr).toMatch(
      /--client-cert and --client-key go together/,
    )
    write('named', 'bob read cert\n')
    process.kill(live.pid, 'SIGHUP')
    await logged(live, /were reloaded/)
    expect(await status(url, authority.trust(alice))).toBe(401)
  })

  test.each<[() => Partial<Config>, RegExp]>([
    [() => ({ tlsCert: server.cert }), /^--tls-cert needs --tls-key$/],
    [() => ({ tlsKey: server.key }), /^--tls-key needs --tls-cert$/],
    [() => ({ tlsClientCa: authority.ca }), /^--tls-client-ca needs --tls-cert and --tls-key$/],
    [() => ({ tlsCert: server.cert, tlsKey: alice.key }), /is not the key of --tls-cert/],
    [() => ({ tlsCert: '/nowhere', tlsKey: server.key }), /^--tls-cert \/nowhere: ENOENT/],
    [() => ({ tokenFile: write('certs', 'alice read cert\n') }), /"cert" needs --tls-client-ca$/],
    [() => ({ tlsCert: server.cert, tlsKey: server.key, host: '0.0.0.0' }), /loopback.*--token-file/],
  ])('contradictory settings and wrong files are rejected at the start', (settings, reason) => {
    const access = () => new Access(Config.parse(settings()), pino({ level: 'silent' }))
    expect(access).toThrow(reason)
    expect(access).toThrow(ConfigError)
  })
})
