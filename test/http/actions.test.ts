/** Actions over HTTP: thresholds that deny or send signals, POST of a signal, PUT of an rlimit, the signal table. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseTokens } from '../../src/http/security/gate.ts'
import { ThresholdView } from '../../src/tree/threshold-views.ts'
import { RlimitView, SentView, SignalRowView, SignalsView } from '../../src/tree/views.ts'
import { ModelService } from '../support/model-service.ts'
import { Service } from '../support/service.ts'

let service: ModelService

beforeEach(async () => {
  service = await new ModelService().start()
  await service.post('/sys/proc', { name: 'server' })
  await service.post('/sys/proc', { name: 'user', uid: 1000 })
})

afterEach(() => service.stop())

const call = (pid: number, body: object) => service.post(`/sys/proc/${pid}/thread/1/call`, body)

describe('a threshold that denies', () => {
  test('refuses the call with a problem that has the errno, and a WebSocket at the receiver gets the event', async () => {
    const made = await service.put('/sys/proc/1/channels/threshold/most', { at: 1, action: 'deny' })
    expect([made.status, ThresholdView.parse(made.body).action]).toEqual([201, 'deny'])
    const watcher = await service.watch('/sys/proc/1/channels?types=limit.denied')
    expect((await call(1, { call: 'ChannelCreate' })).status).toBe(200)
    const refused = await call(1, { call: 'ChannelCreate' })
    expect([refused.status, refused.body.errno]).toEqual([409, 'EAGAIN'])
    expect(refused.body.detail).toBe(
      '/sys/proc/1/channels is at most 1 count: /sys/proc/1/channels/threshold/most denies more',
    )
    const [event] = await watcher.until(1)
    expect(event).toMatchObject({
      subject: '/sys/proc/1/channels',
      data: { by: 'threshold', cause: '/sys/proc/1/thread/1', call: 'ChannelCreate', errno: 'EAGAIN' },
    })
  })

  test('emits its event to the sender’s subscribers too', async () => {
    await service.put('/sys/proc/1/server-ids/threshold/none', { at: 0, action: 'deny' })
    await call(1, { call: 'ChannelCreate' })
    const watcher = await service.watch('/sys/proc/2?types=limit.denied')
    await call(2, { call: 'ConnectAttach', pid: 1, chid: 1 })
    const [event] = await watcher.until(1)
    expect(event).toMatchObject({ subject: '/sys/proc/1/server-ids', data: { cause: '/sys/proc/2/thread/1' } })
  })
})

describe('a threshold that ends a process by its signal', () => {
  const kill = { at: 1, action: 'signal', signal: 'SIGKILL' }

  test('answers its own PUT as set, without a value', async () => {
    const { path } = (await service.post('/sys/proc', { name: 'short' })).body as { path: string }
    const { status, body } = await service.put(`${path}/threads/threshold/kill`, kill)
    expect([status, body]).toMatchObject([201, { state: 'unknown', value: null }])
    expect((await service.get(path)).status).toBe(404)
  })

  test('still returns the pid of a new process to the creator', async () => {
    await service.put('/sys/threads/threshold/kill', { ...kill, per: 'process', where: { name: 'bomb' } })
    const { status, body } = await service.post('/sys/proc', { name: 'bomb' })
    expect([status, body]).toMatchObject([201, { name: 'bomb', usage: {} }])
    expect((await service.get((body as { path: string }).path)).status).toBe(404)
  })

  test('still returns the tid of a new thread to the creator', async () => {
    const { path } = (await service.post('/sys/proc', { name: 'grows' })).body as { path: string }
    await service.put(`${path}/threads/threshold/kill`, { ...kill, at: 2 })
    expect(await service.post(`${path}/thread`, {})).toMatchObject({ status: 201, body: { tid: 2 } })
    expect((await service.get(path)).status).toBe(404)
  })
})

describe('POST of a signal', () => {
  test('ends the process by that signal', async () => {
    expect(SignalsView.parse((await service.get('/sys/proc/1/signal')).body).refused).toBe(null)
    const watcher = await service.watch('/sys/proc/1?types=process.died')
    const sent = await service.post('/sys/proc/1/signal', { signal: 'SIGTERM' })
    expect([sent.status, SentView.parse(sent.body)]).toEqual([
      200,
      { path: '/sys/proc/1/signal', signal: 'SIGTERM', pid: 1, identity: 'model-1-1' },
    ])
    expect(await watcher.until(1)).toMatchObject([{ data: { signal: 'SIGTERM' } }])
    expect((await service.post('/sys/proc/1/signal', { signal: 'SIGTERM' })).status).toBe(404)
  })

  test('into a full queue is answered with EAGAIN, and limit.denied has no cause', async () => {
    await call(1, { call: 'SignalProcmask', how: 'block', signals: ['SIGTERM'] })
    await service.put('/sys/proc/1/signals/threshold/none', { at: 0, action: 'deny' })
    const watcher = await service.watch('/sys/proc/1?types=limit.denied')
    const refused = await service.post('/sys/proc/1/signal', { signal: 'SIGTERM' })
    expect([refused.status, refused.body.errno]).toEqual([409, 'EAGAIN'])
    expect(await watcher.until(1)).toMatchObject([{ data: { cause: null, call: 'signal' } }])
    expect((await service.get('/sys/proc/1/signals')).body.value).toBe(0)
  })

  test.each([
    [{ signal: 'SIGNONE' }, '/signal'],
    [{ signal: 9 }, '/signal'],
    [{}, '/signal'],
    [{ signal: 'SIGTERM', tid: 1 }, '/tid'],
  ])('%j is refused at %s, and nothing is sent', async (body, pointer) => {
    const refused = await service.post('/sys/proc/1/signal', body)
    expect([refused.status, refused.body.errors]).toMatchObject([400, [{ pointer }]])
    expect((await service.get('/sys/proc/1')).status).toBe(200)
  })

  test('to a process other than If-Process names is not sent', async () => {
    const headers = { 'if-process': 'model-1-7' }
    expect((await service.post('/sys/proc/1/signal', { signal: 'SIGKILL' }, headers)).status).toBe(412)
    expect((await service.get('/sys/proc/1')).status).toBe(200)
  })
})

test('/sys/signal-table has every signal, and a reason exactly for those that are never refused', async () => {
  const { body } = await service.get('/sys/signal-table')
  const rows = (body.entries as unknown[]).map((row) => SignalRowView.parse(row))
  expect(rows).toHaveLength(31 + 16)
  const exceptions = rows.filter(({ refusable }) => !refusable)
  expect(exceptions.map(({ name }) => name).sort()).toEqual(
    [
      ...['SIGKILL', 'SIGSTOP', 'SIGCONT'],
      ...['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGSYS', 'SIGXCPU', 'SIGXFSZ'],
    ].sort(),
  )
  for (const { refusable, why } of rows) expect(why === null).toBe(refusable)
  expect(await (await service.fetch('/sys/signal-table?format=text')).text()).toContain('SIGKILL')
})

describe('PUT of an rlimit', () => {
  const put = (pid: number, name: string, body: unknown) => service.put(`/sys/proc/${pid}/rlimit/${name}`, body)

  test('sets soft and hard limit and leaves an omitted one unchanged; a threshold in percent follows at once', async () => {
    const set = await put(1, 'nofile', { soft: 150, hard: 200 })
    expect([set.status, RlimitView.parse(set.body)]).toMatchObject([200, { soft: 150, hard: 200, unit: 'count' }])
    expect((await put(1, 'nofile', { soft: 120 })).body).toMatchObject({ soft: 120, hard: 200 })
    expect((await put(1, 'as', { soft: 'unlimited', hard: 'unlimited' })).body).toMatchObject({ soft: 'unlimited' })
    for (let count = 0; count < 60; count++) await call(1, { call: 'open', path: '/f' })
    expect((await service.put('/sys/proc/1/fds/threshold/half', { at: '50%' })).body).toMatchObject({
      state: 'tripped',
      capacity: 120,
    })
    await put(1, 'nofile', { soft: 200 })
    expect((await service.get('/sys/proc/1/fds/threshold/half')).body).toMatchObject({ state: 'armed', capacity: 200 })
    await put(1, 'nofile', { soft: 110 })
    expect((await service.get('/sys/proc/1/fds/threshold/half')).body).toMatchObject({ state: 'tripped' })
  })

  test.each([
    [1, 'nofile', { soft: 300, hard: 200 }, 400],
    [1, 'nofile', { soft: 99 }, 400],
    [1, 'fsize', { soft: 1 }, 400],
    [2, 'nofile', { hard: 2000 }, 403],
    [2, 'nofiles', { soft: 200 }, 404],
    [9, 'nofile', { soft: 200 }, 404],
    [1, 'nofile', {}, 400],
    [1, 'nofile', { soft: -1 }, 400],
    [1, 'nofile', { soft: 'infinite' }, 400],
    [1, 'nofile', { soft: 150, hardest: 1 }, 400],
  ])('%i %s %j is refused with %i, and changes nothing', async (pid, name, body, status) => {
    expect((await put(pid, name, body)).status).toBe(status)
    expect((await service.get('/sys/proc/1/rlimit/nofile')).body).toMatchObject({ soft: 1000, hard: 1000 })
    expect((await service.get('/sys/proc/2/rlimit/nofile')).body).toMatchObject({ soft: 1000, hard: 1000 })
  })
})

test('actions on processes need the role operate; other thresholds need the role control', async () => {
  const tokens = parseTokens('a control aaaaaaaaaaaaaaaaaaaa\nb operate bbbbbbbbbbbbbbbbbbbb')
  const guarded = await new ModelService({ tokens }).start()
  const as = (letter: string) => ({ authorization: `Bearer ${letter.repeat(20)}` })
  await guarded.post('/sys/proc', { name: 'p' }, as('b'))
  const put = (path: string, body: object, letter: string) =>
    guarded.put(path, body, as(letter)).then(({ status }) => status)
  const hog = '/sys/proc/1/fds/threshold/hog'
  const signal = { at: 9, action: 'signal', signal: 'SIGTERM' }
  expect([await put(hog, signal, 'a'), await put(hog, signal, 'b')]).toEqual([403, 201])
  expect(await put(hog, { at: 9, action: 'deny' }, 'a')).toBe(200)
  const nofile = '/sys/proc/1/rlimit/nofile'
  expect([await put(nofile, { soft: 500 }, 'a'), await put(nofile, { soft: 500 }, 'b')]).toEqual([403, 200])
  const post = (letter: string) => guarded.post('/sys/proc/1/signal', { signal: 'SIGCONT' }, as(letter))
  expect([(await post('a')).status, (await post('b')).status]).toEqual([403, 200])
  await guarded.stop()
})

test('a source that only observes refuses each action with the reason', async () => {
  const observed = await new Service().start()
  observed.bench.process(42)
  for (const answer of [
    await observed.post('/sys/proc/42/signal', { signal: 'SIGTERM' }),
    await observed.put('/sys/proc/42/rlimit/nofile', { soft: 100 }),
  ])
    expect([answer.status, answer.body.detail]).toEqual([409, 'this source only observes'])
  expect((await observed.get('/sys/proc/42/signal')).body).toMatchObject({ refused: 'this source only observes' })
  await observed.stop()
})
