/** Command lines: chosen by a threshold, and shown to operators only. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { type Program, start } from '../support/programs.ts'
import { until } from '../support/until.ts'

const directory = mkdtempSync(join(tmpdir(), 'introspectd-cmdlines-'))
const tokenFile = join(directory, 'tokens')
const tokens = { read: 'r'.repeat(32), control: 'c'.repeat(32), operate: 'o'.repeat(32) } as const
const programs: Program[] = []

beforeAll(() => {
  const lines = Object.entries(tokens).map(([role, token]) => `${role}er ${role} ${token}\n`)
  writeFileSync(tokenFile, lines.join(''), { mode: 0o600 })
})

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()))
  rmSync(directory, { recursive: true })
})

async function request(live: Live, role: keyof typeof tokens, path: string, body?: unknown) {
  const headers = { authorization: `Bearer ${tokens[role]}`, 'content-type': 'application/json' }
  const init = body === undefined ? {} : { method: 'PUT', body: JSON.stringify(body) }
  const response = await fetch(`${live.url}${path}`, { headers, ...init })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('a threshold chooses processes by command line, also later ones, and only an operator may set it', async () => {
  const live = await Live.start(['--token-file', tokenFile])
  const mark = `marked-${process.pid}`
  const path = '/sys/fds/threshold/marked'
  const body = { at: 3, per: 'process', where: { cmdline: `*fd-hog* ${mark}*` } }
  try {
    programs.push(await start('fd-hog', [1, 60, mark]))
    expect((await request(live, 'control', path, body)).status).toBe(403)
    expect((await request(live, 'operate', path, body)).status).toBe(201)
    const nodesAre = (count: number) =>
      until(
        () => request(live, 'read', path),
        ({ body: { nodes } }) => nodes === count,
      )
    await nodesAre(1)
    // Started by a shell, so its command line is another one until it executes the program.
    programs.push(await start('fd-hog', [1, 60, mark], { under: ['sh', '-c', 'sleep 0.2; exec "$@"', 'sh'] }))
    await nodesAre(2)
    await programs.pop()!.stop()
    await nodesAre(1)
    const shown = await request(live, 'operate', `/sys/proc/${programs[0]!.pid}/cmdline`)
    expect(shown).toMatchObject({ status: 403, body: { detail: expect.stringContaining('--show-cmdlines') } })
  } finally {
    await live.stop()
  }
})

test('with --show-cmdlines an operator reads command lines, and other roles do not', async () => {
  const live = await Live.start(['--token-file', tokenFile, '--show-cmdlines'])
  try {
    const program = await start('fd-hog', [1, 60, 'se cret'])
    programs.push(program)
    const path = `/sys/proc/${program.pid}/cmdline`
    const { body } = await until(
      () => request(live, 'operate', path),
      (reply) => reply.status === 200 && reply.body.cmdline !== null,
    )
    expect(body.cmdline).toMatch(/fd-hog 1 60 se cret$/)
    for (const role of ['read', 'control'] as const) {
      expect((await request(live, role, path)).status).toBe(403)
      for (const other of ['/sys/proc?depth=2', `/sys/proc/${program.pid}`, '/sys/thresholds'])
        expect(JSON.stringify((await request(live, role, other)).body)).not.toContain('se cret')
    }
  } finally {
    await live.stop()
  }
})
