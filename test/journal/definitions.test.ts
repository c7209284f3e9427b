/** Tests thresholds, timeouts and other settings of the live source across restarts of the service. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { journalFile } from '../../src/journal/data-directory.ts'
import { Live } from '../support/live.ts'
import { startForTest } from '../support/running.ts'
import type { CloudEvent } from '../support/service.ts'

let directory: string
let live: Live | null
let child: ChildProcess | null

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-definitions-'))
  live = null
  child = null
})

afterEach(async () => {
  await live?.stop('SIGKILL')
  child?.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

async function start(args: readonly string[] = []): Promise<Live> {
  live = await Live.start(['--data', directory, ...args])
  return live
}

async function end(signal: NodeJS.Signals): Promise<void> {
  await live!.stop(signal)
  live = null
}

const cursor = async () => (await fetch(`${live!.url}/sys`)).headers.get('introspect-cursor')!

/** Threshold events after a cursor, up to now. */
async function thresholdEventsSince(after: string): Promise<string[]> {
  const until = Number(await cursor())
  const watcher = await live!.watch(`/sys?after=${after}`)
  if (until > Number(after)) await watcher.until(({ sequence }) => Number(sequence) >= until)
  return watcher.events
    .filter(({ type, sequence }) => type.startsWith('threshold.') && Number(sequence) <= until)
    .map(({ type, subject, data }) => [type, subject, data.reason ?? (data.initial ? 'initial' : '')].join(' ').trim())
}

function tables(...names: string[]): unknown[][] {
  const db = new DatabaseSync(journalFile(directory), { readOnly: true })
  try {
    return names.map((name) => db.prepare(`SELECT * FROM ${name}`).all())
  } finally {
    db.close()
  }
}

const remove = (path: string) => fetch(`${live!.url}${path}`, { method: 'DELETE' })

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'after %s settings are restored, and a threshold that is still tripped emits no event',
  async (signal) => {
    const mine = `/sys/proc/${process.pid}`
    await start()
    const put = await live!.put(`${mine}/fds/threshold/any`, { at: 1, note: 'why' })
    expect(put).toMatchObject({ state: 'tripped' })
    await live!.put(`${mine}/fds/threshold/never`, { at: 1_000_000 })
    await live!.put('/sys/threads/threshold/gone', { at: 1_000_000_000 })
    await remove('/sys/threads/threshold/gone')
    await live!.put(`${mine}/timeout`, { after: '1h' })
    await live!.put('/sys/notifier/limits/threads', { enabled: false })
    const etag = (await fetch(`${live!.url}${mine}/fds/threshold/any`)).headers.get('etag')
    const timeout = await live!.get(`${mine}/timeout`)
    const before = await cursor()
    await end(signal)
    await start()
    const again = await fetch(`${live!.url}${mine}/fds/threshold/any`)
    expect(again.headers.get('etag')).toBe(etag)
    expect(await again.json()).toMatchObject({ state: 'tripped', at: 1, note: 'why' })
    expect(await live!.get(`${mine}/fds/threshold/never`)).toMatchObject({ state: 'armed' })
    expect(await live!.get('/sys/threads/threshold/gone')).toMatchObject({ status: 404 })
    expect(await live!.get(`${mine}/timeout`)).toMatchObject({ states: timeout.states, after: timeout.after })
    expect(await live!.get('/sys/notifier/limits/threads')).toMatchObject({ enabled: false })
    expect(await thresholdEventsSince(before)).toEqual([])
  },
)

test('a definition stored under a pathname with more escapes is moved to the canonical one', async () => {
  await start()
  await live!.put('/sys/part/user@1.service/memory/threshold/a@b', { at: 1000 })
  await end('SIGTERM')
  const db = new DatabaseSync(journalFile(directory))
  // An earlier version also encoded characters that need no escape.
  const row = db.prepare('SELECT path, value FROM definitions').get()!
  expect(row.path).toBe('/sys/part/user@1.service/memory/threshold/a@b')
  db.prepare('UPDATE definitions SET path = ?, value = ?').run(
    String(row.path).replaceAll('@', '%40'),
    String(row.value).replace('user@1', 'user%401'),
  )
  db.close()
  await start()
  expect(await live!.get('/sys/part/user%401.service/memory/threshold/a%40b')).toMatchObject({
    path: '/sys/part/user@1.service/memory/threshold/a@b',
    state: 'waiting',
  })
  await end('SIGTERM')
  const [moved, ...others] = tables('definitions')[0] as { path: string; value: string }[]
  expect([moved!.path, JSON.parse(moved!.value), others]).toEqual([row.path, JSON.parse(String(row.value)), []])
})

test('a threshold that had tripped on a process which ended meanwhile is cleared and removed', async () => {
  child = spawn('sleep', ['1000'])
  const path = `/sys/proc/${child.pid}`
  await start()
  await live!.until(path, ({ pid }) => pid === child!.pid)
  expect(await live!.put(`${path}/fds/threshold/any`, { at: 1 })).toMatchObject({ state: 'tripped' })
  const before = await cursor()
  await end('SIGKILL')
  const gone = new Promise((resolve) => child!.once('close', resolve))
  child.kill('SIGKILL')
  await gone
  await start()
  expect(live!.output.stderr).toMatch(/a definition from before the restart ended with its process/)
  expect(await thresholdEventsSince(before)).toEqual([`threshold.cleared ${path}/fds died`])
  await end('SIGTERM')
  expect(tables('definitions', 'trips')).toEqual([[], []])
})

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'after %s a threshold on a partition that is not there waits, as before the restart',
  async (signal) => {
    const path = '/sys/part/not-there-yet/part/inner/memory/threshold/high'
    await start()
    expect(await live!.put(path, { at: '90%', note: 'at boot' })).toMatchObject({ state: 'waiting' })
    await live!.put('/sys/part/not-there-yet/timeout', { after: '1h' })
    const etag = (await fetch(`${live!.url}${path}`)).headers.get('etag')
    for (let round = 0; round < 2; round++) {
      await end(signal)
      await start()
      const again = await fetch(`${live!.url}${path}`)
      expect(again.headers.get('etag')).toBe(etag)
      expect(await again.json()).toMatchObject({ state: 'waiting', at: '90%', note: 'at boot' })
      expect(await live!.get('/sys/part/not-there-yet/timeout')).toMatchObject({ after: '3600000ms' })
    }
    expect((await live!.get('/sys/thresholds')).entries).toMatchObject([{ path, state: 'waiting' }])
    expect(live!.output.stderr).toBe('')
  },
)

test('a setting that the present start does not allow stays in the journal until one does', async () => {
  const path = `/sys/proc/${process.pid}/fds/threshold/signalled`
  await start(['--allow-actions'])
  await live!.put(path, { at: 1_000_000, action: 'signal', signal: 'SIGTERM' })
  await end('SIGTERM')
  await start()
  expect(live!.output.stderr).toMatch(/a definition from before the restart cannot be set now: it stays in the journal/)
  expect(await live!.get(path)).toMatchObject({ status: 404 })
  await end('SIGTERM')
  await start(['--allow-actions'])
  expect(await live!.get(path)).toMatchObject({ state: 'armed', signal: 'SIGTERM' })
})

/** Deadlock events and warnings after a cursor, up to now. */
async function deadlockEventsSince(after: string): Promise<CloudEvent[]> {
  const until = Number(await cursor())
  const watcher = await live!.watch(`/sys?after=${after}`)
  await watcher.until(({ sequence }) => Number(sequence) >= until)
  return watcher.events.filter(({ type }) => type.startsWith('deadlock.') || type === 'events.lost')
}

test('a deadlock from before a restart is resolved, and is detected again under another id', async () => {
  const ring = await startForTest('locks', ['ring', 'normal', 2])
  await start()
  const before = await cursor()
  const isOurs = ({ about = '' }: CloudEvent) => about.includes(`/sys/proc/${ring.pid}/`)
  await live!.until('/sys/deadlocks', ({ entries }) => JSON.stringify(entries).includes(`/sys/proc/${ring.pid}/`))
  await end('SIGKILL')
  await start()
  await live!.until('/sys/deadlocks', ({ entries }) => JSON.stringify(entries).includes(`/sys/proc/${ring.pid}/`))
  // A busy machine has other deadlocks, and losses of the process connector at /sys/proc: only the restart is at /sys.
  const isRestart = ({ type, subject }: CloudEvent) => type === 'events.lost' && subject === '/sys'
  const all = (await deadlockEventsSince(before)).filter((event) => isRestart(event) || isOurs(event))
  const restart = all.findIndex(isRestart)
  const [old] = restart === 0 ? [] : all.slice(0, restart)
  const [resolved, again] = all.slice(restart + 1)
  // The deadlock may have been detected before the cursor.
  if (old !== undefined) expect(resolved!.subject).toBe(old.subject)
  expect(resolved).toMatchObject({
    type: 'deadlock.resolved',
    data: { how: 'restarted', was: 'detected', members: [{ name: 'locks' }, { name: 'locks' }] },
  })
  expect(again!.type).toBe('deadlock.detected')
  expect(again!.subject).not.toBe(resolved!.subject)
  const next = await cursor()
  await end('SIGTERM')
  await ring.stop()
  await start()
  const events = (await deadlockEventsSince(next)).filter(isOurs)
  expect(events.map(({ type, subject, data }) => [type, subject, data.how])).toEqual([
    ['deadlock.resolved', again!.subject, 'restarted'],
  ])
  await end('SIGTERM')
  const left = tables('told')
    .flat()
    .map((row) => JSON.stringify(row))
  expect(left.filter((row) => row.includes(`/sys/proc/${ring.pid}/`))).toEqual([])
})

test('an open warning is not repeated after a restart, and the end of its wait is reported', async () => {
  const server = await startForTest('accepts')
  const port = Number(await server.line())
  const path = `/sys/proc/${server.pid}`
  await start()
  const before = await cursor()
  await live!.until(path, ({ path: there }) => there === path)
  await live!.put(`${path}/timeout`, { states: ['RECEIVE'], after: '100ms' })
  await live!.until(`${path}/timeout`, ({ warned }) => (warned as string[]).length === 1)
  await end('SIGKILL')
  await start()
  expect(await live!.get(`${path}/timeout`)).toMatchObject({ warned: [`${path}/thread/${server.pid}`] })
  const socket = connect(port, '127.0.0.1')
  await server.line()
  await live!.until(`${path}/timeout`, ({ warned }) => (warned as string[]).length === 0)
  socket.destroy()
  const events = (await deadlockEventsSince(before)).filter(({ subject }) => subject.startsWith(path))
  // On a busy machine the next wait of the same thread may have caused a warning, too. Its `since` differs.
  const [first, second] = events
  expect([first!.type, second!.type]).toEqual(['deadlock.warning', 'deadlock.eased'])
  const ofThatWait = events.filter(({ data }) => data.since === first!.data.since)
  expect(ofThatWait).toEqual([first, second])
})

test('an open warning whose thread ended during the restart is reported as over', async () => {
  const server = await startForTest('accepts')
  const path = `/sys/proc/${server.pid}`
  await start()
  const before = await cursor()
  await live!.until(path, ({ path: there }) => there === path)
  await live!.put(`${path}/timeout`, { states: ['RECEIVE'], after: '100ms' })
  await live!.until(`${path}/timeout`, ({ warned }) => (warned as string[]).length === 1)
  await end('SIGTERM')
  await server.stop()
  await start()
  const events = (await deadlockEventsSince(before)).filter(({ subject }) => subject.startsWith(path))
  expect(events.map(({ type, data }) => [type, data.now])).toEqual([
    ['deadlock.warning', undefined],
    ['deadlock.eased', 'DEAD'],
  ])
})
