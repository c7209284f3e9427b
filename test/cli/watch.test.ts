/** Tests `introspectd watch`: its text and JSON output, refused arguments, and broken connections. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RunningCommand, runHere } from '../support/command-line.ts'
import { Live, run } from '../support/live.ts'
import { start } from '../support/programs.ts'
import { Pty } from '../support/pty.ts'
import type { CloudEvent } from '../support/service.ts'
import { until } from '../support/until.ts'

/** A running `watch` command. */
class Watching extends RunningCommand {
  /** Resolves when it has announced that it watches. */
  static async start(words: readonly string[], url: string): Promise<Watching> {
    const watching = new Watching(words, url)
    await watching.until(({ stderr }) => stderr.startsWith('introspectd: watching '))
    return watching
  }

  private constructor(words: readonly string[], url: string) {
    super(['watch', ...words], { env: { INTROSPECTD_URL: url } })
  }

  get events(): CloudEvent[] {
    const whole = this.stdout.slice(0, this.stdout.lastIndexOf('\n'))
    return whole.split('\n').map((line) => JSON.parse(line) as CloudEvent)
  }
}

/** Starts a program and ends it, which emits process.created and process.died. */
async function runProgram(): Promise<number> {
  const program = await start('fd-hog', [1, 1])
  await program.stop()
  return program.pid
}

let live: Live

beforeAll(async () => {
  live = await Live.start()
})

afterAll(() => live.stop())

describe('watch', () => {
  test('prints one line for each event: time, type, pathname and details', async () => {
    const watching = await Watching.start(['--types', 'process.*,threshold.*'], live.url)
    const hog = await start('fd-hog', [10, 100])
    await live.put(`/sys/proc/${hog.pid}/fds/threshold/hog`, { at: 50, note: 'too many' })
    await watching.until(({ stdout }) => stdout.includes('threshold.tripped'))
    await hog.stop()
    await watching.until(({ stdout }) => stdout.includes(`process.died       /sys/proc/${hog.pid}`))
    expect(await watching.stop()).toBe(0)
    expect(watching.stderr).toBe(`introspectd: watching /sys at ${live.url}\n`)
    const lines = watching.stdout.split('\n').filter((line) => line.includes(`/sys/proc/${hog.pid}`))
    const clock = String.raw`\d\d:\d\d:\d\d\.\d{3}`
    const expectLine = (type: string, rest: string) =>
      expect(lines).toContainEqual(
        expect.stringMatching(new RegExp(`^${clock}  ${type.padEnd(17)}  /sys/proc/${hog.pid}${rest}$`)),
      )
    expectLine('process.created', String.raw`  \S+: parent ${process.pid}, uid \d+`)
    expectLine('process.changed', '  fd-hog: exec /.*/fd-hog')
    expectLine('threshold.tripped', String.raw`/fds  fd-hog: \d+, at 50 of \d+ \(too many\)`)
    expectLine('threshold.cleared', String.raw`/fds  fd-hog: \d+, \w+ \(too many\)`)
    expectLine('process.died', '  fd-hog: exit code 0')
    expect(lines.some((line) => line.includes('thread.'))).toBe(false)
  })

  test('watches only the given path, which may be abbreviated', async () => {
    const hog = await start('fd-hog', [10, 100])
    const watching = await Watching.start([`${hog.pid}`, '--json'], live.url)
    await live.put(`/sys/proc/${hog.pid}/fds/threshold/one`, { at: 5 })
    await watching.until(({ stdout }) => stdout.includes('threshold.tripped'))
    await hog.stop()
    await watching.until(({ stdout }) => stdout.includes('process.died'))
    await watching.stop()
    for (const { subject } of watching.events) expect(subject.startsWith(`/sys/proc/${hog.pid}`)).toBe(true)
  })

  test('--json prints the events unchanged and omits bookmarks', async () => {
    const cursor = (await fetch(`${live.url}/sys`)).headers.get('introspect-cursor')!
    const pid = await runProgram()
    const watching = await Watching.start(['--json', '--after', cursor, '--types', 'process.died'], live.url)
    await watching.until(({ stdout }) => stdout.includes(`"/sys/proc/${pid}"`) && stdout.endsWith('\n'))
    expect(await watching.stop()).toBe(0)
    const died = watching.events.find(({ subject }) => subject === `/sys/proc/${pid}`)
    expect(died).toMatchObject({ specversion: '1.0', type: 'process.died', data: { pid, name: 'fd-hog', code: 0 } })
  })

  test.each([
    [['prox'], /^\/sys\/prox does not exist; \/sys does; did you mean \/sys\/proc\?$/],
    [['/proc'], /^there is no stream at \/proc; there is one at \/sys and at every path below it$/],
    [
      ['--types', 'threshold.triped'],
      /^--types: there is no event threshold.triped; did you mean threshold.tripped\?$/,
    ],
    [['--types', 'process.died,x.*'], /^--types: there is no event x\.\*; there are process.created, /],
    [['--after', 'x'], /^--after "x": expected a cursor: /],
    [['1', '2'], /^too many arguments for 'watch'. Expected 1 argument but got 2: 1, 2.$/],
  ])('%j is refused: %s', async (words, reason) => {
    const { code, stdout, stderr } = await runHere(['watch', ...words], { env: { INTROSPECTD_URL: live.url } })
    expect([code, stdout]).toEqual([1, ''])
    expect(/^introspectd: (.*)\n$/.exec(stderr)?.[1]).toMatch(reason)
  })

  test('ends without an error when its reader has gone', async () => {
    const under = ['bash', '-c', 'set -o pipefail; "$0" "$@" | head -n 1']
    const reading = run(['watch'], { env: { INTROSPECTD_URL: live.url }, under })
    const ended = { is: false }
    reading.then(() => {
      ended.is = true
    })
    await until(runProgram, () => ended.is, { everyMs: 0 })
    expect(await reading).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^.*\n$/),
      stdout: expect.stringMatching(/^\S+ {2}\S+ .*\n$/),
    })
  })

  test('uses colours on a terminal, and ends on Ctrl-C', async () => {
    const terminal = new Pty(['watch', '--types', 'threshold.*', '--url', live.url])
    await terminal.until(({ output }) => output.includes('watching /sys'))
    await live.put('/sys/processes/threshold/some', { at: 1 })
    await live.put('/sys/processes/threshold/some', { at: 1_000_000 })
    await terminal.until(({ output }) => output.includes('replaced'))
    terminal.type('\u0003')
    expect(await terminal.ended).toEqual({ code: 0, restored: true })
    expect(terminal.output).toMatch(/\u001b\[31mthreshold\.tripped\u001b\[39m {2}\/sys\/processes /)
    expect(stripVTControlCharacters(terminal.output)).toMatch(
      / {2}threshold\.cleared {2}\/sys\/processes {2}\d+, replaced/,
    )
  })
})

/** A TCP proxy between a client and a service whose connections can be cut. */
class CuttableProxy {
  readonly server: Server
  readonly #sockets = new Set<Socket>()
  #port = 0
  isCut = false

  constructor() {
    this.server = createServer((client) => {
      if (this.isCut) return void client.destroy()
      const service = connect(this.#port, '127.0.0.1')
      for (const [one, other] of [
        [client, service],
        [service, client],
      ] as const) {
        this.#sockets.add(one)
        one.on('error', () => {})
        one.on('close', () => other.destroy())
        one.pipe(other)
      }
    })
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return (this.server.address() as AddressInfo).port
  }

  to(url: string): void {
    this.#port = Number(new URL(url).port)
  }

  cut(): void {
    this.isCut = true
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  mend(): void {
    this.isCut = false
  }
}

describe('a watch whose connection breaks', () => {
  test('resumes: no event is missing, and none is printed twice', async () => {
    const proxy = new CuttableProxy()
    const place = `127.0.0.1:${await proxy.listen()}`
    const service = await Live.start(['--allow-host', place])
    proxy.to(service.url)
    const watching = await Watching.start(['--json'], `http://${place}`)
    const before = await runProgram()
    await watching.until(({ stdout }) => stdout.includes(`"/sys/proc/${before}"`))
    proxy.cut()
    await watching.until(({ stderr }) => stderr.includes('trying to go on'))
    const between = [await runProgram(), await runProgram()]
    proxy.mend()
    await watching.until(({ stderr }) => stderr.includes('connected again'))
    const after = await runProgram()
    await watching.until(({ events }) =>
      events.some(({ type, subject }) => type === 'process.died' && subject === `/sys/proc/${after}`),
    )
    expect(await watching.stop()).toBe(0)
    const sequences = watching.events.map(({ sequence }) => Number(sequence))
    expect(sequences).toEqual(sequences.map((_, place) => sequences[0]! + place))
    for (const pid of [before, ...between, after]) {
      const types = watching.events.filter(({ subject }) => subject === `/sys/proc/${pid}`).map(({ type }) => type)
      expect(types).toEqual(expect.arrayContaining(['process.created', 'process.died']))
    }
    expect(watching.stderr).toBe(
      [
        `watching /sys at http://${place}`,
        'the connection broke (other side closed); trying to go on',
        'connected again',
      ]
        .map((notice) => `introspectd: ${notice}\n`)
        .join(''),
    )
    await service.stop()
    proxy.server.close()
  })

  test('reports a gap after a restart of the service, and resumes', async () => {
    const proxy = new CuttableProxy()
    const place = `127.0.0.1:${await proxy.listen()}`
    const former = await Live.start(['--allow-host', place])
    proxy.to(former.url)
    const watching = await Watching.start(['--json'], `http://${place}`)
    const before = await runProgram()
    await watching.until(({ stdout }) => stdout.includes(`"/sys/proc/${before}"`))
    await former.stop()
    await watching.until(({ stderr }) =>
      stderr.includes('the connection broke (the stream ended: the service is shutting down)'),
    )
    const next = await Live.start(['--allow-host', place])
    proxy.to(next.url)
    await watching.until(({ stderr }) =>
      stderr.includes('are no longer in the journal, so there is a gap here; going on after'),
    )
    const after = await runProgram()
    await watching.until(({ stdout }) => stdout.includes(`"/sys/proc/${after}"`))
    expect(await watching.stop()).toBe(0)
    await next.stop()
    proxy.server.close()
  })

  test('prints the end of a process that ended during the interruption', async () => {
    const proxy = new CuttableProxy()
    const place = `127.0.0.1:${await proxy.listen()}`
    const service = await Live.start(['--allow-host', place])
    proxy.to(service.url)
    const program = await start('fd-hog', [10, 5])
    const watching = await Watching.start([String(program.pid), '--json'], `http://${place}`)
    await service.put(`/sys/proc/${program.pid}/fds/threshold/one`, { at: 3 })
    await watching.until(({ stdout }) => stdout.includes('threshold.tripped'))
    proxy.cut()
    await program.stop()
    await service.until(
      '/sys/proc',
      ({ entries }) => !(entries as { pid: number }[]).some(({ pid }) => pid === program.pid),
    )
    proxy.mend()
    await watching.until(({ stdout }) => stdout.includes('process.died'))
    expect(await watching.stop()).toBe(0)
    await service.stop()
    proxy.server.close()
  })

  test('ends with the reason when the service refuses the new connection', async () => {
    const proxy = new CuttableProxy()
    const place = `127.0.0.1:${await proxy.listen()}`
    const service = await Live.start(['--allow-host', place])
    proxy.to(service.url)
    const watching = await Watching.start([], `http://${place}`)
    await watching.until(({ stdout }) => stdout !== '')
    // The other service does not accept the name of the proxy as Host.
    const other = await Live.start([])
    proxy.cut()
    proxy.to(other.url)
    proxy.mend()
    expect(await watching.ended).toBe(1)
    expect(watching.stderr).toMatch(/\nintrospectd: Host must be one of .*\n$/)
    await Promise.all([service, other].map((one) => one.stop()))
    proxy.server.close()
  })
})
