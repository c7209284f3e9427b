/** Tests disk faults while the service runs: full and free again, and suddenly read-only. */

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

test('with a full disk events stay in memory, and every one is written to the journal once there is room', async () => {
  mount('-t', 'tmpfs', '-o', 'size=256k', 'introspectd-test')
  live = await Live.start(['--source', 'model', '--data', data])
  const watcher = await live.watch('/sys')
  const degraded = await createUntil(watcher, ofJournal('source.degraded'))
  expect(degraded.data.reason).toMatch(/^events are in memory only: (database or disk is full|disk I\/O error)$/)
  for (let count = 0; count < 100; count++) await create(`memory${count}`)
  mount('-t', 'tmpfs', '-o', 'remount,size=64m', 'introspectd-test')
  await createUntil(watcher, ofJournal('source.recovered'))
  const sent = watcher.frames.filter((_, place) => watcher.events[place]!.sequence !== undefined)
  expectNoHole(watcher)
  await live.stop('SIGKILL')
  // The journal has every event that was sent, not only those after the outage.
  live = await Live.start(['--source', 'model', '--data', data])
  const again = await live.watch('/sys?after=0')
  await again.until(({ type }) => type === 'state.replaced')
  expect(again.frames.slice(0, sent.length)).toEqual(sent)
  expectNoHole(again)
})

test('when the file system turns read-only after a disk error, the service continues from memory', async () => {
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
  // Events from before the fault can still be read.
  const again = await live.watch('/sys?after=0')
  await again.until(({ data: { name } }) => name === 'last')
  expectNoHole(again)
  expect(await live.stop()).toBe(0)
  live = null
})
