/** The log: its two forms, the levels of the journal of systemd, and the lines about changes and refusals. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lineOf } from '../../src/app/log.ts'
import { Problem } from '../../src/http/problems.ts'
import { RefusalLog } from '../../src/http/security/refusal-log.ts'
import { Live } from '../support/live.ts'
import { until } from '../support/until.ts'

describe('a line', () => {
  const json = `${JSON.stringify({ level: 40, time: 0, pid: 1, hostname: 'h', path: '/sys/fds', msg: 'two\nlines' })}\n`

  test.each([
    [{ format: 'text', isJournal: false }, '1970-01-01T00:00:00.000Z warn  two\\nlines path="/sys/fds"\n'],
    [{ format: 'text', isJournal: true }, '<4>two\\nlines path="/sys/fds"\n'],
    [{ format: 'json', isJournal: true }, `<4>${json}`],
  ] as const)('with %j is written so', (options, line) => {
    expect(lineOf(json, options)).toBe(line)
  })

  test('has the message of an error', () => {
    const error = JSON.stringify({ level: 50, time: 0, err: { type: 'Error', message: 'why' }, msg: 'failed' })
    expect(lineOf(error, { format: 'text', isJournal: true })).toBe('<3>failed error="why"\n')
  })
})

test('refusals are logged once in ten seconds for each reason, with the number of the others', () => {
  const lines: object[] = []
  let now = 0
  const log = new RefusalLog({ warn: (fields: object) => void lines.push(fields) }, () => now)
  const client = { from: '::1', token: null }
  for (; now < 25_000; now += 1000) log.note(new Problem('unauthorized', 'no'), client)
  log.note(new Problem('host-not-allowed', 'no'), client)
  log.note(new Problem('invalid-body', 'no'), client)
  log.note(new Error('x'), client)
  expect(lines).toEqual([
    { reason: 'unauthorized', from: '::1' },
    { reason: 'unauthorized', from: '::1', unlogged: 9 },
    { reason: 'unauthorized', from: '::1', unlogged: 9 },
    { reason: 'host-not-allowed', from: '::1' },
  ])
})

describe('a service under systemd', () => {
  const directory = mkdtempSync(join(tmpdir(), 'introspectd-log-'))
  const [file, tokens] = ['stderr', 'tokens'].map((name) => join(directory, name)) as [string, string]
  const secret = 'o'.repeat(32)
  let live: Live

  beforeAll(async () => {
    writeFileSync(file, '')
    writeFileSync(tokens, `boss operate ${secret}\n`, { mode: 0o600 })
    const { dev, ino } = statSync(file)
    const args = ['--source', 'model', '--log-format', 'text', '--log-level', 'info', '--token-file', tokens]
    live = await Live.start(args, {
      env: { JOURNAL_STREAM: `${dev}:${ino}` },
      under: ['sh', '-c', 'out=$0; exec "$@" 2>"$out"', file],
    })
  })

  afterAll(async () => {
    if (live.child.exitCode === null) await live.stop()
    rmSync(directory, { recursive: true })
  })

  const send = (method: string, path: string, headers: Record<string, string>, body?: string) =>
    new Promise<number>((resolve, reject) => {
      const sent = request(`${live.url}${path}`, { method, headers }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0))
      })
      sent.once('error', reject).end(body)
    })

  test('logs thresholds with their owner, refusals, a reload and its end', async () => {
    const authorization = `Bearer ${secret}`
    const path = '/sys/threads/threshold/many'
    await send('PUT', path, { authorization, 'content-type': 'text/plain' }, '100')
    await send('DELETE', path, { authorization })
    await send('GET', '/sys', { authorization, host: 'evil.example' })
    await send('GET', '/sys', { authorization: 'Bearer wrong-wrong-wrong-wrong' })
    process.kill(live.pid, 'SIGHUP')
    await until(
      () => readFileSync(file, 'utf8'),
      (text) => text.includes('reloaded'),
    )
    await live.stop()
    const text = readFileSync(file, 'utf8')
    expect(text.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^<6>Server listening at /),
      `<6>a threshold was set path="${path}" owner="boss"`,
      `<6>a threshold was removed path="${path}" owner="boss"`,
      expect.stringMatching(/^<4>a request was refused: .* reason="host-not-allowed" from="127\.0\.0\.1"$/),
      expect.stringMatching(/^<4>a request was refused: .* reason="unauthorized" from="127\.0\.0\.1"$/),
      '<4>tokens and certificates were reloaded',
      '<6>the service ends signal="SIGTERM"',
    ])
    expect(text).not.toContain(secret)
    expect(text).not.toContain('wrong-wrong')
  })
})
