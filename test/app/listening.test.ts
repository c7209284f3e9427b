/** Tests where the service listens: at several addresses, at localhost in both families, and at unix sockets. */

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { announcementOf } from '../../src/app/announcement.ts'
import type { SocketSettings } from '../../src/app/listening.ts'
import { peerReader } from '../../src/app/peers.ts'
import { Client, ProblemError } from '../../src/client/client.ts'
import { Config } from '../../src/config/settings.ts'
import { parseTokens } from '../../src/http/security/gate.ts'
import { readTls } from '../../src/http/security/tls.ts'
import { Authority } from '../support/certificates.ts'
import { Service, type ServiceOptions, Watcher } from '../support/service.ts'

const directory = mkdtempSync(join(tmpdir(), 'introspectd-listening-'))
afterAll(() => rmSync(directory, { recursive: true }))

const socketPath = join(directory, 'x.sock')
const services: Service[] = []
let other: Server | null = null
afterEach(async () => {
  for (const service of services.splice(0)) await service.stop()
  other?.close()
  other = null
})

/** Starts a service at the places of `--host`, with the default settings otherwise. */
async function listen(settings: Partial<SocketSettings>, options: ServiceOptions = {}) {
  const service = new Service(options)
  services.push(service)
  const { host, socketMode } = Config.parse({})
  return service.listenAt({ host, port: 0, socketMode, ...settings })
}

/** Listens, and expects that it is refused. */
const refusal = (settings: Partial<SocketSettings>) =>
  listen(settings).then(
    () => 'it listens',
    (error: unknown) => String(error),
  )

describe('addresses', () => {
  const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

  test('by default the service listens at localhost, at the same port in both families', async () => {
    const endpoints = await listen({})
    const { port } = endpoints[0]!
    expect(endpoints.map(({ host }) => host)).toEqual(['127.0.0.1', ...(hasIpv6 ? ['::1'] : [])])
    for (const { host } of endpoints)
      expect((await fetch(`http://${host === '::1' ? '[::1]' : host}:${port}/livez`)).status).toBe(200)
  })

  test('several addresses are separated by commas, and serve the same streams', async () => {
    const endpoints = await listen({ host: '127.0.0.1, 127.0.0.2' })
    const { port } = endpoints[0]!
    expect(endpoints).toMatchObject([
      { host: '127.0.0.1', port },
      { host: '127.0.0.2', port },
    ])
    const watchers = await Promise.all(
      endpoints.map(async ({ host }) => {
        const watcher = new Watcher(new WebSocket(`ws://${host}:${port}/sys`))
        await once(watcher.socket, 'open')
        return watcher
      }),
    )
    services[0]!.bench.process(7)
    for (const watcher of watchers) expect(await watcher.until(1)).toMatchObject([{ subject: '/sys/proc/7' }])
  })

  test('a port in use is refused with the address', async () => {
    other = createServer().listen(0, '127.0.0.2')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    expect(await refusal({ host: '127.0.0.1,127.0.0.2', port })).toMatch(`port ${port} on 127.0.0.2 is in use`)
  })
})

describe('a unix socket', () => {
  const host = `unix:${socketPath}`

  test('serves requests and WebSockets, and its file is removed at the end', async () => {
    expect(await listen({ host })).toEqual([{ host: null, port: 0, path: socketPath }])
    const client = new Client(host)
    expect((await client.get('/sys')).status).toBe(200)
    const watcher = new Watcher(new WebSocket(`ws+unix:${socketPath}:/sys`, { headers: { host: 'localhost' } }))
    await once(watcher.socket, 'open')
    services[0]!.bench.process(7)
    expect(await watcher.until(1)).toMatchObject([{ subject: '/sys/proc/7' }])
    const watch = client.watch('/sys/proc', { after: watcher.events[0]!.sequence, types: ['process.created'] })
    services[0]!.bench.process(8)
    expect((await watch.next()).value).toMatchObject({ subject: '/sys/proc/8' })
    await watch.return()
    await services.pop()!.stop()
    expect(statSync(socketPath, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('is served beside an address, and both have an end', async () => {
    const endpoints = await listen({ host: `${host},127.0.0.1` })
    expect(endpoints.map((endpoint) => endpoint.host)).toEqual(['127.0.0.1', null])
    expect((await new Client(host).get('/livez')).body).toBe('ok\n')
  })

  test('has its mode and group', async () => {
    await listen({ host, socketMode: '0620', socketGroup: String(process.getgid!()) })
    expect(statSync(socketPath).mode & 0o777).toBe(0o620)
    expect(await refusal({ host, socketGroup: 'no-such-group' })).toContain('/etc/group has no such group')
  })

  test('replaces that of a service which was killed, and no other file', async () => {
    const listener = "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))"
    spawnSync(process.execPath, ['-e', listener, socketPath])
    expect(statSync(socketPath).isSocket()).toBe(true)
    await listen({ host })
    const file = join(directory, 'file')
    writeFileSync(file, 'text')
    expect(await refusal({ host: `unix:${file}` })).toContain('a file that is no socket')
    expect(await refusal({ host })).toContain('another program listens there')
  })

  test.each(['unix:', 'unix:x.sock', `unix:/${'x'.repeat(107)}`, '127.0.0.1,', ''])('cannot be %j', (text) => {
    expect(Config.safeParse({ host: text }).success).toBe(false)
  })
})

describe('the user at the other end of a unix socket', () => {
  const host = `unix:${socketPath}`
  const secret = '0123456789abcdef'
  const start = async (line: string) =>
    listen({ host }, { tokens: parseTokens(`${line}\nann control ${secret}\n`), edge: { peerOf: await peerReader() } })
  const statusOf = (client: Client) =>
    client.put('/sys/fds/threshold/x', { at: 1 }).then(
      ({ status }) => status,
      (error: unknown) => (error instanceof ProblemError ? error.status : error),
    )

  test.each([
    [`me control uid:${process.getuid!()}`, 201],
    [`me control gid:${process.getgid!()}`, 201],
    [`me read uid:${process.getuid!()}`, 403],
    [`other operate uid:${process.getuid!() + 1}`, 401],
  ])('has the role of its line: %s', async (line, status) => {
    await start(line)
    expect(await statusOf(new Client(host))).toBe(status)
    // A token that is sent counts.
    expect(await statusOf(new Client(host, { token: secret }))).toBe(status === 201 ? 200 : 201)
  })

  test('loses its streams when its line names another user', async () => {
    await start(`me read uid:${process.getuid!()}`)
    const socket = new WebSocket(`ws+unix:${socketPath}:/sys`, { headers: { host: 'localhost' } })
    await once(socket, 'open')
    services[0]!.setTokens(parseTokens(`me read uid:${process.getuid!() + 1}\n`))
    expect((await once(socket, 'close'))[0]).toBe(1008)
  })

  test('is no user where the connection comes over the network', async () => {
    const [endpoint] = await listen(
      { host: '127.0.0.1' },
      { tokens: parseTokens(`me read uid:${process.getuid!()}\n`), edge: { peerOf: await peerReader() } },
    )
    expect((await fetch(`http://127.0.0.1:${endpoint!.port}/sys`)).status).toBe(401)
  })

  test('may stand in one line only', () => {
    expect(() => parseTokens('a read uid:5\nb read uid:5\n')).toThrow('another name has this token')
    expect(() => parseTokens('a read uid:x\n')).toThrow('at least 16 characters')
  })
})

describe('the first commands', () => {
  const file = join(directory, 'tokens')
  const text = 'watcher read 0123456789abcdef\nha-1 control fedcba9876543210\n'
  beforeAll(() => writeFileSync(file, text))

  const announce = (settings: Partial<Config>, hosts: readonly (string | null)[]) =>
    announcementOf({
      config: { ...Config.parse({}), ...settings },
      endpoints: hosts.map((host) => ({ host, port: 7007, path: host === null ? '/run/x y.sock' : null })),
      tokens: settings.tokenFile === undefined ? null : parseTokens(text),
      tls: null,
      storage: 'in memory',
      version: '0.0.0',
    })

  test('use localhost where the service listens everywhere, and take a token with a sufficient role', () => {
    const announced = announce({ tokenFile: file }, ['0.0.0.0'])
    expect(announced).toContain('listens on http://0.0.0.0:7007\n')
    expect(announced).toContain(`a token with the role control from ${file}`)
    expect(announced).not.toContain('fedcba')
    const [, command] = /\| (curl .*) -T- localhost:7007/.exec(announced)!
    const printed = spawnSync('sh', ['-c', command!.replace(/^curl/, 'printf "%s\\n"')], { encoding: 'utf8' })
    expect(printed.stdout).toContain('authorization: Bearer fedcba9876543210\n')
  })

  test('say which token is needed where the file has none', () => {
    const announced = announce({ tokenFile: file, source: 'model' }, ['::1'])
    expect(announced).toContain(`TOKEN is a token with the role operate from ${file}\n`)
    expect(announced).toContain('curl -H "authorization: Bearer $TOKEN" [::1]:7007/sys/proc')
  })

  test('use the unix socket where there is no address', () => {
    const announced = announce({}, [null])
    expect(announced).toContain('listens on unix:/run/x y.sock\n')
    expect(announced).toContain("curl --unix-socket '/run/x y.sock' -T- localhost/sys/fds/threshold/hog")
  })

  test('trust the certificate of the service', () => {
    const authority = new Authority()
    const { cert, key } = authority.sign('alpha')
    const announced = announcementOf({
      config: { ...Config.parse({}), tlsCert: cert },
      endpoints: [{ host: '0.0.0.0', port: 7007, path: null }],
      tokens: null,
      tls: readTls({ cert, key, clientCa: null }),
      storage: 'in memory',
      version: '0.0.0',
    })
    expect(announced).toContain(`curl --cacert ${cert} -T- https://localhost:7007/sys/fds/threshold/hog`)
    rmSync(authority.folder, { recursive: true })
  })
})
