/** Tests disk faults while the service runs: full and free again, and suddenly read-only. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeBacklog } from '../../src/journal/backlog.ts'
import { EventStore } from '../../src/journal/store.ts'
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

test('a long backlog is written on a disk that has room for little more than the journal', () => {
  const MiB = 2 ** 20
  const json = Buffer.from(JSON.stringify({ type: 'process.created', data: 'x'.repeat(400) }))
  const events = Array.from({ length: 40_000 }, (_, index) => ({ sequence: index + 1, json }))
  mount('-t', 'tmpfs', '-o', 'size=8m', 'introspectd-test')
  const store = new EventStore(join(data, 'journal'))
  const write = (some: typeof events) => {
    store.append(writeBacklog(some, { store, retention: { ageMsMax: 1e9, bytesMax: 2 * MiB }, now: 1 }), 1)
    store.emptyLog()
  }
  try {
    write(events.slice(0, 4000))
    const backlog = events.slice(4000)
    expect(() => store.append(backlog, 1)).toThrow(/full/)
    write(backlog)
    expect(store.newest).toBe(events.length)
    const files = readdirSync(data).map((name) => statSync(join(data, name)).size)
    expect(files.reduce((sum, size) => sum + size, 0)).toBeLessThan(6 * MiB)
  } finally {
    store.close()
  }
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
