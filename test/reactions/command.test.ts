/** Tests the commands that run for events: their input, their user, and the limits on them. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { commandRun } from '../../src/reactions/command.ts'
import { findUser } from '../../src/reactions/user.ts'
import { until } from '../support/until.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const me = findUser(userInfo().username)!
const event = {
  id: '00000000000000000007',
  source: '/net/x',
  type: 'threshold.tripped',
  subject: '/sys/proc/1/fds',
  time: '2026-11-22T10:00:00.123Z',
  data: { value: 5, limit: 'fds', name: `odd\0${'x'.repeat(5_000)}`, top: [], note: null },
}

function runShell(script: string, { user = me, timeoutMs = 30_000, signal = new AbortController().signal } = {}) {
  const run = commandRun({ command: ['/bin/sh', '-c', script, 'sh', directory], user, timeoutMs })
  const json = Buffer.from(JSON.stringify(event))
  return run({ events: [{ sequence: 7, type: event.type, json }], attempt: 2, signal })
}

const text = (name: string) => readFileSync(join(directory, name), 'utf8')

test('a command gets the event on standard input and in variables, and nothing else of the environment', async () => {
  process.env.INTROSPECTD_TOKEN = 'hidden'
  try {
    expect(await runShell('cat > $1/input; env > $1/env; pwd > $1/pwd')).toEqual({ kind: 'done' })
  } finally {
    delete process.env.INTROSPECTD_TOKEN
  }
  expect(JSON.parse(text('input'))).toEqual(event)
  const variables = Object.fromEntries(
    text('env')
      .trim()
      .split('\n')
      .map((line) => line.split('=', 2)),
  )
  expect(variables).toMatchObject({
    INTROSPECT_ID: event.id,
    INTROSPECT_TYPE: 'threshold.tripped',
    INTROSPECT_SUBJECT: '/sys/proc/1/fds',
    INTROSPECT_TIME: event.time,
    INTROSPECT_SEVERITY: 'warning',
    INTROSPECT_ATTEMPT: '2',
    INTROSPECT_DATA_VALUE: '5',
    INTROSPECT_DATA_LIMIT: 'fds',
    USER: me.name,
  })
  expect(variables.INTROSPECT_DATA_NAME).toMatch(/^oddx{4000,4096}$/)
  expect(text('env')).not.toContain('hidden')
  expect(text('pwd')).toBe('/\n')
})

test('an exit code, a signal and a program that is not there are failures with their reasons', async () => {
  expect(await runShell('echo no route >&2; exit 3')).toEqual({ kind: 'failed', reason: 'exit code 3: no route' })
  expect(await runShell('kill -TERM $$')).toEqual({ kind: 'failed', reason: 'SIGTERM' })
  const none = commandRun({ command: ['/none'], user: me, timeoutMs: 1_000 })
  const json = Buffer.from(JSON.stringify(event))
  const { signal } = new AbortController()
  expect(await none({ events: [{ sequence: 7, type: event.type, json }], attempt: 1, signal })).toMatchObject({
    kind: 'failed',
    reason: expect.stringMatching(/ENOENT/),
  })
})

test('a command whose start the kernel refuses is a failure, and does not end the service', async () => {
  const json = Buffer.from(JSON.stringify(event))
  const { signal } = new AbortController()
  const delivery = { events: [{ sequence: 7, type: event.type, json }], attempt: 1, signal }
  const long = commandRun({ command: ['/bin/true', 'x'.repeat(200_000)], user: me, timeoutMs: 1_000 })
  expect(await long(delivery)).toEqual({ kind: 'failed', reason: expect.stringMatching(/E2BIG/) })
})

/** Preconditions: the script has written its own pid and that of its child. */
async function untilAllEnded(): Promise<void> {
  for (const pid of text('pids').trim().split('\n'))
    await until(
      () => isAlive(Number(pid)),
      (alive) => !alive,
    )
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('a command that takes too long is killed with its children', async () => {
  const outcome = await runShell('sleep 600 & { echo $$; echo $!; } > $1/pids; wait', { timeoutMs: 500 })
  expect(outcome).toEqual({ kind: 'failed', reason: 'killed after 500ms' })
  await untilAllEnded()
})

test('the end of the service kills a command with its children', async () => {
  const ending = new AbortController()
  const running = runShell('sleep 600 & { echo $$; echo $!; } > $1/all; mv $1/all $1/pids; wait', {
    signal: ending.signal,
  })
  await until(
    () => {
      try {
        return text('pids')
      } catch {
        return ''
      }
    },
    (pids) => pids !== '',
  )
  ending.abort()
  expect(await running).toMatchObject({ kind: 'failed' })
  await untilAllEnded()
})

test.runIf(process.getuid?.() === 0)('root runs a command as another user, without its own groups', async () => {
  const nobody = findUser('nobody')!
  const script = `test "$(id -u)" = ${nobody.uid} && test "$(id -G)" = ${nobody.gid}`
  expect(await runShell(script, { user: nobody })).toEqual({ kind: 'done' })
})
