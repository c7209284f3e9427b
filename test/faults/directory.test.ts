/** Tests unusable data directories: the service runs without a journal and reports it, or refuses to start. */

import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Live, run } from '../support/live.ts'

const nobody = 65_534

let home: string
let live: Live | null
let mounted: string[]

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'introspectd-home-'))
  chmodSync(home, 0o755)
  live = null
  mounted = []
})

afterEach(async () => {
  await live?.stop('SIGKILL')
  for (const place of mounted) execFileSync('umount', [place])
  rmSync(home, { recursive: true })
})

function mount(options: string): string {
  const place = mkdtempSync(join(home, 'mounted-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'introspectd-test', place])
  mounted.push(place)
  return place
}

/** The environment of a user who has not configured a data directory. */
const userEnvironment = (environment: Record<string, string>) => ({
  env: { INTROSPECTD_DATA: undefined, XDG_STATE_HOME: undefined, HOME: home, ...environment },
})

test('the live source stores events in the state directory of the user and announces it', async () => {
  live = await Live.start([], userEnvironment({}))
  const place = join(home, '.local/state/introspectd')
  expect(live.output.stdout).toContain(`\nEvents are stored in ${place}\n`)
  expect(existsSync(join(place, 'journal.sqlite'))).toBe(true)
})

test('the model stores nothing on disk without --data', async () => {
  live = await Live.start(['--source', 'model'], userEnvironment({}))
  expect(live.output.stdout).toContain(
    '\nEvents are stored in memory, and are lost when this process ends; --data DIR stores them on disk\n',
  )
  expect(existsSync(join(home, '.local'))).toBe(false)
})

async function expectMemoryOnly(why: RegExp): Promise<void> {
  const { url, output } = live!
  expect(output.stdout).toMatch(
    new RegExp(`^Events are stored in memory, and are lost when this process ends: .*${why.source}`, 'm'),
  )
  expect(output.stderr).toMatch(why)
  expect(output.stderr).toContain('the journal cannot store events: they are in memory only')
  const ready = await fetch(`${url}/readyz?verbose`)
  const text = await ready.text()
  expect([ready.status, text]).toEqual([
    200,
    expect.stringMatching(/^\[-\] events: \d+ stored, new ones in memory only: /m),
  ])
  expect(text).toMatch(why)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toContain('introspectd_source_degraded{what="journal"} 1')
  const watcher = await live!.watch(`/sys?after=${await oldest()}`)
  const degraded = (
    await watcher.until(({ type, data }) => type === 'source.degraded' && data.what === 'journal')
  ).find(({ data }) => data.what === 'journal')
  expect(degraded!.data.reason).toMatch(why)
}

/** From the answer to a cursor that is too old. */
async function oldest(): Promise<string> {
  const gone = await fetch(`${live!.url}/sys?after=1`, { headers: { accept: 'text/event-stream' } })
  return ((await gone.json()) as { oldest: string }).oldest
}

describe.each(['linux', 'model'])('with the %s source', (source) => {
  test('on a read-only file system the service runs from memory and reports it everywhere', async () => {
    live = await Live.start(['--source', source, '--data', join(mount('ro'), 'data')])
    await expectMemoryOnly(/EROFS/)
  })

  test('in a directory of another user the service runs from memory and reports it everywhere', async () => {
    const data = join(home, 'theirs')
    mkdirSync(data, { mode: 0o700 })
    live = await Live.start(['--source', source, '--data', data], { uid: nobody })
    await expectMemoryOnly(/EACCES|unable to open database file/)
  })

  test('on a full file system the service runs from memory and reports it everywhere', async () => {
    const data = mount('size=16k')
    writeFileSync(join(data, 'filling'), Buffer.alloc(16 * 1024))
    live = await Live.start(['--source', source, '--data', data])
    await expectMemoryOnly(/disk is full|ENOSPC|disk I\/O error/)
  })
})

test('with an existing journal in a directory that is now read-only the service runs from memory', async () => {
  const data = mount('size=16m')
  live = await Live.start(['--source', 'model', '--data', data])
  expect(await live.stop()).toBe(0)
  execFileSync('mount', ['-o', 'remount,ro', data])
  live = await Live.start(['--source', 'model', '--data', data])
  await expectMemoryOnly(/EROFS|readonly/)
})

test('without permission to create the default state directory the service runs from memory', async () => {
  live = await Live.start([], userEnvironment({ HOME: mount('ro') }))
  await expectMemoryOnly(/EROFS/)
})

describe('a start that is refused in one line', () => {
  test('a directory that another service uses', async () => {
    const data = join(home, 'data')
    live = await Live.start(['--source', 'model', '--data', data])
    const { code, stderr } = await run(['serve', '--port', '0', '--source', 'model', '--data', data])
    expect([code, stderr]).toEqual([
      1,
      `introspectd: ${data} is in use by another introspectd: end that one, or choose another directory with --data DIR, or --data memory\n`,
    ])
  })

  test('a file, and a path below a file', async () => {
    const file = join(home, 'file')
    writeFileSync(file, '')
    for (const data of [file, join(file, 'below')]) {
      const { code, stderr } = await run(['serve', '--port', '0', '--source', 'model', '--data', data])
      expect([code, stderr]).toEqual([1, `introspectd: ${file} is a file, not a directory\n`])
    }
  })
})
