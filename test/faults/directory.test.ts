/** A place for events that cannot be used: the service does without and says so, or says what to do. */

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

/** Somebody’s own machine: nothing says where events are kept. */
const ofUser = (environment: Record<string, string>) => ({
  env: { INTROSPECTD_DATA: undefined, XDG_STATE_HOME: undefined, HOME: home, ...environment },
})

test('a live machine’s events are kept in the user’s state directory, and its announcement says so', async () => {
  live = await Live.start([], ofUser({}))
  const place = join(home, '.local/state/introspectd')
  expect(live.output.stdout).toContain(`\nEvents are stored in ${place}\n`)
  expect(existsSync(join(place, 'journal.sqlite'))).toBe(true)
})

test('the model keeps nothing anywhere unless it is told where', async () => {
  live = await Live.start(['--source', 'model'], ofUser({}))
  expect(live.output.stdout).toContain(
    '\nEvents are stored in memory, and are lost when this process ends; --data DIR stores them on disk\n',
  )
  expect(existsSync(join(home, '.local'))).toBe(false)
})

async function saysItIsUnkept(why: RegExp): Promise<void> {
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

describe.each(['linux', 'model'])('of the %s source', (source) => {
  test('a file system that is read-only: it serves from memory, and says so everywhere', async () => {
    live = await Live.start(['--source', source, '--data', join(mount('ro'), 'data')])
    await saysItIsUnkept(/EROFS/)
  })

  test('a directory that belongs to somebody else: it serves from memory, and says so everywhere', async () => {
    const data = join(home, 'theirs')
    mkdirSync(data, { mode: 0o700 })
    live = await Live.start(['--source', source, '--data', data], { uid: nobody })
    await saysItIsUnkept(/EACCES|unable to open database file/)
  })

  test('a file system with no room: it serves from memory, and says so everywhere', async () => {
    const data = mount('size=16k')
    writeFileSync(join(data, 'filling'), Buffer.alloc(16 * 1024))
    live = await Live.start(['--source', source, '--data', data])
    await saysItIsUnkept(/disk is full|ENOSPC|disk I\/O error/)
  })
})

test('a journal that others wrote in a directory that is read-only now: it serves from memory', async () => {
  const data = mount('size=16m')
  live = await Live.start(['--source', 'model', '--data', data])
  expect(await live.stop()).toBe(0)
  execFileSync('mount', ['-o', 'remount,ro', data])
  live = await Live.start(['--source', 'model', '--data', data])
  await saysItIsUnkept(/EROFS|readonly/)
})

test('a state directory that cannot be made, with nothing configured: it serves from memory', async () => {
  live = await Live.start([], ofUser({ HOME: mount('ro') }))
  await saysItIsUnkept(/EROFS/)
})

describe('what a service does not do without is refused in one line', () => {
  test('a directory in which another service keeps its events', async () => {
    const data = join(home, 'data')
    live = await Live.start(['--source', 'model', '--data', data])
    const { code, stderr } = await run(['serve', '--port', '0', '--source', 'model', '--data', data])
    expect([code, stderr]).toEqual([
      1,
      `introspectd: ${data} is in use by another introspectd: end that one, or choose another directory with --data DIR, or --data memory\n`,
    ])
  })

  test('a file, and a place below one', async () => {
    const file = join(home, 'file')
    writeFileSync(file, '')
    for (const data of [file, join(file, 'below')]) {
      const { code, stderr } = await run(['serve', '--port', '0', '--source', 'model', '--data', data])
      expect([code, stderr]).toEqual([1, `introspectd: ${file} is a file, not a directory\n`])
    }
  })
})
