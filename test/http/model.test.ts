/** The model over HTTP: creating, calling, its clock, scenarios, and the refusals of each. */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseTokens } from '../../src/http/security/gate.ts'
import {
  Advanced,
  CallRowView,
  ChannelView,
  ClockView,
  OutcomeView,
  ThreadCallView,
} from '../../src/tree/model-views.ts'
import { definitions } from '../../src/tree/tree.ts'
import { PartitionView, ProcessView, SystemView, ThreadView } from '../../src/tree/views.ts'
import { ModelService } from '../support/model-service.ts'
import { Service } from '../support/service.ts'

let service: ModelService

beforeEach(async () => {
  service = await new ModelService().start()
})

afterEach(() => service.stop())

const call = (pid: number, body: object, tid = 1) => service.post(`/sys/proc/${pid}/thread/${tid}/call`, body)

/** Creates a server with a channel, pid 1, and a client that is connected to it, pid 2. */
async function pair(): Promise<void> {
  await service.post('/sys/proc', { name: 'server' })
  await service.post('/sys/proc', { name: 'client' })
  await call(1, { call: 'ChannelCreate' })
  await call(2, { call: 'ConnectAttach', pid: 1, chid: 1 })
}

describe('creating', () => {
  test('makes a process, in a partition and with a parent, and another thread', async () => {
    expect((await service.put('/sys/part/net', { pools: { channels: 5 } })).status).toBe(201)
    const made = await service.post('/sys/part/net/proc', { name: 'server', uid: 33, thread: { priority: 20 } })
    expect([made.status, made.headers.get('location')]).toEqual([201, '/sys/proc/1'])
    expect(ProcessView.parse(made.body)).toMatchObject({
      pid: 1,
      uid: 33,
      partition: '/sys/part/net',
      state: { READY: 1 },
    })
    const child = await service.post('/sys/proc', { name: 'child', parent: 1, partition: '/sys/part/net' })
    expect(child.body).toMatchObject({ parent: 1, partition: '/sys/part/net' })
    const thread = await service.post('/sys/proc/1/thread', { name: 'worker', stackSize: 65_536 })
    expect([thread.status, thread.headers.get('location')]).toEqual([201, '/sys/proc/1/thread/2'])
    expect(ThreadView.parse(thread.body)).toMatchObject({ tid: 2, name: 'worker', state: 'READY', priority: 10 })
  })

  test.each(['.', '..'])('makes no partition named %s, because no client could request its path', async (name) => {
    const [answer] = await service.calls(JSON.stringify({ call: 'putPartition', partition: `/sys/part/${name}` }))
    expect(answer).toMatchObject({ errno: 'EINVAL', detail: expect.stringContaining('no path leads') })
    expect((await service.get('/sys/part')).body.entries).toEqual([])
  })

  test('with the line putPartition makes no missing parent partitions, as with PUT', async () => {
    const put = (partition: string) => JSON.stringify({ call: 'putPartition', partition })
    expect(await service.calls(put('/sys/part/a/part/b'))).toEqual([
      { line: 1, errno: 'ENOENT', detail: 'there is no partition /sys/part/a' },
    ])
    expect((await service.get('/sys/part')).body.entries).toEqual([])
    const inside = ['/sys/part/a', '/sys/part/a/part/b', '/sys/part/a/part/..'].map(put).join('\n')
    expect(await service.calls(inside)).toMatchObject([{ returned: {} }, { returned: {} }, { errno: 'EINVAL' }])
    const { entries } = (await service.get('/sys/part/a/part')).body as { entries: { path: string }[] }
    expect(entries.map(({ path }) => path)).toEqual(['/sys/part/a/part/b'])
  })

  test('makes, resizes and removes a partition, but removes none in use', async () => {
    const made = await service.put('/sys/part/a/part/b', { pools: {} })
    expect(made.status).toBe(404)
    expect(made.body.exists).toBe('/sys/part')
    expect((await service.put('/sys/part/a', { pools: { channels: 5 } })).status).toBe(201)
    expect((await service.put('/sys/part/a/part/b%2Fc', { pools: {} })).headers.get('location')).toBe(
      '/sys/part/a/part/b%2Fc',
    )
    const again = await service.put('/sys/part/a', { pools: { channels: 7, memory: 1_000_000 } })
    expect([again.status, PartitionView.parse(again.body).name]).toEqual([200, 'a'])
    expect((await service.get('/sys/part/a/channels')).body.capacity).toBe(7)
    expect((await service.get('/sys/part/a/memory-free')).body).toMatchObject({ value: 1_000_000, capacity: 1_000_000 })
    const refused = await service.send('DELETE', '/sys/part/a')
    expect([refused.status, refused.body.errno]).toEqual([409, 'EBUSY'])
    expect((await service.send('DELETE', '/sys/part/a/part/b%2Fc')).status).toBe(204)
    expect((await service.send('DELETE', '/sys/part/a')).status).toBe(204)
    expect((await service.get('/sys/part/a')).status).toBe(404)
  })

  test('sets the pools of the whole machine that are named, and null removes one', async () => {
    const set = await service.put('/sys', { pools: { channels: 1, threads: 3 } })
    expect([set.status, SystemView.parse(set.body).path]).toEqual([200, '/sys'])
    await pair()
    const refused = await call(1, { call: 'ChannelCreate' })
    expect([refused.status, refused.body.errno]).toEqual([409, 'EAGAIN'])
    expect((await service.get('/sys/channels')).body).toMatchObject({ value: 1, capacity: 1 })
    expect((await service.get('/sys/timers')).body.capacity).toBe(65_536)
    await service.put('/sys', { pools: { channels: null } })
    expect((await service.get('/sys/channels')).body.capacity).toBe(null)
    expect((await call(1, { call: 'ChannelCreate' })).status).toBe(200)
    // A pool below the current usage refuses only new use.
    await service.put('/sys', { pools: { threads: 1 } })
    expect((await service.get('/sys/threads')).body).toMatchObject({ value: 2, capacity: 1 })
    expect((await service.post('/sys/proc/1/thread', {})).body.errno).toBe('EAGAIN')
  })

  test('lets a threshold in percent follow a pool of the whole machine', async () => {
    await pair()
    const { body } = await service.put('/sys/channels/threshold/half', { at: '50%' })
    expect(body.state).toBe('armed')
    await service.put('/sys', { pools: { channels: 2 } })
    expect((await service.get('/sys/channels/threshold/half')).body.state).toBe('tripped')
  })

  test.each([
    [{ pools: { channels: -1 } }, '/pools/channels'],
    [{ pools: { channels: 1.5 } }, '/pools/channels'],
    [{ pools: { channels: '5' } }, '/pools/channels'],
    [{ pools: { chanels: 5 } }, '/pools/chanels'],
    [{ pools: { 'memory-free': 5 } }, '/pools/memory-free'],
    [{ pools: [] }, '/pools'],
    [{ pool: {} }, '/pool'],
  ])('with pools %j is refused, the field is named, and nothing is set', async (body, pointer) => {
    for (const path of ['/sys', '/sys/part/a']) {
      const refused = await service.put(path, body)
      expect([refused.status, refused.body.errors]).toMatchObject([400, [{ pointer }]])
    }
    expect((await service.get('/sys/channels')).body.capacity).toBe(65_536)
    expect((await service.get('/sys/part/a')).status).toBe(404)
  })

  test('lets a process move between partitions if there is room', async () => {
    await service.put('/sys/part/a', { pools: {} })
    await service.put('/sys/part/b', { pools: { channels: 0 } })
    await pair()
    expect((await service.post('/sys/proc/1/call', { call: 'move', partition: '/sys/part/a' })).status).toBe(200)
    expect((await service.get('/sys/proc/1')).body.partition).toBe('/sys/part/a')
    const full = await service.post('/sys/proc/1/call', { call: 'move', partition: '/sys/part/b' })
    expect([full.status, full.body.errno]).toEqual([409, 'EAGAIN'])
    expect((await service.get('/sys/proc/1')).body.partition).toBe('/sys/part/a')
    const nowhere = await service.post('/sys/proc/1/call', { call: 'move', partition: '/sys/part/c' })
    expect([nowhere.status, nowhere.body.errno]).toEqual([404, 'ENOENT'])
  })
})

describe('calling', () => {
  test('a call that blocks is answered at once, and a WebSocket shows SEND, REPLY and RECEIVE', async () => {
    await pair()
    const watcher = await service.watch('/sys?types=thread.changed')
    const sent = await call(2, { call: 'MsgSend', coid: 1, msg: 'hello' })
    const on = { coid: 1, channel: '/sys/proc/1/channel/1', scoid: 1, server: '/sys/proc/1' }
    expect([sent.status, OutcomeView.parse(sent.body)]).toEqual([200, { blocked: 'SEND', on }])
    expect((await call(1, { call: 'MsgReceive', chid: 1 })).body).toMatchObject({
      returned: { rcvid: 1, msg: 'hello' },
    })
    expect((await service.get('/sys/proc/2/thread/1')).body).toMatchObject({
      state: 'REPLY',
      on: { receiver: '/sys/proc/1/thread/1' },
    })
    await call(1, { call: 'MsgReply', rcvid: 1, status: 3 })
    await call(1, { call: 'MsgReceive', chid: 1 })
    await watcher.until(4)
    expect(watcher.events.map(({ subject, data }) => [subject, data.state])).toEqual([
      ['/sys/proc/2/thread/1', 'SEND'],
      ['/sys/proc/2/thread/1', 'REPLY'],
      ['/sys/proc/2/thread/1', 'READY'],
      ['/sys/proc/1/thread/1', 'RECEIVE'],
    ])
    const client = ThreadCallView.parse((await service.get('/sys/proc/2/thread/1/call')).body)
    expect(client).toMatchObject({ blocked: null, returned: { call: 'MsgSend', value: { status: 3 } } })
    const server = ThreadCallView.parse((await service.get('/sys/proc/1/thread/1/call')).body)
    expect(server.blocked).toMatchObject({ call: 'MsgReceive', state: 'RECEIVE' })
  })

  test('a channel shows its queues', async () => {
    await pair()
    await call(2, { call: 'MsgSend', coid: 1 })
    await service.post('/sys/proc', { name: 'other' })
    await call(3, { call: 'ConnectAttach', pid: 1, chid: 1 })
    await call(1, { call: 'MsgReceive', chid: 1 })
    await call(3, { call: 'MsgSend', coid: 1 })
    const { body } = await service.get('/sys/proc/1/channel/1')
    expect(ChannelView.parse(body)).toMatchObject({
      send: ['/sys/proc/3/thread/1'],
      receive: [],
      reply: [{ rcvid: 1, client: '/sys/proc/2/thread/1', receiver: '/sys/proc/1/thread/1' }],
      connections: [
        { scoid: 1, client: '/sys/proc/2', coids: [1] },
        { scoid: 2, client: '/sys/proc/3', coids: [1] },
      ],
    })
    expect((await service.get('/sys/proc/1/channel')).body.entries).toEqual([body])
    expect((await service.get('/sys/proc/1/channel/2')).status).toBe(404)
    expect((await service.get('/sys/proc/1/channel/01')).status).toBe(404)
  })

  test('a thread that waits for a mutex is shown with the current owner, alive or dead', async () => {
    await service.post('/sys/proc', { name: 'one' })
    for (const name of ['b', 'c', 'd']) await service.post('/sys/proc/1/thread', { name })
    for (const tid of [1, 2, 3]) await call(1, { call: 'SyncMutexLock', mutex: 'm' }, tid)
    const on = async () => (await service.get('/sys/proc/1/thread/3')).body.on
    expect(await on()).toEqual({ mutex: 'm', owner: '/sys/proc/1/thread/1' })
    await call(1, { call: 'SyncMutexUnlock', mutex: 'm' })
    expect(await on()).toEqual({ mutex: 'm', owner: '/sys/proc/1/thread/2' })
    await call(1, { call: 'ThreadDestroy', tid: 2 }, 4)
    expect(await on()).toEqual({ mutex: 'm', owner: '/sys/proc/1/thread/2', ownerState: 'DEAD' })
  })

  test('a refused call is a problem with its errno, and nothing has changed', async () => {
    await pair()
    await call(2, { call: 'MsgSend', coid: 1 })
    const before = (await service.get('/sys?depth=3')).body
    for (const [pid, body, status, errno] of [
      [2, { call: 'MsgSend', coid: 1 }, 409, 'EBUSY'],
      [1, { call: 'MsgSend', coid: 9 }, 409, 'EBADF'],
      [1, { call: 'MsgReceive', chid: 9 }, 404, 'ESRCH'],
      [1, { call: 'ThreadJoin', tid: 1 }, 409, 'EDEADLK'],
      [1, { call: 'SyncSemWait', semaphore: 'none' }, 400, 'EINVAL'],
    ] as const) {
      const refused = await call(pid, body)
      expect([body, refused.status, refused.body.errno]).toEqual([body, status, errno])
    }
    expect((await call(2, { call: 'MsgSend', coid: 1 })).body.detail).toContain('blocked in SEND coid 1')
    expect((await service.get('/sys?depth=3')).body).toEqual(before)
  })

  test.each([
    [{ call: 'MsgSnd', coid: 1 }, '/call'],
    [{}, '/call'],
    [{ call: 'MsgSend' }, '/coid'],
    [{ call: 'MsgSend', coid: '1' }, '/coid'],
    [{ call: 'MsgSend', coid: 1.5 }, '/coid'],
    [{ call: 'MsgSend', coid: 1, mgs: 'x' }, '/mgs'],
    [{ call: 'SignalKill', pid: 1, signal: 'SIGNONE' }, '/signal'],
    [{ call: 'nanosleep', for: '10' }, '/for'],
    [{ call: 'nanosleep', for: 10 }, '/for'],
    [{ call: 'TimerTimeout', states: ['STACK'] }, '/states/0'],
    [{ call: 'ThreadCreate', priority: 256 }, '/priority'],
    [{ call: 'MsgSendPulse', coid: 1, code: 128 }, '/code'],
    [{ call: 'MsgSendPulse', coid: 1, code: -129 }, '/code'],
    [{ call: 'setrlimit', rlimit: 'none', soft: 1 }, '/rlimit'],
  ])('%j is refused, and the field is named', async (body, pointer) => {
    await pair()
    const refused = await call(1, body)
    expect([refused.status, refused.body.type]).toEqual([400, 'urn:introspectd:problem:invalid-body'])
    expect(refused.body.errors).toMatchObject([{ pointer }])
  })

  test.each([
    [{ call: 'TimerCreate' }, 'notify', 'a pulse such as {"pulse":{"coid":1,"code":2}}, or a signal such as'],
    [{ call: 'TimerCreate', notify: { pulse: {} } }, 'notify', 'a pulse such as'],
    [{ call: 'TimerCreate', notify: { pulse: { coid: 1, code: 128 } } }, 'notify/pulse/code', '<=127'],
    [{ call: 'MsgSend', coid: 1, msg: {} }, 'msg', 'text of 4096 characters at the most, a number or null'],
    [{ call: 'MsgReply', rcvid: -1 }, 'rcvid', 'to be >=1'],
  ])('the refusal of %j names the correct form once', async (body, field, detail) => {
    await pair()
    const { errors } = (await call(1, body)).body
    expect(errors).toEqual([{ pointer: `/${field}`, detail: expect.stringContaining(detail) }])
  })

  test('every call is listed with its arguments', async () => {
    const { entries } = (await service.get('/sys/calls')).body as { entries: unknown[] }
    const rows = entries.map((entry) => CallRowView.parse(entry))
    expect(rows.find(({ call: name }) => name === 'MsgSend')).toMatchObject({ required: ['coid'] })
    expect(Object.keys(rows.find(({ call: name }) => name === 'ThreadCreate')!.arguments)).toContain('detached')
  })
})

test('every row of the model answers with a view that matches its own schema', async () => {
  await pair()
  const places = { system: '/sys', partition: '/sys/part/a', process: '/sys/proc/1', thread: '/sys/proc/1/thread/1' }
  const rows = definitions.filter(({ modelOnly }) => modelOnly)
  expect(rows.length).toBeGreaterThan(0)
  for (const { under, leaf, reply } of rows) {
    for (const level of under) {
      const path = `${places[level]}/${leaf.replace(':chid', '1')}`
      const { status, body } = await service.get(path)
      expect([path, status, body.path]).toEqual([path, 200, path])
      expect(reply.safeParse(body).error).toBeUndefined()
      const text = await (await service.fetch(`${path}?format=text`)).text()
      expect(text).not.toContain('[object Object]')
    }
  }
})

describe('the clock', () => {
  test('begins in 1970 and moves only by POST; timers expire on the way, each at its own time', async () => {
    await pair()
    expect(ClockView.parse((await service.get('/sys/clock')).body)).toMatchObject({
      clock: 'virtual',
      now: '1970-01-01T00:00:00.000Z',
      next: null,
    })
    await call(1, { call: 'nanosleep', for: '1.5s' })
    await call(2, { call: 'nanosleep', for: '500ms' })
    expect((await service.get('/sys/clock')).body.next).toBe('1970-01-01T00:00:00.500Z')
    const watcher = await service.watch('/sys?types=thread.changed')
    expect((await service.post('/sys/clock', { advance: '2s' })).body).toEqual({ now: '1970-01-01T00:00:02.000Z' })
    await watcher.until(2)
    expect(watcher.events.map(({ subject, time }) => [subject, time])).toEqual([
      ['/sys/proc/2/thread/1', '1970-01-01T00:00:00.500Z'],
      ['/sys/proc/1/thread/1', '1970-01-01T00:00:01.500Z'],
    ])
  })

  test.each([
    { advance: '-1s' },
    { advance: 5 },
    { advance: null },
    { advance: Number.NaN },
    {},
    { advance: '1s', to: 1 },
    { advance: '1 s' },
    { advance: '1d' },
    { advance: '' },
    { advance: 'NaN' },
    { advance: '1e9s' },
    { advance: '9999999999h' },
  ])('%j does not move it', async (body) => {
    const refused = await service.post('/sys/clock', body)
    expect([refused.status, refused.body.type]).toEqual([400, 'urn:introspectd:problem:invalid-body'])
    expect((await service.get('/sys/clock')).body.now).toBe('1970-01-01T00:00:00.000Z')
  })

  test('refuses to go backwards, and says so', async () => {
    const { body } = await service.post('/sys/clock', { advance: '-1s' })
    expect(body.errors).toMatchObject([{ pointer: '/advance', detail: expect.stringContaining('not go backwards') }])
  })

  test('ends with the year 9999: going further is refused, and no time passes', async () => {
    await pair()
    await call(1, { call: 'nanosleep', for: '1s' })
    const refused = await service.post('/sys/clock', { advance: '999999999h' })
    expect([refused.status, refused.body.errno]).toEqual([400, 'EINVAL'])
    expect((await service.get('/sys/clock')).body).toMatchObject({ now: '1970-01-01T00:00:00.000Z' })
    expect((await service.post('/sys/clock', { advance: '0s' })).body).toEqual({ now: '1970-01-01T00:00:00.000Z' })
    await service.post('/sys/clock', { advance: '70389527h' })
    const last = await service.post('/sys/clock', { advance: '59m' })
    expect(last.body).toEqual({ now: '9999-12-31T23:59:00.000Z' })
    expect((await service.post('/sys/clock', { advance: '59999ms' })).body).toEqual({ now: '9999-12-31T23:59:59.999Z' })
    expect((await service.post('/sys/clock', { advance: '1ms' })).status).toBe(400)
    const scenario = readFileSync(new URL('../../scenarios/join-loop.yaml', import.meta.url), 'utf8')
    const late = await service.send('POST', '/sys/scenario', scenario, { 'content-type': 'application/yaml' })
    expect([late.status, late.body.errno]).toEqual([400, 'EINVAL'])
  })

  test('does not show the next timer if that is after its end', async () => {
    await pair()
    await call(1, { call: 'nanosleep', for: '999999999h' })
    const { status, body } = await service.get('/sys/clock')
    expect([status, ClockView.parse(body).next]).toEqual([200, null])
  })

  /** Calls that start a timer of 1 ms, which repeats for ever. */
  const ticking: readonly object[] = [
    { caller: '/sys/proc/1/thread/1', call: 'SignalAction', signal: 'SIGALRM', action: 'handle' },
    { caller: '/sys/proc/1/thread/1', call: 'TimerCreate', notify: { signal: 'SIGALRM' } },
    { caller: '/sys/proc/1/thread/1', call: 'TimerSettime', timerid: 1, after: '1ms', every: '1ms' },
  ]

  test('stops after so many expired timers, and reports how far it came and its destination', async () => {
    await pair()
    for (const { caller: _, ...body } of ticking as { caller: string }[]) await call(1, body)
    const stopped = await service.post('/sys/clock', { advance: '1h' })
    expect([stopped.status, Advanced.parse(stopped.body)]).toEqual([
      200,
      { now: '1970-01-01T00:01:40.000Z', stopped: true, wanted: '1970-01-01T01:00:00.000Z' },
    ])
    expect((await service.get('/sys/clock')).body).toMatchObject({
      now: '1970-01-01T00:01:40.000Z',
      next: '1970-01-01T00:01:40.001Z',
    })
    // Exactly the allowed number of expiries does not stop it.
    expect((await service.post('/sys/clock', { advance: '100s' })).body).toEqual({ now: '1970-01-01T00:03:20.000Z' })
  })

  test('stops only after everything due at the same time has happened', async () => {
    await pair()
    for (const { caller: _, ...body } of ticking as { caller: string }[]) await call(1, body)
    // This timer expires in the last ms too: everything due in that ms still happens.
    await call(1, { call: 'TimerCreate', notify: { signal: 'SIGALRM' } })
    await call(1, { call: 'TimerSettime', timerid: 2, after: '100s' })
    await call(2, { call: 'nanosleep', for: '100s' })
    expect((await service.post('/sys/clock', { advance: '1h' })).body).toMatchObject({
      now: '1970-01-01T00:01:40.000Z',
    })
    expect((await service.get('/sys/proc/2/thread/1')).body.state).toBe('READY')
    expect(service.machine.expiries).toBe(100_002)
  })
})

describe('/sys/calls', () => {
  const lines = (...all: (object | string)[]) =>
    all.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')

  test('executes the lines in order; an errno is an answer', async () => {
    const answers = await service.calls(
      lines(
        { call: 'create', name: 'server' },
        { caller: '/sys/proc/1/thread/1', call: 'ThreadCreate' },
        { caller: '/sys/proc/9/thread/1', call: 'ThreadCreate' },
        '',
        { call: 'putPartition', partition: '/sys/part/a', pools: { channels: 1 } },
        { call: 'putPools', pools: { threads: 2 } },
        { caller: '/sys/proc/1/thread/1', call: 'ThreadCreate' },
        { call: 'move', pid: 1, partition: '/sys/part/a' },
        { caller: '/sys/proc/1/thread/2', call: 'nanosleep', for: '1s' },
        { call: 'advance', advance: '1s' },
        { caller: '/sys/proc/1/thread/2', call: 'exit' },
        { call: 'removePartition', partition: '/sys/part/a' },
      ),
    )
    expect(answers).toMatchObject([
      { line: 1, returned: { pid: 1 } },
      { line: 2, returned: { tid: 2 } },
      { line: 3, errno: 'ESRCH', detail: 'there is no process 9' },
      { line: 5, returned: {} },
      { line: 6, returned: {} },
      { line: 7, errno: 'EAGAIN' },
      { line: 8, returned: {} },
      { line: 9, blocked: 'NANOSLEEP' },
      { line: 10, returned: { now: '1970-01-01T00:00:01.000Z' } },
      { line: 11, returned: {} },
      { line: 12, returned: {} },
    ])
  })

  test.each([
    ['half a line', '{"call":"create","na', 'malformed-body'],
    ['no call', '{"call":"create","name":"x","nme":1}', 'invalid-body'],
    ['an unknown call', '{"call":"Create","name":"x"}', 'invalid-body'],
    ['a call without a caller', '{"call":"ChannelCreate"}', 'invalid-body'],
    ['a caller that is no thread', '{"caller":"/sys/proc/1","call":"ChannelCreate"}', 'invalid-body'],
    ['a line without an end', 'x'.repeat(70_000), 'body-too-large'],
    ['a line of too many bytes, though of fewer characters', `"${'€'.repeat(30_000)}"`, 'body-too-large'],
  ])('stops at %s: the line before is executed, the line after is not', async (_, bad, type) => {
    const answers = await service.calls(lines({ call: 'create', name: 'one' }, bad, { call: 'create', name: 'two' }))
    expect(answers).toHaveLength(2)
    expect(answers[1]).toMatchObject({ line: 2, problem: { type: `urn:introspectd:problem:${type}` } })
    expect(((await service.get('/sys/proc')).body.entries as object[]).length).toBe(1)
  })

  test('reports a body that is not JSON as such, and not as a threshold', async () => {
    const problemOf = async (body: string, path = '/sys/clock') => {
      const answer = await service.fetch(path, { method: 'POST', body })
      const { status, detail, errors } = (await answer.json()) as { status: number; detail: string; errors?: unknown }
      return [status, detail, errors]
    }
    expect(await problemOf('')).toEqual([400, 'the body is empty; send a JSON object', undefined])
    expect(await problemOf('1s')).toEqual([400, expect.stringContaining('the body is not JSON: '), undefined])
    expect(await problemOf('[]')).toEqual([
      400,
      'a JSON object is expected',
      [expect.objectContaining({ pointer: '' })],
    ])
    expect((await problemOf('', '/sys/proc'))[1]).toBe('the body is empty; send a JSON object')
  })

  test('refuses a line that is not UTF-8, and one without an end under its number', async () => {
    const send = async (body: Uint8Array<ArrayBuffer>) => {
      const answer = await service.fetch('/sys/calls', { method: 'POST', body })
      const text = await answer.text()
      return text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    }
    const [one] = await send(Buffer.from('{"call":"create","name":"\xff"}\n', 'latin1'))
    expect(one).toMatchObject({ line: 1, problem: { status: 400, detail: 'this line is not UTF-8' } })
    const [endless] = await send(Buffer.alloc(300_000, 'x'))
    expect(endless).toMatchObject({ line: 1, problem: { status: 413 } })
    const [sign] = await send(Buffer.from('{"call":"create","name":"\ufffd"}\n'))
    expect(sign).toMatchObject({ line: 1, returned: { pid: 1 } })
  })

  test.each([
    [{ caller: '/sys/proc/1/thread/1', call: 'msgsend', coid: 1 }, 'call', 'did you mean MsgSend?'],
    [{ call: 'creat', name: 'x' }, 'call', 'did you mean create?'],
    [{ call: 'reboot' }, 'call', 'there is no call reboot; GET /sys/calls lists them'],
    [{ name: 'x' }, 'call', 'the name of a call; GET /sys/calls lists them'],
    [{ caller: '/sys/proc/1/thread/1', call: 'create', name: 'x' }, 'caller', 'no thread makes this call'],
    [{ call: 'ChannelCreate' }, 'caller', 'the pathname of the thread that makes the call'],
  ])('explains the error in the call of %j', async (line, field, detail) => {
    const [answer] = await service.calls(JSON.stringify(line))
    expect(answer).toMatchObject({
      line: 1,
      problem: { errors: [{ pointer: `/${field}`, detail: expect.stringContaining(detail) }] },
    })
  })

  test.each([
    ['null', '', 'a JSON object is expected, received null'],
    ['[1]', '', 'a JSON object is expected, received array'],
    ['{"call":"create"}', '/name', 'is missing'],
    ['{"call":"createThread"}', '/pid', 'is missing'],
  ])('refuses the line %s at %j, because %s', async (line, pointer, detail) => {
    expect(await service.calls(line)).toMatchObject([{ line: 1, problem: { errors: [{ pointer, detail }] } }])
  })

  test('reports a field that is missing, and a body that is not an object', async () => {
    const missing = await service.post('/sys/proc', {})
    expect([missing.status, missing.body.errors]).toEqual([400, [{ pointer: '/name', detail: 'is missing' }]])
    const none = await service.post('/sys/proc', '[]')
    expect([none.status, none.body.detail]).toEqual([400, 'a JSON object is expected'])
  })

  test.each([
    { call: 'kill', pid: 1, signal: 'SIGNONE' },
    { call: 'SignalKill', pid: 1, signal: 'SIGNONE' },
    { call: 'SignalAction', signal: 'SIGNONE', action: 'ignore' },
    { call: 'SignalProcmask', how: 'set', signals: ['SIGNONE'] },
    { call: 'SignalWaitinfo', signals: ['SIGNONE'] },
    { call: 'SignalSuspend', mask: ['SIGNONE'] },
    { call: 'TimerCreate', notify: { signal: 'SIGNONE' } },
  ])(
    'refuses a name that is no signal by the shape of $call, and the reference promises no errno for it',
    async (call) => {
      await service.post('/sys/proc', { name: 'one' })
      const { status, body } = await service.post('/sys/proc/1/thread/1/call', call)
      expect([status, body.type, body.errno]).toEqual([400, 'urn:introspectd:problem:invalid-body', undefined])
      const page = readFileSync(new URL('../../docs/reference/calls.md', import.meta.url), 'utf8')
      const section = page.split('\n## ').find((text) => text.startsWith(`${call.call}\n`))
      expect(section).toMatch(/QNX:\s/)
      expect(section).not.toContain('no such signal')
    },
  )

  test('limits a line by its bytes, however it arrives', async () => {
    const bytes = Buffer.from(`\n${JSON.stringify({ call: 'create', name: 'é'.repeat(33_000) })}\n`)
    for (const cut of [1, 2, 30_000, 30_001, bytes.length - 1, bytes.length]) {
      const body = new ReadableStream({
        start: async (stream) => {
          stream.enqueue(bytes.subarray(0, cut))
          await sleep(20)
          if (cut < bytes.length) stream.enqueue(bytes.subarray(cut))
          stream.close()
        },
      })
      const response = await service.fetch('/sys/calls', { method: 'POST', body, duplex: 'half' } as RequestInit)
      expect([cut, JSON.parse(await response.text())]).toMatchObject([
        cut,
        { line: 2, problem: { type: 'urn:introspectd:problem:body-too-large' } },
      ])
    }
  })

  test.each([
    ['/sys/calls?dry-run', 'application/x-ndjson', 400, 'invalid-query'],
    ['/sys/calls?pretty', 'application/x-ndjson', 400, 'invalid-query'],
    ['/sys/calls', 'image/png', 415, 'unsupported-media-type'],
    ['/sys/calls', 'application/yaml', 415, 'unsupported-media-type'],
  ])('refuses %s as %s, and executes no line', async (path, type, status, problem) => {
    const { status: answered, body } = await service.post(path, { call: 'create', name: 'x' }, { 'content-type': type })
    expect([answered, body.type]).toEqual([status, `urn:introspectd:problem:${problem}`])
    expect((await service.get('/sys/proc')).body.entries).toEqual([])
  })

  test.each([
    'application/x-ndjson; charset=utf-8',
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
  ])('accepts lines as %s', async (type) => {
    const { status, body } = await service.post('/sys/calls', { call: 'create', name: 'x' }, { 'content-type': type })
    expect([status, body]).toMatchObject([200, { line: 1, returned: { pid: 1 } }])
  })

  test('lists POST among the allowed methods', async () => {
    const options = await service.fetch('/sys/calls', { method: 'OPTIONS' })
    expect(options.headers.get('allow')).toBe('GET, HEAD, OPTIONS, POST')
    const put = await service.fetch('/sys/calls', { method: 'PUT', body: '{}' })
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, POST'])
  })

  test('gives the same answers and the same events for the same lines, byte for byte', async () => {
    const log = lines(
      { call: 'create', name: 'server' },
      { call: 'create', name: 'client' },
      { caller: '/sys/proc/1/thread/1', call: 'ChannelCreate' },
      { caller: '/sys/proc/2/thread/1', call: 'ConnectAttach', pid: 1, chid: 1 },
      { caller: '/sys/proc/2/thread/1', call: 'TimerTimeout', states: ['SEND'], after: '1s' },
      { caller: '/sys/proc/2/thread/1', call: 'MsgSend', coid: 1 },
      { call: 'advance', advance: '3s' },
      { caller: '/sys/proc/1/thread/1', call: 'exit', status: 1 },
    )
    const other = await new ModelService().start()
    try {
      const threshold = { at: 1, per: 'process' }
      const outputs: unknown[] = []
      for (const one of [service, other]) {
        await one.put('/sys/channels/threshold/any', threshold)
        const watcher = await one.watch('/sys')
        const answers = await one.calls(log)
        await watcher.until(({ type }) => type === 'process.died')
        outputs.push([answers, watcher.frames])
      }
      expect(outputs[0]).toEqual(outputs[1])
    } finally {
      await other.stop()
    }
  })

  test('needs the role operate, like everything that drives the model', async () => {
    const tokens = parseTokens('ha control 0123456789abcdef\nop operate fedcba9876543210')
    const guarded = await new ModelService({ tokens }).start()
    try {
      const post = (token: string) =>
        guarded.fetch('/sys/calls', { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: '' })
      expect((await post('0123456789abcdef')).status).toBe(403)
      for (const [method, path] of [
        ['POST', '/sys/clock'],
        ['PUT', '/sys'],
        ['PUT', '/sys/part/a'],
        ['DELETE', '/sys/part/a'],
      ] as const) {
        if (method === 'DELETE') guarded.machine.putPartition(['a'], {})
        const sent = (token: string) =>
          guarded.send(method, path, method === 'DELETE' ? undefined : path === '/sys/clock' ? { advance: '1s' } : {}, {
            authorization: `Bearer ${token}`,
          })
        expect([method, path, (await sent('0123456789abcdef')).status]).toEqual([method, path, 403])
        expect((await sent('fedcba9876543210')).status).toBeLessThan(300)
      }
      expect((await post('fedcba9876543210')).status).toBe(200)
    } finally {
      await guarded.stop()
    }
  })
})

describe('/sys/scenario', () => {
  const file = (name: string) => readFileSync(new URL(`../../scenarios/${name}`, import.meta.url), 'utf8')
  const send = async (body: string, type = 'application/yaml') => {
    const response = await service.fetch('/sys/scenario', { method: 'POST', headers: { 'content-type': type }, body })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  test('runs a file in a machine that has other processes, and stores the result', async () => {
    await pair()
    expect((await service.get('/sys/scenario')).body).toMatchObject({ title: null, met: null })
    const { status, body } = await send(file('two-lock-deadlock.yaml'), 'application/x-www-form-urlencoded')
    expect([status, body]).toEqual([200, expect.objectContaining({ met: true, differences: [] })])
    expect((await service.get('/sys/scenario')).body).toEqual(body)
    expect((await service.get('/sys/proc/3/thread/1')).body).toMatchObject({ state: 'MUTEX', on: { mutex: 'b' } })
  })

  test('reports each difference from the expected state with its line', async () => {
    const { status, body } = await send(file('join-loop.yaml').replace('state: JOIN', 'state: MUTEX'))
    expect([status, body.met]).toEqual([200, false])
    expect(body.differences).toMatchObject([{ line: expect.any(Number), message: expect.stringContaining('JOIN') }])
  })

  test.each([
    ['title: x\nprocesses: {}\n', 'invalid-body'],
    ['title: [', 'invalid-body'],
    ['', 'invalid-body'],
  ])('refuses %j with line and column, and nothing has happened', async (text, type) => {
    const { status, body } = await send(text)
    expect([status, body.type]).toEqual([400, `urn:introspectd:problem:${type}`])
    expect(body.errors).toMatchObject([{ line: expect.any(Number), column: expect.any(Number) }])
    expect((await service.get('/sys/proc')).body.entries).toEqual([])
  })

  test('accepts no other type', async () => {
    expect((await send('{}', 'application/json')).status).toBe(415)
  })
})

test('on a live machine all of these are 405 with the reason', async () => {
  const live = await new Service().start()
  try {
    live.bench.thread(live.bench.process(4), 4)
    for (const [method, path] of [
      ['POST', '/sys/proc'],
      ['POST', '/sys/proc/4/thread'],
      ['POST', '/sys/proc/4/call'],
      ['POST', '/sys/proc/4/thread/4/call'],
      ['POST', '/sys/calls'],
      ['POST', '/sys/clock'],
      ['PUT', '/sys/part/a'],
      ['PUT', '/sys'],
      ['GET', '/sys/clock'],
      ['GET', '/sys/state'],
      ['PUT', '/sys/state'],
      ['GET', '/sys/proc/4/channel'],
    ] as const) {
      const init = method === 'GET' ? { method } : { method, body: '{}' }
      const response = await live.fetch(path, init)
      const problem = (await response.json()) as { detail: string }
      expect([method, path, response.status]).toEqual([method, path, 405])
      expect(problem.detail).toContain('a live kernel is observed, not called')
      expect(response.headers.get('allow')).not.toContain(method)
    }
  } finally {
    await live.stop()
  }
})

test('a threshold cannot choose by executable on the model, whose processes have none', async () => {
  const where = { exe: 'server' }
  const { status, body } = await service.put('/sys/fds/threshold/each', { at: 5, per: 'process', where })
  expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('processes have no executables here')])
  const long = { name: 'a-name-of-more-than-15-bytes' }
  expect((await service.put('/sys/fds/threshold/each', { at: 5, per: 'process', where: long })).status).toBe(201)
})
