/** The service as it is started: who is let in, what is said of it, and what nobody is told. */

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
import { Live, run } from '../support/live.ts'
import { startForTest } from '../support/running.ts'

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

/** Resolves when there is a line in the log that says so. */
async function logged(there: Live, words: RegExp): Promise<void> {
  while (!words.test(there.output.stderr)) await new Promise((resolve) => there.child.stderr!.once('data', resolve))
}

test('a token is in no answer, no log, no metric and no setting that is shown, whatever is done with it', async () => {
  const tokenFile = write('tokens', `ha-1 operate ${secret}\n`)
  live = await Live.start(['--source', 'model', '--token-file', tokenFile, '--log-level', 'trace'])
  const { url } = live
  const encoded = Buffer.from(secret).toString('base64url')
  const heard: string[] = []
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}${path}`, init)
    heard.push(JSON.stringify([...response.headers]), await response.text())
    return response.status
  }
  const headers = { authorization }
  expect(await ask('/sys/proc', { method: 'POST', headers, body: '{"name":"one"}' })).toBe(201)
  expect(await ask('/sys/threads/threshold/hog', { method: 'PUT', headers, body: '100' })).toBe(201)
  for (const path of ['/sys/thresholds', '/sys?depth=3', '/metrics', '/readyz?verbose', '/openapi.json', '/sys/state'])
    expect([path, await ask(path, { headers })]).toEqual([path, 200])
  expect(await ask(`/sys?token=${secret}`, { headers })).toBe(400)
  expect(await ask(`/sys?access_token=${encoded}`)).toBe(400)
  for (const wrong of [`${secret}x`, `Basic ${secret}`, secret])
    expect(await ask('/sys', { headers: { authorization: wrong.includes(' ') ? wrong : `Bearer ${wrong}x` } })).toBe(
      401,
    )
  expect(await ask('/sys', { headers: { ...headers, accept: 'image/png' } })).toBe(406)
  expect(await ask('/sys/proc', { method: 'POST', headers, body: '{' })).toBe(400)
  const socket = new WebSocket(`${url.replace('http', 'ws')}/sys`, ['cloudevents.json', `base64url.bearer.${encoded}`])
  socket.on('message', (data: Buffer) => heard.push(data.toString()))
  await new Promise((resolve) => socket.once('open', resolve))
  socket.send(`{"type":"subscribe","id":"${secret.length}"}`)
  await new Promise((resolve) => socket.once('message', resolve))
  const wrong = new WebSocket(`${url.replace('http', 'ws')}/sys`, [`base64url.bearer.${encoded}`])
  await new Promise((resolve) => wrong.once('error', resolve))
  socket.terminate()
  write('tokens', `ha-1 operate ${secret} ${other}\n`)
  process.kill(live.pid, 'SIGHUP')
  await logged(live, /were not reloaded/)
  const shown = await run(['config'], { env: { INTROSPECTD_TOKEN: secret, INTROSPECTD_TOKEN_FILE: tokenFile } })
  const everything = [...heard, live.output.stdout, live.output.stderr, shown.stdout, shown.stderr].join('\n')
  expect(everything).toContain('ha-1')
  expect(shown.stdout).toContain('token is set, and not shown')
  for (const trace of [secret, other, encoded]) expect(everything).not.toContain(trace)
})

test('command lines and environments are nowhere: not in the tree, not in events', async () => {
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

test('SIGHUP reads the tokens anew: streams of those that are gone end, and a wrong file changes nothing and is said', async () => {
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

test('without such files SIGHUP ends it, as when a terminal is closed', async () => {
  const started = await Live.start(['--source', 'model'])
  expect(await started.stop('SIGHUP')).toBe(null)
})

describe('over TLS', () => {
  const flags = () => ['--source', 'model', '--tls-cert', server.cert, '--tls-key', server.key]
  const status = (url: string, trust: ReturnType<Authority['trust']>, headers: Record<string, string> = {}) =>
    new Promise<number>((resolve, reject) => {
      const asked = request(`${url}/sys`, { ...trust, headers, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      asked.on('error', reject)
      asked.end()
    })

  test('it says https, and the commands speak with it where they know who signed it', async () => {
    live = await Live.start(flags())
    const { url } = live
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const ask = (...words: string[]) => run(words, { env: { INTROSPECTD_URL: url } })
    expect((await ask('ps', '--ca', authority.ca)).stdout).toMatch(/PID/)
    expect((await run(['ps'], { env: { INTROSPECTD_URL: url, NODE_EXTRA_CA_CERTS: authority.ca } })).stdout).toMatch(
      /PID/,
    )
    expect(await ask('ps')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^introspectd: cannot reach https:.*certificate.*; --ca names who signed it\n$/),
    })
    expect((await ask('set', '/sys/threads', '100', '--ca', authority.ca)).stdout).toMatch(/set: at 100/)
    expect((await ask('watch', '--ca', '/nowhere')).stderr).toMatch(/^introspectd: --ca \/nowhere: ENOENT/)
  })

  test('a certificate stands for its role in commands and streams, and for none when its name is gone from the token file', async () => {
    const tokenFile = write('named', 'alice read cert\n')
    live = await Live.start([...flags(), '--tls-client-ca', authority.ca, '--token-file', tokenFile])
    const { url } = live
    const ask = (...words: string[]) => run([...words, '--ca', authority.ca], { env: { INTROSPECTD_URL: url } })
    const shown = ['--client-cert', alice.cert, '--client-key', alice.key]
    expect((await ask('ps', ...shown)).stdout).toMatch(/PID/)
    expect((await ask('set', '/sys/threads', '100', ...shown)).stderr).toMatch(/the token alice has the role read/)
    expect((await ask('ps')).stderr).toMatch(/^introspectd: cannot reach https:/)
    expect((await ask('ps', '--client-cert', alice.cert)).stderr).toMatch(/--client-cert and --client-key go together/)
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
  ])('settings that do not go together, or name wrong files, are refused as it starts', (settings, reason) => {
    const access = () => new Access(Config.parse(settings()), pino({ level: 'silent' }))
    expect(access).toThrow(reason)
    expect(access).toThrow(ConfigError)
  })
})
