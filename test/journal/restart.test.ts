/** Tests the journal of a whole service across restarts, after orderly ends and kills. */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { cursorText } from '../../src/base/cursor.ts'
import { Live } from '../support/live.ts'
import type { Watcher } from '../support/service.ts'
import { until } from '../support/until.ts'

let directory: string
let live: Live | null

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'introspectd-restart-')), 'data')
  live = null
})

afterEach(async () => {
  await live?.stop('SIGKILL')
  rmSync(join(directory, '..'), { recursive: true })
})

async function start(args: readonly string[] = ['--source', 'model'], under: readonly string[] = []): Promise<Live> {
  live = await Live.start(['--data', directory, ...args], { under })
  return live
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  const code = await live!.stop(signal)
  live = null
  return code
}

const create = (name: string) =>
  fetch(`${live!.url}/sys/proc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  })

const cursor = async () => (await fetch(`${live!.url}/sys`)).headers.get('introspect-cursor')!

/** Received frames without bookmarks. */
const framesOf = ({ frames, events }: Watcher) => frames.filter((_, place) => events[place]!.type !== 'bookmark')

test('after an orderly restart sequences continue, old cursors stay valid, and an event marks the restart', async () => {
  await start()
  const before = await cursor()
  const first = await live!.watch('/sys')
  for (const name of ['one', 'two']) await create(name)
  await first.until(({ data }) => data.name === 'two')
  expect(await end('SIGTERM')).toBe(0)
  await start()
  await create('three')
  // The first client received events as they were emitted; the second reads them from the journal.
  const second = await live!.watch(`/sys?after=${before}`)
  await second.until(({ data }) => data.name === 'three')
  const firstFrames = framesOf(first)
  expect(second.frames.slice(0, firstFrames.length)).toEqual(firstFrames)
  const sequences = second.events.map(({ sequence }) => Number(sequence))
  expect(sequences).toEqual(sequences.map((_, place) => Number(before) + 1 + place))
  const restart = second.events[firstFrames.length]!
  const lastBefore = second.events[firstFrames.length - 1]!
  expect(restart).toMatchObject({ type: 'state.replaced', subject: '/sys', data: { before: lastBefore.time } })
})

test('a restart of the live source is reported as a gap', async () => {
  await start(['--source', 'linux'])
  const before = await cursor()
  await live!.put('/sys/proc/self/fds/threshold/any', { at: 1 })
  await end('SIGTERM')
  await start(['--source', 'linux'])
  // A subscriber to a single process may have missed events, too.
  const watcher = await live!.watch(`/sys/proc/self?after=${before}&types=events.lost`)
  const [gap] = await watcher.until(1)
  expect(gap).toMatchObject({
    type: 'events.lost',
    subject: '/sys',
    data: { count: null, why: 'the service was not running' },
  })
  expect(String(gap!.data.from) < String(gap!.data.to)).toBe(true)
})

test('after SIGKILL at any moment the journal has every event that a subscriber received', async () => {
  await start()
  const before = await cursor()
  const watcher = await live!.watch('/sys')
  for (const round of [1, 2, 3]) {
    const creating = Promise.allSettled(Array.from({ length: 200 }, (_, place) => create(`${round}-${place}`)))
    // Wait until part of the requests has had effects, so that the kill comes in the middle.
    await watcher.until(watcher.events.length + 150)
    if (round === 3) await end('SIGKILL')
    await creating
  }
  await watcher.closed
  const seen = framesOf(watcher)
  expect(seen.length).toBeGreaterThan(450)
  await start()
  const again = await live!.watch(`/sys?after=${before}`)
  await again.until(({ type }) => type === 'state.replaced')
  expect(again.frames.slice(0, seen.length)).toEqual(seen)
})

test('a cursor older than the journal is refused with the oldest valid cursor', async () => {
  await start()
  await create('one')
  const known = await cursor()
  await end('SIGTERM')
  for (const name of readdirSync(directory)) if (name.startsWith('journal')) rmSync(join(directory, name))
  writeFileSync(join(directory, 'journal.sqlite'), 'no database at all, but something that was in the way'.repeat(100))
  await start()
  expect(live!.output.stderr).toMatch(/the journal is damaged: it was moved away, and a new one was begun/)
  expect(readdirSync(directory).filter((name) => name.includes('corrupt'))).toHaveLength(1)
  const first = await live!.watch(`/sys?after=${cursorText(Number(await cursor()) - 1)}`)
  const [lost] = await first.until(1)
  const aside = readdirSync(directory).find((name) => name.includes('corrupt'))!
  expect(lost).toMatchObject({ type: 'events.lost', data: { count: null, from: null } })
  expect(lost!.data.why).toMatch(`file is not a database): it is now ${join(directory, aside)}, and what was set`)
  const health = await (await fetch(`${live!.url}/readyz?verbose`)).text()
  expect(health).toMatch(/^\[-\] journal: the previous journal was damaged \(file is not a database\), and is now /m)
  const oldest = cursorText(Number(lost!.sequence) - 1)
  expect(Number(oldest)).toBeGreaterThan(Number(known))
  const gone = await fetch(`${live!.url}/sys?after=${known}`, { headers: { accept: 'text/event-stream' } })
  expect([gone.status, await gone.json()]).toMatchObject([410, { oldest }])
  const socket = new WebSocket(`${live!.url.replace('http', 'ws')}/sys?after=${known}`)
  const closed = await new Promise((resolve) =>
    socket.once('close', (code, reason) => resolve([code, JSON.parse(reason.toString())])),
  )
  expect(closed).toEqual([4410, { reason: 'gone', oldest }])
})

test('with a full disk the service continues from memory, reports it, and ends in order', async () => {
  // A file may have 200 blocks of 512 bytes. Writing more fails, as on a full disk.
  await start(['--source', 'model'], ['sh', '-c', `trap '' XFSZ; ulimit -f 200; exec "$@"`, 'sh'])
  const watcher = await live!.watch('/sys')
  let count = 0
  const isDegraded = () => watcher.events.some(({ type }) => type === 'source.degraded')
  await until(() => create(`p${count++}`).then(() => count), isDegraded, { everyMs: 0 })
  const degraded = watcher.events.find(({ type }) => type === 'source.degraded')!
  expect(degraded.data).toMatchObject({
    what: 'journal',
    reason: expect.stringMatching(/^events are in memory only: /),
  })
  const health = await (await fetch(`${live!.url}/readyz?verbose`)).text()
  expect(health).toMatch(/^\[-\] events: \d+ stored, new ones in memory only: /m)
  await create('last')
  await watcher.until(({ data }) => data.name === 'last')
  const sequences = watcher.events.map(({ sequence }) => Number(sequence))
  expect(sequences).toEqual(sequences.map((_, place) => sequences[0]! + place))
  expect(await end('SIGTERM')).toBe(0)
})
