/** Tests `introspectd journal`: inspecting and compacting the journal. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDirectory } from '../../src/journal/data-directory.ts'
import { runHere } from '../support/command-line.ts'
import { Live } from '../support/live.ts'

let directory: string
let live: Live | null

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-journal-'))
  live = null
})

afterEach(async () => {
  await live?.stop('SIGKILL')
  rmSync(directory, { recursive: true })
})

const journal = (...args: string[]) => runHere(['journal', ...args, '--data', directory])

test('inspect prints the contents of the journal while the service runs', async () => {
  live = await Live.start(['--data', directory])
  await live.put(`/sys/proc/${process.pid}/fds/threshold/any`, { at: 1 })
  const { code, stdout, stderr } = await journal()
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^file {6}.*journal\.sqlite$/m)
  expect(stdout).toMatch(/^newest {4}\d{20} of \d{4}-\S+Z$/m)
  expect(stdout).toMatch(/^ +1 threshold\.tripped$/m)
  expect(stdout).toMatch(/^set {7}threshold 1$/m)
  expect(stdout).toMatch(/^tripped {3}1$/m)
  const figures = JSON.parse((await journal('--json')).stdout)
  expect(figures).toMatchObject({ definitions: [{ kind: 'threshold', count: 1 }], tripped: 1, setAside: [] })
  expect(figures.newest.sequence - figures.oldest.sequence + 1).toBe(figures.events)
})

test('compact shrinks the file, and is refused while a service runs', async () => {
  const { store, close } = openDirectory(directory, 0)
  const events = Array.from({ length: 5000 }, (_, place) => ({
    sequence: place + 1,
    json: Buffer.from(
      JSON.stringify({
        type: 'process.died',
        subject: '/sys',
        time: '1970-01-01T00:00:00.000Z',
        filling: 'x'.repeat(1000),
      }),
    ),
  }))
  store.append(events, 0)
  while (store.trim({ ageMsMax: 1, bytesMax: 1e9 }, 10));
  close()
  const before = JSON.parse((await journal('inspect', '--json')).stdout)
  const { code, stderr, stdout } = await journal('compact', '--json')
  expect([code, stderr]).toEqual([0, ''])
  const after = JSON.parse(stdout)
  expect(before.diskBytes).toBeGreaterThan(4 * 1024 * 1024)
  expect(after.diskBytes).toBeLessThan(before.diskBytes / 10)
  expect(after.newest).toEqual({ sequence: 5000, time: '1970-01-01T00:00:00.000Z' })
  live = await Live.start(['--data', directory, '--source', 'model'])
  expect(await journal('compact')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`introspectd: ${directory} is in use by another introspectd: end that one`),
  })
})

test('a missing journal is reported and not created', async () => {
  const nowhere = join(directory, 'nowhere')
  for (const action of ['inspect', 'compact'])
    expect(await runHere(['journal', action, '--data', nowhere])).toMatchObject({
      code: 1,
      stderr: `introspectd: there is no journal in ${nowhere}\n`,
    })
  expect(existsSync(nowhere)).toBe(false)
  expect(await runHere(['journal'], { env: { INTROSPECTD_DATA: 'memory' } })).toMatchObject({
    code: 1,
    stderr: 'introspectd: --data memory has no journal: name the directory of the service\n',
  })
  expect(await journal('dance')).toMatchObject({ code: 1, stderr: expect.stringContaining('inspect') })
})
