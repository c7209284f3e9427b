/** Tests the notifications to a supervisor such as systemd, over a real socket. */

import { execFileSync } from 'node:child_process'
import { closeSync, cpSync, constants as files, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { beginStart } from '../../src/runtime/supervised-start.ts'
import { readSupervision } from '../../src/runtime/supervision.ts'
import { Supervisor } from '../../src/runtime/supervisor.ts'
import { Live, run } from '../support/live.ts'
import { type Program, start } from '../support/programs.ts'

const shortBounds = new URL('../support/short-bounds.ts', import.meta.url).pathname
const directories: string[] = []
const programs: Program[] = []

afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.stop()))
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})

const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'introspectd-notify-'))
  directories.push(made)
  return made
}

/** Starts a supervisor that prints received messages. The name has the format of NOTIFY_SOCKET. */
async function supervisor(name: string): Promise<Program> {
  const program = await start('notify-socket', [name])
  programs.push(program)
  return program
}

/** Reads until a line matches, and returns all lines up to that one. */
async function until({ line }: Program, fits: RegExp): Promise<string[]> {
  const lines: string[] = []
  for (;;) {
    const next = await line()
    lines.push(next)
    if (fits.test(next)) return lines
  }
}

const abstract = `@introspectd-test-${process.pid}`

test.each([
  ['a path', () => join(directory(), 'notify')],
  ['a name in the abstract namespace', () => abstract],
])(
  'at %s the supervisor gets READY when requests are answered, then watchdog messages, and STOPPING',
  async (_what, place) => {
    const name = place()
    const messages = await supervisor(name)
    const starting = Live.start([], { env: { NOTIFY_SOCKET: name, WATCHDOG_USEC: '100000' } })
    const [extend, starts] = [await messages.line(), await messages.line()]
    expect([extend, starts]).toEqual([
      expect.stringMatching(/^\d+ EXTEND_TIMEOUT_USEC=120000000$/),
      expect.stringMatching(/^\d+ STATUS=starts$/),
    ])
    const ready = (await until(messages, / READY=1$/)).at(-1)
    const status = await messages.line()
    const [, pid, url] = /^(\d+) STATUS=serves (http:\S+?)(?:;|$)/.exec(status) ?? []
    expect(ready).toBe(`${pid} READY=1`)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    const live = await starting
    expect([Number(pid), url]).toEqual([live.pid, live.url])
    const alive = new RegExp(`^${pid} WATCHDOG=1$`)
    await until(messages, alive)
    await until(messages, alive)
    const code = live.stop()
    expect((await until(messages, /STOPPING=1/)).at(-1)).toBe(`${pid} STOPPING=1`)
    expect(await code).toBe(0)
    expect(live.output.stderr).toBe('')
  },
)

test('a start that takes long asks for time again and again, until it is ready', async () => {
  const root = directory()
  const name = join(root, 'notify')
  const messages = await supervisor(name)
  cpSync(new URL('../fixtures/', import.meta.url).pathname, root, { recursive: true })
  const letGo = blockNextScan(root)
  const roots = ['--proc-root', join(root, 'proc'), '--cgroup-root', join(root, 'cgroup')]
  const short = { NODE_OPTIONS: `--import=${shortBounds}`, BOUNDS: JSON.stringify({ extendStartEveryMs: 100 }) }
  const starting = Live.start(roots, { env: { NOTIFY_SOCKET: name, WATCHDOG_USEC: '100000', ...short } })
  for (let times = 0; times < 3; times++) expect((await until(messages, /EXTEND_TIMEOUT/)).join()).not.toMatch(/READY/)
  letGo()
  const live = await starting
  await until(messages, /READY=1/)
  const after = [...(await until(messages, /WATCHDOG=1/)), ...(await until(messages, /WATCHDOG=1/))]
  expect(after.filter((line) => line.includes('EXTEND'))).toEqual([])
  expect(await live.stop()).toBe(0)
})

test('other commands and invalid names of the socket send nothing', async () => {
  const name = join(directory(), 'notify')
  await supervisor(name)
  for (const words of [['ps'], ['simulate', 'x.yaml'], ['watch']])
    expect(await beginStart({ NOTIFY_SOCKET: name }, words)).toBe(null)
  expect(await beginStart({ NOTIFY_SOCKET: 'none' }, [])).toBe(null)
  expect(await beginStart({}, [])).toBe(null)
  for (const words of [[], ['serve'], ['--port', '7007']]) {
    const start = await beginStart({ NOTIFY_SOCKET: name }, words)
    expect(start).not.toBe(null)
    start?.end()
  }
})

test('the watchdog applies only with WATCHDOG_USEC and without the pid of another process', () => {
  const socket = '/run/systemd/notify'
  const supervisionOf = (more: Record<string, string>) => readSupervision({ NOTIFY_SOCKET: socket, ...more }, 42)
  expect(readSupervision({}, 42)).toBe(null)
  expect(supervisionOf({})).toEqual({ socket, watchdogMs: null })
  expect(supervisionOf({ WATCHDOG_USEC: '30000000' })).toEqual({ socket, watchdogMs: 30_000 })
  expect(supervisionOf({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '42' })).toEqual({ socket, watchdogMs: 30_000 })
  expect(supervisionOf({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' })).toEqual({ socket, watchdogMs: null })
})

/** A supervisor connection that records its messages, and a source that the test controls. */
function watched(watchdogMs: number | null) {
  const messages: string[] = []
  const failures: string[] = []
  const source = { isReady: true, what: ['connector'], refusal: null as string | null }
  const supervisor = new Supervisor({
    source: { ready: () => source.isReady, scanAge: () => 26_000, degraded: () => source.what },
    send: (message) => {
      messages.push(message)
      return source.refusal
    },
    watchdogMs,
    onFailure: (reason) => failures.push(reason),
  })
  return { messages, failures, source, supervisor }
}

describe('over hours', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('a watchdog message is sent twice per timeout, and a status only when it has changed', () => {
    const { messages, supervisor, source } = watched(8_000)
    supervisor.ready('http://there')
    vi.advanceTimersByTime(8_000)
    source.what = []
    vi.advanceTimersByTime(4_000)
    expect(messages).toEqual([
      'READY=1\nSTATUS=serves http://there; degraded: connector',
      'WATCHDOG=1',
      'WATCHDOG=1',
      'STATUS=serves http://there\nWATCHDOG=1',
    ])
    supervisor.stopping()
    vi.advanceTimersByTime(3_600_000)
    expect(messages.slice(4)).toEqual(['STOPPING=1\nSTATUS=ending'])
  })

  test('without a watchdog no watchdog message is sent', () => {
    const { messages, supervisor } = watched(null)
    supervisor.ready('http://there')
    vi.advanceTimersByTime(3_600_000)
    expect(messages).toHaveLength(1)
  })

  test('a failure to send is reported once, and again after a success', () => {
    const { failures, supervisor, source } = watched(8_000)
    supervisor.ready('http://there')
    for (const refusal of ['gone', 'gone', null, 'gone', 'full']) {
      source.refusal = refusal
      vi.advanceTimersByTime(4_000)
    }
    expect(failures).toEqual(['gone', 'gone', 'full'])
  })
})

/** Blocks the next scan of a directory in place of /proc. Returns the function that lets it continue. */
function blockNextScan(root: string): () => void {
  mkdirSync(join(root, 'proc/99'))
  const fifo = join(root, 'proc/99/stat')
  execFileSync('mkfifo', [fifo])
  return () => {
    // Unlike a writer alone, this never waits for a reader.
    const writer = openSync(fifo, files.O_RDWR)
    rmSync(join(root, 'proc/99'), { recursive: true })
    closeSync(writer)
  }
}

/** A service over a directory in place of /proc, whose next scan blocks until `letGo` is called. */
async function stuckService(messages: Program, name: string, root: string) {
  cpSync(new URL('../fixtures/', import.meta.url).pathname, root, { recursive: true })
  const roots = ['--proc-root', join(root, 'proc'), '--cgroup-root', join(root, 'cgroup')]
  const env = { NOTIFY_SOCKET: name, WATCHDOG_USEC: '100000' }
  const live = await Live.start([...roots, '--full-period', '100'], { env })
  await until(messages, /WATCHDOG=1/)
  const letGo = blockNextScan(root)
  await until(messages, /STATUS=not ready: the last scan ended \d/)
  return { live, letGo }
}

test('while a scan is blocked, no watchdog message is sent and the status gives the reason', async () => {
  const root = directory()
  const name = join(root, 'notify')
  const messages = await supervisor(name)
  const { live, letGo } = await stuckService(messages, name, root)
  expect((await fetch(`${live.url}/readyz`)).status).toBe(503)
  // Every period sends a status, because the age in it grows; a watchdog message would have been among these.
  const turns = [await messages.line(), await messages.line(), await messages.line()]
  expect(turns.filter((line) => !line.includes('STATUS=not ready'))).toEqual([])
  letGo()
  const withheld = await until(messages, /STATUS=serves/)
  expect(withheld.filter((line) => line.includes('WATCHDOG'))).toEqual([])
  await until(messages, /WATCHDOG=1/)
  expect(await live.stop()).toBe(0)
})

test('a service with a blocked scan sends STOPPING, and ends on the second signal', async () => {
  const root = directory()
  const name = join(root, 'notify')
  const messages = await supervisor(name)
  const { live } = await stuckService(messages, name, root)
  const ended = live.stop()
  await until(messages, /STOPPING=1/)
  live.child.kill('SIGTERM')
  expect([await ended, live.child.signalCode]).toEqual([null, 'SIGKILL'])
})

test('a missing supervisor causes one line in the log, and the service continues', async () => {
  const live = await Live.start([], {
    env: { NOTIFY_SOCKET: join(directory(), 'nobody'), WATCHDOG_USEC: '2000' },
  })
  expect((await fetch(`${live.url}/readyz`)).status).toBe(200)
  expect(await live.stop()).toBe(0)
  const lines = live.output.stderr.trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    expect.stringMatching(/^the supervisor cannot be notified: \S+nobody: ENOENT$/),
  ])
})

test.each([
  [{ NOTIFY_SOCKET: 'vsock:2:1234' }, /NOTIFY_SOCKET: vsock:2:1234 is neither an absolute path nor @name/],
  [{ NOTIFY_SOCKET: '/' }, /NOTIFY_SOCKET/],
  [{ NOTIFY_SOCKET: `/${'x'.repeat(107)}` }, /107 bytes at most/],
  [{ NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: 'soon' }, /WATCHDOG_USEC: soon is not a number of microseconds/],
])('%j is refused with one clear line and exit code 1', async (env, reason) => {
  const { code, stderr } = await run(['--port', '0'], { env })
  expect(stderr).toMatch(reason)
  expect(stderr).toMatch(/^introspectd: .*\n$/)
  expect(code).toBe(1)
})
