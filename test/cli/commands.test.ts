/**
 * Tests `introspectd ps` and `set`, and the errors of every command when the service does not answer or
 * needs a token.
 */

import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { partitionName } from '../../src/tree/partition-name.ts'
import { RunningCommand, runHere } from '../support/command-line.ts'
import { excludePort } from '../support/contract/violations.ts'
import { Live, run } from '../support/live.ts'
import { type Program, start } from '../support/programs.ts'
import { Service } from '../support/service.ts'

let live: Live
let hog: Program
const runWith = (...words: string[]) => runHere(words, { env: { INTROSPECTD_URL: live.url } })
const line = (text: string) => ({ code: 1, stdout: '', stderr: `introspectd: ${text}\n` })

beforeAll(async () => {
  live = await Live.start()
  // Opens a descriptor every 10 ms until it has 300.
  hog = await start('fd-hog', [10, 300])
  await live.until(`/sys/proc/${hog.pid}/fds`, ({ value }) => Number(value) > 300)
})

afterAll(async () => {
  await hog.stop()
  await live.stop()
})

describe('ps', () => {
  test('lists every process in order of pid', async () => {
    const { code, stdout, stderr } = await runWith('ps')
    expect([code, stderr]).toEqual([0, ''])
    const [titles, ...rows] = stdout.trimEnd().split('\n')
    expect(titles).toMatch(/^ *PID {2}NAME +UID +%CPU +MEMORY +STACK +FDS +THREADS +STATES +PARTITION$/)
    const pids = rows.map((row) => Number.parseInt(row, 10))
    expect(pids).toEqual(pids.toSorted((one, other) => one - other))
    expect(pids).toEqual(expect.arrayContaining([hog.pid, live.pid, process.pid]))
  })

  test('sorts numbers from the largest, text from A, and reverses the order', async () => {
    const column = (stdout: string, place: number) =>
      stdout
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((row) => row.trim().split(/ {2,}/)[place]!)
    const fds = column((await runWith('ps', '--sort', 'fds')).stdout, 6).map(Number)
    expect(fds.filter((count) => !Number.isNaN(count))).toEqual(
      fds.filter((count) => !Number.isNaN(count)).toSorted((one, other) => other - one),
    )
    const names = column((await runWith('ps', '--sort', 'NAME', '--reverse')).stdout, 1)
    expect(names).toEqual(names.toSorted().reverse())
  })

  test('selects by name, ignoring case', async () => {
    const { stdout } = await runWith('ps', '--name', 'FD-H')
    expect(stdout).toMatch(new RegExp(`^ *${hog.pid} {2}fd-hog `, 'm'))
    for (const row of stdout.trimEnd().split('\n').slice(1)) expect(row).toContain('fd-hog')
  })

  test('selects by partition, written as in the column PARTITION', async () => {
    const { partition } = (await live.get(`/sys/proc/${hog.pid}`)) as { partition: string | null }
    if (partition === null) return expect((await runWith('ps', '--part', 'nowhere')).code).toBe(1)
    const shown = partitionName(partition)
    const { stdout } = await runWith('ps', '--part', shown, '--name', 'fd-hog')
    expect(stdout).toMatch(new RegExp(`^ *${hog.pid} {2}fd-hog .*${shown}$`, 'm'))
  })

  test('with --watch prints a line for each process that starts, changes or ends', async () => {
    const watching = new RunningCommand(['ps', '--watch', '--name', 'fd-hog'], { env: { INTROSPECTD_URL: live.url } })
    await watching.until(({ stderr }) => stderr.startsWith('introspectd: watching '))
    // Other tests run the same program.
    expect(watching.stdout).toMatch(new RegExp(`^EVENT +PID (.*\\n)+ +${hog.pid} {2}fd-hog .*\\n`))
    const other = await start('fd-hog', [1, 1])
    await watching.until(({ stdout }) => stdout.includes(`${other.pid}  fd-hog`))
    await other.stop()
    await watching.until(({ stdout }) => new RegExp(`^(exit \\d+|SIG[A-Z]+) +${other.pid} {2}fd-hog`, 'm').test(stdout))
    expect(watching.stdout).toMatch(new RegExp(`^exec +${other.pid} {2}fd-hog .* - +- `, 'm'))
    expect(await watching.stop()).toBe(0)
  })

  test('hides kernel threads, and shows them last with --all', async () => {
    const service = await new Service().start()
    try {
      const env = { INTROSPECTD_URL: `http://127.0.0.1:${service.port}` }
      service.bench.process(2, { name: 'kthreadd', kernelThread: true })
      service.bench.process(42)
      expect((await runHere(['ps'], { env })).stdout).not.toContain('kthreadd')
      const { stdout } = await runHere(['ps', '--all'], { env })
      expect(stdout).toMatch(/^ *42 {2}p42 .*\n *2 {2}\[kthreadd\] .*\n$/m)
      expect(await runHere(['ps', '--name', 'kthread'], { env })).toMatchObject({
        code: 0,
        stderr: 'introspectd: no process fits; --all shows kernel threads, too\n',
      })
    } finally {
      await service.stop()
    }
  })

  test('lists the threads of a process if a pid is given', async () => {
    const { stdout } = await runWith('ps', 'self', '--sort', 'name')
    expect(stdout).toMatch(/^ *TID {2}NAME +STATE +ON +%CPU +STACK +OF +SINCE$/m)
    expect(stdout).toMatch(new RegExp(`^ *${live.pid} {2}introspectd `, 'm'))
  })

  test.each([
    [['ps', 'httpd'], /^PID "httpd": expected a pid; --name finds processes by name$/],
    [['ps', '4000000000'], /^\/sys\/proc\/4000000000\/thread does not exist; \/sys\/proc does$/],
    [['ps', '1', '--name', 'x'], /^--name and --part select processes; leave them out with a pid$/],
    [['ps', '--sort', 'fdss'], /^--sort: there is no column fdss; did you mean fds\?$/],
    [['ps', 'self', '--sort', 'partition'], /^--sort: there is no column partition; there are tid, name, /],
    [['ps', '--part', 'no/such'], /^\/sys\/part\/no\/part\/such\/proc does not exist; \/sys\/part does/],
    [['ps', '--srot', 'fds'], /^unknown option '--srot'; did you mean --sort\?$/],
    [['ps', '--sort'], /^option '--sort <text>' argument missing$/],
  ])('%j is refused: %s', async (words, reason) => {
    const { code, stdout, stderr } = await runWith(...words)
    expect([code, stdout]).toEqual([1, ''])
    expect(/^introspectd: (.*)\n$/.exec(stderr)?.[1]).toMatch(reason)
  })

  test('ends without an error when its pipe is closed early', async () => {
    // The reader ends before the command writes anything.
    const under = ['bash', '-c', 'set -o pipefail; "$0" "$@" | true']
    const ended = await run(['ps'], { env: { INTROSPECTD_URL: live.url }, under })
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe('set', () => {
  test('sets the threshold named cli, prints its state, and reports a replacement', async () => {
    const path = `/sys/proc/${hog.pid}/fds/threshold/cli`
    expect(await runWith('set', `/sys/proc/${hog.pid}/fds`, '1000')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        new RegExp(
          `^${path} set: at 1000; armed, fds now \\d+ of \\d+\\n  it ends with process ${hog.pid}; to follow the program, set /sys/fds/threshold/cli with per=process where.exe=fd-hog\\n$`,
        ),
      ),
    })
    expect((await runWith('set', `${hog.pid}/fds`, '200', 'note=too many')).stdout).toMatch(
      new RegExp(`^${path} replaced: at 200; tripped, fds now \\d+ of \\d+\\n`),
    )
    expect(await live.get(path)).toMatchObject({ at: 200, note: 'too many', state: 'tripped' })
  })

  test('accepts a threshold name in the path, and lists the nodes that are already past it', async () => {
    const { stdout } = await runWith('set', 'fds/threshold/each', '300', 'per=process', 'rearm=250')
    expect(stdout).toMatch(/^\/sys\/fds\/threshold\/each set: at 300 for each process; tripped, \d+ of \d+ past it/)
    expect(stdout).toContain(`  past it: /sys/proc/${hog.pid}/fds\n`)
    expect(await live.get('/sys/fds/threshold/each')).toMatchObject({ per: 'process', rearm: 250 })
  })

  test('takes amounts in the unit of the limit, and prints them so', async () => {
    const set = async (...words: string[]) => (await runWith('set', ...words)).stdout
    expect(await set('self/memory', '64G')).toMatch(/ set: at 64G; armed, memory now \d+M\n {2}it ends with /)
    expect(await set('self/cpu', '40cpu')).toMatch(
      / set: at 4000\.0% of one CPU; armed, cpu now [\d.]+%\n {2}it ends with /,
    )
    expect((await runWith('set', 'self/fds', '1G')).stderr).toMatch(
      /^introspectd: at: 1G does not fit; fds is counted in ones: a whole number without a unit\n$/,
    )
  })

  test('prints amounts in units', async () => {
    expect((await runWith('set', 'memory-free', '1%', 'direction=falling')).stdout).toMatch(
      /^\/sys\/memory-free\/threshold\/cli set: down to 1%; armed, memory-free now [\d.]+[MGT] of [\d.]+[MGT]\n$/,
    )
  })

  test.each([
    [
      ['self/fdss', '1'],
      /^\/sys\/proc\/self\/fdss\/threshold\/cli does not exist; (\S+) does; did you mean \1\/fds\?$/,
    ],
    [['self', '1'], /^\/sys\/proc\/self is no limit; name one below it, as in \/sys\/proc\/self\/fds$/],
    [['/sys', '1'], /^\/sys is no limit; name one below it, as in \/sys\/fds$/],
    [['/sys/proc/', '1'], /^\/sys\/proc is no limit/],
    [['fds', 'many'], /^at: a whole number; a percentage from "0%" to "100%"/],
    [['fds', '-1'], /^at: Too small: expected number to be >=0$/],
    [['fds', ''], /^the trip point is missing; send one, as in 100 or 80%$/],
    [['fds'], /^missing required argument 'at'$/],
    [['fds', '10', 'rearmm=5'], /^there is no field rearmm; did you mean rearm\?$/],
    [['fds', '10', 'rearm=50'], /^rearm: "rearm" must lie strictly below "at" when rising$/],
    [['fds', '10', 'loud'], /^"loud" is not name=value; the first word is the trip point$/],
    [['fds', '10', 'direction=up'], /^direction: /],
    [['mutexes', '10'], /^mutexes cannot be measured|owners of locks/],
    [['/fds', '10'], /^\/fds\/threshold\/cli does not exist; \/ does$/],
  ])('%j is refused and sets nothing: %s', async (words, reason) => {
    const before = await live.get('/sys/thresholds')
    const { code, stdout, stderr } = await runWith('set', ...words)
    expect([code, stdout]).toEqual([1, ''])
    expect(/^introspectd: (.*)\n$/.exec(stderr)?.[1]).toMatch(reason)
    const after = await live.get('/sys/thresholds')
    const paths = ({ entries }: Record<string, unknown>) => (entries as { path: string }[]).map(({ path }) => path)
    expect(paths(after)).toEqual(paths(before))
  })
})

describe('a command without an answer from the service explains', () => {
  const otherServers: Server[] = []
  const startOtherServer = async (status: number, type: string, body: string): Promise<string> => {
    const server = createServer((_request, response) => response.writeHead(status, { 'content-type': type }).end(body))
    otherServers.push(server.listen(0, '127.0.0.1'))
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    excludePort(port)
    return `http://127.0.0.1:${port}`
  }

  afterAll(() => {
    for (const server of otherServers) server.close()
  })

  test('an address where nothing listens', async () => {
    const gone = await startOtherServer(200, 'text/html', '')
    await new Promise((resolve) => otherServers.pop()!.close(resolve))
    const message = line(`nothing listens at ${gone}; introspectd serve starts the service, --url names another place`)
    for (const words of [['ps'], ['top'], ['watch'], ['set', 'fds', '1']]) {
      expect(await runHere([...words, '--url', gone])).toEqual(message)
    }
  })

  test.each([
    [200, 'text/html', '<html>'],
    [200, 'application/json', '{}'],
    [404, 'text/plain', 'no'],
    [500, 'application/problem+json', 'not JSON'],
    [404, 'application/problem+json', '{"detail": 5}'],
  ])('a server that answers %i %s %s, which is not introspectd', async (status, type, body) => {
    const url = await startOtherServer(status, type, body)
    expect(await runHere(['ps', '--url', url])).toEqual(
      line(`what answers at ${url} is not introspectd (status ${status}); --url names another place`),
    )
  })

  test('an address that cannot be resolved', async () => {
    const { code, stderr } = await runHere(['ps', '--url', 'http://nowhere.invalid'])
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^introspectd: cannot reach http:\/\/nowhere.invalid: .+\n$/),
    ])
    expect((await runHere(['ps', '--url', 'ftp://localhost'])).stderr).toBe(
      'introspectd: --url "ftp://localhost": expected an address such as http://127.0.0.1:7007, or unix:/run/introspectd.sock\n',
    )
  })

  test('an address without a scheme is http, and may end with a slash', async () => {
    const { host } = new URL(live.url)
    for (const url of [host, `${live.url}/`, `HTTP://${host}`])
      expect([url, (await runHere(['get', 'self', '--url', url])).code]).toEqual([url, 0])
  })

  test('an address may have a path, which is the prefix of all others', async () => {
    const service = await new Service({ proxies: { basePath: '/machines/a' } }).start()
    try {
      service.bench.process(42)
      for (const path of ['/machines/a', '/machines/a/']) {
        const url = `127.0.0.1:${service.port}${path}`
        expect((await runHere(['ps', '--url', url])).stdout).toMatch(/^ *42 {2}p42 /m)
        expect((await runHere(['set', '42/fds', '7', '--url', url])).code).toBe(0)
        const watching = new RunningCommand(['watch', '--url', url])
        await watching.until(({ stderr }) => stderr.includes(`watching /sys at http://${url}`))
        expect(await watching.stop()).toBe(0)
      }
      expect((await runHere(['ps', '--url', `127.0.0.1:${service.port}/machines/b`])).code).toBe(1)
    } finally {
      await service.stop()
    }
  })

  test('https against a service without TLS is explained', async () => {
    const url = live.url.replace('http', 'https')
    expect(await runHere(['ps', '--url', url])).toEqual(
      line(`cannot reach ${url}: it does not speak TLS; use http, not https`),
    )
  })
})

describe('a service that requires a token', () => {
  let guarded: Live
  const secrets = { watcher: '0123456789abcdef', controller: 'fedcba9876543210' }

  beforeAll(async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'introspectd-')), 'tokens')
    writeFileSync(file, `watcher read ${secrets.watcher}\nha-1 control ${secrets.controller}\n`)
    guarded = await Live.start(['--token-file', file])
  })

  afterAll(() => guarded.stop())

  const runAs = (token: string | null, ...words: string[]) =>
    runHere([...words, '--url', guarded.url], { env: token === null ? {} : { INTROSPECTD_TOKEN: token } })

  test('makes every command report a missing or unknown token', async () => {
    for (const words of [['ps'], ['top'], ['watch'], ['set', 'fds', '1']]) {
      const none = await runAs(null, ...words)
      expect(none).toEqual(line(`${guarded.url} asks for a token: put one into INTROSPECTD_TOKEN`))
    }
    expect(await runAs('not-this-one', 'ps')).toEqual(
      line(`${guarded.url} does not know the token of INTROSPECTD_TOKEN`),
    )
  })

  test('allows a reader to read, and refuses changes with the reason', async () => {
    expect(await runAs(secrets.watcher, 'ps', 'self')).toMatchObject({ code: 0, stderr: '' })
    expect(await runAs(secrets.watcher, 'set', 'fds', '1')).toEqual(
      line('the token watcher has the role read; this needs control'),
    )
  })

  test('allows a controller to set thresholds, which then show its name as owner', async () => {
    expect(await runAs(secrets.controller, 'set', 'fds', '100000')).toMatchObject({ code: 0, stderr: '' })
    const authorization = `Bearer ${secrets.watcher}`
    const threshold = await fetch(`${guarded.url}/sys/fds/threshold/cli`, { headers: { authorization } })
    expect(await threshold.json()).toMatchObject({ owner: 'ha-1' })
  })

  test('accepts a token from the settings file and never prints it', async () => {
    const config = join(mkdtempSync(join(tmpdir(), 'introspectd-')), 'introspectd.yaml')
    writeFileSync(config, `url: ${guarded.url}\ntoken: ${secrets.watcher}\n`)
    expect(await runHere(['ps', 'self'], { env: { INTROSPECTD_CONFIG: config } })).toMatchObject({
      code: 0,
      stderr: '',
    })
    const { stdout } = await runHere(['config', '--config', config])
    expect(stdout).toContain(`# token is set, and not shown # ${config}:2\n`)
    expect(stdout).not.toContain(secrets.watcher)
  })
})
