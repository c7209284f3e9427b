/** Runs the blocks of docs/proxies.md with the real proxies: a prefix, both kinds of streams, the client's address. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { bounds } from '../../src/base/bounds.ts'
import { Service, Watcher } from '../support/service.ts'
import { registerStarted } from '../support/started.ts'
import { until } from '../support/until.ts'

const page = readFileSync(new URL('../../docs/proxies.md', import.meta.url), 'utf8')
const directory = mkdtempSync(join(tmpdir(), 'introspectd-proxies-'))
const host = 'alpha.example'
/** The idle limit of the proxies, and less between two signs of life. */
const idle = '2s'
const idleMs = 2_000

/** Runs the block of a proxy in a test. Each text that is replaced must be in the block. */
interface ProxyRow {
  readonly program: string
  readonly args: (file: string) => readonly string[]
  readonly replaced: (port: number) => readonly (readonly [from: string, to: string])[]
  /** The rest of the file. */
  readonly around: (block: string) => string
}

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

const rows: Readonly<Record<'nginx' | 'haproxy' | 'caddyfile', ProxyRow>> = {
  nginx: {
    program: 'nginx',
    args: (file) => ['-p', directory, '-e', 'stderr', '-c', file],
    replaced: (port) => [
      ['listen 80;', `listen 127.0.0.1:${port};`],
      ['proxy_read_timeout 60s', `proxy_read_timeout ${idle}`],
    ],
    around: (block) => {
      const paths = temporary.map((name) => `${name}_temp_path ${join(directory, name)};`).join('\n')
      return `daemon off;\nmaster_process off;\npid ${directory}/nginx.pid;\nevents {}\nhttp {\naccess_log off;\n${paths}\n${block}}\n`
    },
  },
  haproxy: {
    program: 'haproxy',
    args: (file) => ['-db', '-f', file],
    replaced: (port) => [
      ['bind :80', `bind 127.0.0.1:${port}`],
      ['timeout client 30s', `timeout client ${idle}`],
      ['timeout server 30s', `timeout server ${idle}`],
    ],
    around: (block) => block,
  },
  caddyfile: {
    program: 'caddy',
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
    replaced: (port) => [
      [`${host} {`, `http://${host}:${port} {`],
      ['header_up -Forwarded', `header_up -Forwarded\ntransport http {\nread_timeout ${idle}\n}`],
    ],
    around: (block) => `{\nadmin off\nauto_https off\n}\n${block}`,
  },
}

let service: Service
let proxy: ChildProcess | null = null
const { commentEveryMs, pingEveryMs } = bounds

beforeEach(async () => {
  Object.assign(bounds, { commentEveryMs: idleMs / 4, pingEveryMs: idleMs / 4 })
  service = new Service({ proxies: { trusted: ['127.0.0.1'] }, limits: { streamsPerClient: 1 } })
  await service.listenAt({ host: '127.0.0.1', port: 0, socketMode: '0660' }, [host])
})

afterEach(async () => {
  Object.assign(bounds, { commentEveryMs, pingEveryMs })
  if (proxy?.exitCode === null && proxy.kill('SIGTERM')) await once(proxy, 'exit')
  proxy = null
  await service.stop()
})

afterAll(() => rmSync(directory, { recursive: true }))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

function blockOf(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1]
  if (found === undefined) throw new Error(`docs/proxies.md has no block of ${language}`)
  return found
}

/** Starts the proxy with its block, and returns its port when it serves. */
async function start(language: keyof typeof rows, change = (block: string) => block): Promise<number> {
  const { program, args, replaced, around } = rows[language]
  const port = await freePort()
  const all = [...replaced(port), ['127.0.0.1:7007', new URL(service.url).host] as const]
  const block = all.reduce((made, [from, to]) => {
    if (!made.includes(from)) throw new Error(`the block of ${language} has no ${from}`)
    return made.replace(from, to)
  }, blockOf(language))
  const file = join(directory, `${language}.conf`)
  writeFileSync(file, around(change(block)))
  for (const name of temporary) mkdirSync(join(directory, name), { recursive: true })
  const env = { ...process.env, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory }
  proxy = spawn(program, args(file), { stdio: ['ignore', 'inherit', 'pipe'], env })
  registerStarted(proxy)
  let errors = ''
  proxy.stderr!.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const status = async () => {
    if (proxy?.exitCode !== null) throw new Error(`${program} has ended: ${errors}`)
    return (await send(port, '/introspectd/livez').catch(() => null))?.statusCode ?? 0
  }
  await until(status, (code) => code === 200, { what: `${program} serves: ${errors}` })
  return port
}

/** Sends a request through the proxy from an address of this machine. */
async function send(
  port: number,
  path: string,
  { from = '127.0.0.2', method = 'GET', headers = {}, body = '' } = {},
): Promise<IncomingMessage> {
  const options = { host: '127.0.0.1', port, path, method, localAddress: from, headers: { host, ...headers } }
  const sent = request(options)
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

const json = async (response: IncomingMessage) => JSON.parse(await text(response)) as Record<string, unknown>
const stream = { accept: 'text/event-stream' }

describe.each(['nginx', 'haproxy', 'caddyfile'] as const)('behind the block of %s', (language) => {
  test('URLs have the prefix, and the page of the documents is complete', async () => {
    const port = await start(language)
    expect(await json(await send(port, '/introspectd/openapi.json'))).toMatchObject({
      servers: [{ url: '/introspectd' }],
    })
    expect(await json(await send(port, '/introspectd/asyncapi.json'))).toMatchObject({
      servers: { http: { host, pathname: '/introspectd', protocol: 'http' } },
    })
    const put = { method: 'PUT', body: '{"at":100}', headers: { 'content-type': 'application/json' } }
    const created = await send(port, '/introspectd/sys/fds/threshold/hog', put)
    created.resume()
    expect([created.statusCode, created.headers.location]).toEqual([201, '/introspectd/sys/fds/threshold/hog'])
    const html = await text(await send(port, '/introspectd/docs'))
    const script = /src="([^"]*swagger-initializer[^"]*)"/.exec(html)![1]!
    const { pathname } = new URL(script, 'http://proxy/introspectd/docs')
    const found = await send(port, pathname)
    found.resume()
    expect([pathname, found.statusCode]).toEqual(['/introspectd/docs/static/swagger-initializer.js', 200])
    // The proxy, and not the client, names the prefix.
    const forged = await send(port, '/introspectd/openapi.json', { headers: { 'x-forwarded-prefix': '/evil' } })
    expect(await json(forged)).toMatchObject({ servers: [{ url: '/introspectd' }] })
  })

  test('each client has its own limits, whatever it claims to be', async () => {
    const port = await start(language)
    const open = (from: string, headers = {}) =>
      send(port, '/introspectd/sys', { from, headers: { ...stream, ...headers } })
    const forged = { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.2' }
    const opened = [await open('127.0.0.2'), await open('127.0.0.3'), await open('127.0.0.2', forged)]
    expect(opened.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429])
    for (const response of opened) response.destroy()
  })

  test('both kinds of streams stay open beyond the idle limit of the proxy', async () => {
    const port = await start(language)
    const socket = new WebSocket(`ws://127.0.0.1:${port}/introspectd/sys`, {
      localAddress: '127.0.0.3',
      headers: { host },
    })
    const watcher = new Watcher(socket)
    const events = await send(port, '/introspectd/sys', { headers: stream })
    let received = ''
    events.on('data', (chunk: Buffer) => {
      received += chunk.toString()
    })
    let pings = 0
    socket.on('ping', () => pings++)
    await until(
      () => ({ pings, comments: received.match(/^:\n/gm)?.length ?? 0 }),
      (seen) => seen.pings > 8 && seen.comments > 8,
      { what: 'the streams live for more than two idle limits' },
    )
    service.bench.process(7)
    await watcher.until(1)
    await until(
      () => received,
      (all) => all.includes('"subject":"/sys/proc/7"'),
    )
    expect(events.headers).toMatchObject({ 'cache-control': 'no-store, no-transform' })
    socket.terminate()
    events.destroy()
  })
})

test('the block of nginx also works over a unix socket', async () => {
  const [, line] = /`(proxy_pass http:\/\/unix:[^`]*)`/.exec(page)!
  await service.stop()
  const path = join(directory, 'introspectd.sock')
  service = new Service({ proxies: { trusted: ['unix'] }, limits: { streamsPerClient: 1 } })
  await service.listenAt({ host: `127.0.0.1,unix:${path}`, port: 0, socketMode: '0666' }, [host])
  const port = await start('nginx', (block) =>
    block.replace(/proxy_pass .*;/, line!.replace('/run/introspectd/sock', path)),
  )
  expect(await json(await send(port, '/introspectd/openapi.json'))).toMatchObject({
    servers: [{ url: '/introspectd' }],
  })
  const opened = await Promise.all(
    ['127.0.0.2', '127.0.0.3'].map((from) => send(port, '/introspectd/sys', { from, headers: stream })),
  )
  expect(opened.map(({ statusCode }) => statusCode)).toEqual([200, 200])
  for (const response of opened) response.destroy()
})

test('a WebSocket whose Upgrade the proxy has removed is answered with the reason', async () => {
  const port = await start('nginx', (block) => block.replace(/^.*(\$http_upgrade|\$connection_upgrade);$/gm, ''))
  const socket = new WebSocket(`ws://127.0.0.1:${port}/introspectd/sys`, { headers: { host } })
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  expect(response.statusCode).toBe(426)
  expect(await json(response)).toMatchObject({ type: 'urn:introspectd:problem:upgrade-lost' })
})

test('a stream on which nothing moves is cut at the idle limit, so the comments are needed', async () => {
  Object.assign(bounds, { commentEveryMs: 60_000 })
  const port = await start('nginx')
  const events = await send(port, '/introspectd/sys', { headers: stream })
  const cut = new Promise((resolve) => events.once('error', resolve))
  events.resume()
  expect(await cut).toMatchObject({ message: 'aborted' })
  await service.untilStreams(0)
})
