/** Tests the client with real services: requests, refusals, restarts and slow listeners. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { Client, type Notice, ProblemError, UnreachableError } from '../../src/client/client.ts'
import { parseTokens } from '../../src/http/security/gate.ts'
import { Live } from '../support/live.ts'
import { ModelService } from '../support/model-service.ts'
import { startForTest } from '../support/running.ts'
import { Service } from '../support/service.ts'
import { within } from '../support/until.ts'

describe('requests', () => {
  let service: ModelService
  let client: Client

  beforeEach(async () => {
    service = await new ModelService().start()
    client = new Client(service.url)
  })

  afterEach(() => service.stop())

  test('create, read, set and delete, each with the cursor of the reply', async () => {
    const made = await client.post('/sys/proc', { name: 'server' })
    const { pid, identity } = made.body
    expect([made.status, made.body.name]).toEqual([201, 'server'])
    const put = await client.put(`/sys/proc/${pid}/channels/threshold/hog`, { at: 2 }, { ifProcess: identity })
    expect(put).toMatchObject({ status: 201, body: { at: 2, state: 'armed' }, etag: expect.stringMatching(/^"\d+"$/) })
    const { body: list, cursor } = await client.get('/sys/proc', { query: { limit: 1 } })
    expect(list).toMatchObject({ path: '/sys/proc', entries: [{ pid }], next: null })
    expect(cursor > made.cursor || cursor === made.cursor).toBe(true)
    const gone = await client.delete(`/sys/proc/${pid}/channels/threshold/hog`, { ifMatch: put.etag! })
    expect([gone.status, gone.body]).toEqual([204, undefined])
    const lines = await client.post('/sys/calls', '{"call":"create","name":"client"}\n')
    expect(JSON.parse(lines.body)).toMatchObject({ line: 1, returned: { pid: pid + 1 } })
    expect(lines.cursor).toBeNull()
  })

  test('a refusal throws the problem that the service reports', async () => {
    await expect(client.get('/sys/proc/42')).rejects.toMatchObject({
      status: 404,
      problem: { type: 'urn:introspectd:problem:no-such-path', exists: '/sys/proc' },
    })
    const { pid } = (await client.post('/sys/proc', { name: 'server' })).body
    const other = client.put(`/sys/proc/${pid}/timeout`, { after: '1s' }, { ifProcess: 'another' })
    await expect(other).rejects.toMatchObject({ status: 412 })
    await expect(client.put('/sys/fds/threshold/all', { at: -1 })).rejects.toMatchObject({
      problem: { errors: [{ pointer: '/at' }] },
    })
  })

  test('an aborted request throws the reason of its signal; no reply is an UnreachableError', async () => {
    const reason = new Error('no more')
    await expect(client.get('/sys', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await service.stop()
    await expect(client.get('/sys')).rejects.toThrow(UnreachableError)
    await expect(client.get('/sys')).rejects.toThrow(/ECONNREFUSED/)
  })
})

test('a token is sent with every request, and a missing token is not retried', async () => {
  const tokens = parseTokens('ha operate sixteen-characters')
  const service = await new Service({ tokens }).start()
  onTestFinished(() => service.stop())
  const stranger = new Client(service.url)
  await expect(stranger.get('/sys')).rejects.toMatchObject({ status: 401 })
  await expect(stranger.watch('/sys').next()).rejects.toThrow(ProblemError)
  const client = new Client(service.url, { token: 'sixteen-characters' })
  const first = client.watch('/sys', { types: ['process.created'] }).next()
  await service.untilStreams(1)
  service.bench.process(42)
  expect((await first).value).toMatchObject({ type: 'process.created', subject: '/sys/proc/42' })
})

test('a watch with list misses nothing, even if its listener is slower than its queue', async () => {
  const service = await new Service().start()
  onTestFinished(() => service.stop())
  const { bench } = service
  bench.process(1)
  const watch = new Client(service.url).watch('/sys/proc', {
    list: true,
    types: ['process.created', 'process.changed'],
  })
  const { value: state } = await watch.next()
  expect(state).toMatchObject({ type: 'state', why: 'begin', body: { entries: [{ pid: 1 }] } })
  // These processes start between the list and the stream.
  for (let pid = 2; pid < 1000; pid++) bench.process(pid)
  await watch.next()
  // About 20 MB of events while nobody reads: more than the socket buffers and the queue of the service hold.
  const longName = 'x'.repeat(1000)
  for (let pid = 1000; pid < 20_000; pid++) {
    bench.process(pid, { name: longName })
    if (pid % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const pids = [2]
  for await (const event of watch) {
    if (event.type === 'process.created') pids.push(event.data.pid)
    if (pids.length === 19_998) break
  }
  expect(pids).toEqual(Array.from({ length: 19_998 }, (_, index) => index + 2))
})

describe('a watch of a live service', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'introspectd-client-'))
  })

  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const portOf = (live: Live) => ['--port', new URL(live.url).port]
  const dataArgs = () => ['--data', join(directory, 'data')]

  test('resumes after the service was killed and restarted', async () => {
    const first = await Live.start(dataArgs())
    onTestFinished(() => void first.child.kill('SIGKILL'))
    const notices: Notice[] = []
    const client = new Client(first.url)
    const watch = client.watch('/sys', {
      types: ['process.died', 'events.lost'],
      after: (await client.get('/sys')).cursor,
      onNotice: (notice) => notices.push(notice),
    })
    const died = async (pid: number): Promise<string[]> => {
      const seen: string[] = []
      for (;;) {
        const { value } = await within(watch.next(), () => seen, { what: `process ${pid} died` })
        seen.push(value!.type)
        if (value?.type === 'process.died' && value.data.pid === pid) return seen
      }
    }
    const one = await startForTest('threads')
    await first.until('/sys/proc', ({ entries }) => (entries as { pid: number }[]).some(({ pid }) => pid === one.pid))
    await one.stop()
    await died(one.pid)
    await first.stop('SIGKILL')
    const second = await Live.start([...dataArgs(), ...portOf(first)])
    onTestFinished(() => void second.child.kill('SIGKILL'))
    const two = await startForTest('threads')
    await second.until('/sys/proc', ({ entries }) => (entries as { pid: number }[]).some(({ pid }) => pid === two.pid))
    await two.stop()
    // The service reports the gap as events.lost, and the events after it arrive.
    expect(await died(two.pid)).toContain('events.lost')
    expect(notices.filter(({ what }) => what === 'broken').length).toBeGreaterThan(0)
    await watch.return()
    await second.stop()
  })

  test('reads the state if its cursor is gone', async () => {
    const first = await Live.start()
    const client = new Client(first.url)
    const watch = client.watch('/sys/proc', { types: ['events.lost', 'process.created'], list: true })
    const { value: begin } = await watch.next()
    await first.stop()
    // Without a journal the restarted service has no old events.
    const second = await Live.start(portOf(first))
    onTestFinished(() => void second.child.kill('SIGKILL'))
    for await (const event of watch) {
      if (event.type !== 'state') continue
      expect(event).toMatchObject({ why: 'gone', body: { path: '/sys/proc' } })
      expect(event.after! >= (begin as { cursor: string }).cursor).toBe(true)
      expect(event.cursor > event.after!).toBe(true)
      expect(event.body.entries.some(({ pid }) => pid === second.pid)).toBe(true)
      break
    }
    await second.stop()
  })
})
