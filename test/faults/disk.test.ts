/** The disk under a service that runs: full, and with room again; read-only of a sudden. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import type { CloudEvent, Watcher } from '../support/service.ts'

let home: string
let data: string
let live: Live | null

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'introspectd-disk-'))
  data = mkdtempSync(join(home, 'mounted-'))
  live = null
})

afterEach(async () => {
  await live?.stop('SIGKILL')
  execFileSync('umount', [data])
  rmSync(home, { recursive: true })
})

const mount = (...args: string[]) => execFileSync('mount', [...args, data])

async function create(name: string): Promise<void> {
  await fetch(`${live!.url}/sys/proc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  })
}

const ofJournal = (type: string) => (event: CloudEvent) => event.type === type && event.data.what === 'journal'

async function createUntil(watcher: Watcher, fits: (event: CloudEvent) => boolean): Promise<CloudEvent> {
  for (let count = 0; ; count++) {
    const found = watcher.events.find(fits)
    if (found !== undefined) return found
    await create(`p${count}`)
  }
}

const sequencesOf = ({ events }: Watcher) =>
  events.flatMap(({ sequence }) => (sequence === undefined ? [] : [Number(sequence)]))

function expectNoHole(watcher: Watcher): void {
  expect(sequencesOf(watcher)).toEqual(sequencesOf(watcher).map((_, place) => place + 1))
}

test('a full disk: events go on in memory, and when there is room again all of them are in the journal', async () => {
  mount('-t', 'tmpfs', '-o', 'size=256k', 'introspectd-test')
  live = await Live.start(['--source', 'model', '--data', data])
  const watcher = await live.watch('/sys')
  const degraded = await createUntil(watcher, ofJournal('source.degraded'))
  expect(degraded.data.reason).toMatch(/^events are in memory only: (database or disk is full|disk I\/O error)$/)
  for (let count = 0; count < 100; count++) await create(`unkept${count}`)
  mount('-t', 'tmpfs', '-o', 'remount,size=64m', 'introspectd-test')
  await createUntil(watcher, ofJournal('source.recovered'))
  const told = watcher.frames.filter((_, place) => watcher.events[place]!.sequence !== undefined)
  expectNoHole(watcher)
  await live.stop('SIGKILL')
  // All that was told, and not just what came after it.
  live = await Live.start(['--source', 'model', '--data', data])
  const again = await live.watch('/sys?after=0')
  await again.until(({ type }) => type === 'state.replaced')
  expect(again.frames.slice(0, told.length)).toEqual(told)
  expectNoHole(again)
})

test('a file system that turns read-only, as one does after an error of its disk: it serves on from memory', async () => {
  const image = join(home, 'image')
  execFileSync('truncate', ['--size=16M', image])
  execFileSync('mkfs.ext4', ['-q', image])
  mount('-o', 'loop', image)
  live = await Live.start(['--source', 'model', '--data', data])
  const watcher = await live.watch('/sys')
  await create('first')
  mount('-o', 'remount,abort')
  const degraded = await createUntil(watcher, ofJournal('source.degraded'))
  expect(degraded.data.reason).toMatch(/^events are in memory only: /)
  await create('last')
  await watcher.until(({ data: { name } }) => name === 'last')
  expectNoHole(watcher)
  expect(await (await fetch(`${live.url}/readyz?verbose`)).text()).toMatch(
    /^\[-\] events: \d+ stored, new ones in memory only: /m,
  )
  // What was kept before it can be read still.
  const again = await live.watch('/sys?after=0')
  await again.until(({ data: { name } }) => name === 'last')
  expectNoHole(again)
  expect(await live.stop()).toBe(0)
  live = null
})
