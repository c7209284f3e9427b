/** Saves the state of the model over HTTP, puts it into another service, and refuses invalid states. */

import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { parseTokens } from '../../src/http/security/gate.ts'
import { Replaced } from '../../src/tree/model-views.ts'
import { StateSchema } from '../../src/tree/state.ts'
import { ModelService } from '../support/model-service.ts'
import { by, client, lines, log, save, server, threshold } from './state-log.ts'

let service: ModelService
let other: ModelService

beforeEach(async () => {
  service = await new ModelService().start()
  other = await new ModelService().start()
})

afterEach(async () => {
  await service.stop()
  await other.stop()
})

describe('a state that is saved and put into another service', () => {
  test('is returned by GET unchanged, indented or not, and however often it is put', async () => {
    await threshold(service)
    await service.calls(lines(log.slice(0, 17)))
    const state = await save(service)
    StateSchema.parse(JSON.parse(state))
    const put = await other.put('/sys/state', JSON.stringify(JSON.parse(state), null, 2))
    expect([put.status, Replaced.parse(put.body)]).toEqual([
      200,
      { path: '/sys/state', now: '1970-01-01T00:00:00.000Z', processes: 3 },
    ])
    expect(await save(other)).toBe(state)
    expect((await other.put('/sys/state', state)).status).toBe(200)
    expect(await save(other)).toBe(state)
    expect((await other.get('/sys/proc/3/thread/1')).body).toMatchObject({ state: 'SEND' })
    expect((await other.get('/sys/thresholds')).body).toEqual((await service.get('/sys/thresholds')).body)
  })

  test('includes what waits for a partition', async () => {
    const path = '/sys/part/later/part/inner/threads/threshold/many'
    expect((await service.put(path, { at: 1, ttl: '1h' })).body).toMatchObject({ state: 'waiting' })
    await service.put('/sys/part/later/timeout', { after: '1s' })
    const state = await save(service)
    expect((await other.put('/sys/state', state)).status).toBe(200)
    expect(await save(other)).toBe(state)
    expect((await other.put('/sys/part/later', {})).status).toBe(201)
    expect((await other.get(path)).body).toMatchObject({ state: 'waiting' })
    expect((await other.get('/sys/part/later/timeout')).body).toMatchObject({ holds: '/sys/part/later/timeout' })
    expect((await other.put('/sys/part/later/part/inner', {})).status).toBe(201)
    await other.calls(lines([{ call: 'create', name: 'server', partition: '/sys/part/later/part/inner' }]))
    expect((await other.get('/sys/thresholds')).body).toMatchObject({
      entries: [{ path, state: expect.not.stringMatching('waiting') }],
    })
  })

  test('may be larger than other bodies', async () => {
    const threads = Array.from({ length: 300 }, () => by(1, 1)('ThreadCreate', {}))
    await service.calls(lines([{ call: 'create', name: 'server' }, ...threads]))
    const state = await save(service)
    expect(state.length).toBeGreaterThan(2 * bounds.bodyBytesMax)
    expect((await other.put('/sys/state', state)).status).toBe(200)
    expect((await other.get('/sys/proc/1/threads')).body.value).toBe(301)
  })

  test('sets the clock, backwards too, and all replies and metrics describe the new machine', async () => {
    const early = await save(service)
    await threshold(service)
    await service.calls(lines(log))
    expect(await (await service.fetch('/metrics')).text()).toMatch(/introspectd_thresholds\{state="armed"\} [1-9]/)
    expect((await service.put('/sys/state', early)).body).toMatchObject({ now: '1970-01-01T00:00:00.000Z' })
    expect((await service.get('/sys/clock')).body).toMatchObject({ now: '1970-01-01T00:00:00.000Z', next: null })
    expect((await service.get('/sys/proc')).body.entries).toEqual([])
    expect(await (await service.fetch('/metrics')).text()).toContain('introspectd_thresholds{state="armed"} 0')
    expect(await (await service.fetch('/readyz?verbose')).text()).toContain('0 set')
    expect((await service.post('/sys/proc', { name: 'new' })).headers.get('location')).toBe('/sys/proc/1')
    expect((await service.get('/sys/proc/1')).body.started).toBe('1970-01-01T00:00:00.000Z')
  })

  test('forgets the scenario that ran in the machine before', async () => {
    const early = await save(service)
    const scenario = 'title: x\nprocesses: { a: { threads: { main: [{ ChannelCreate: }] } } }\nexpect: {}\n'
    await service.send('POST', '/sys/scenario', scenario, { 'content-type': 'application/yaml' })
    expect((await service.get('/sys/scenario')).body.title).toBe('x')
    await service.put('/sys/state', early)
    expect((await service.get('/sys/scenario')).body.title).toBe(null)
    await service.send('POST', '/sys/scenario', scenario, { 'content-type': 'application/yaml' })
    expect((await service.get('/sys/proc/1/channels')).body.value).toBe(1)
  })
})

describe('a stream that is open when a state is put', () => {
  test('gets state.replaced on any path and continues without a gap in the sequences', async () => {
    await service.calls(lines(log.slice(0, 4)))
    const state = await save(service)
    await service.post('/sys/clock', { advance: '1m' })
    const [whole, deep, thresholdsOnly] = [
      await service.watch('/sys'),
      await service.watch('/sys/proc/2/thread/1'),
      await service.watch('/sys?types=threshold.*'),
    ]
    const { headers } = await service.get('/sys')
    await service.put('/sys/state', state)
    await service.calls(lines([client('nanosleep', { for: '1s' })]))
    for (const watcher of [whole, deep]) {
      await watcher.until(2)
      expect(watcher.events).toMatchObject([
        { type: 'state.replaced', subject: '/sys', time: '1970-01-01T00:00:00.000Z' },
        { type: 'thread.changed', subject: '/sys/proc/2/thread/1' },
      ])
    }
    expect(whole.events[0]!.data).toEqual({ before: '1970-01-01T00:01:00.000Z' })
    const numbers = whole.events.map(({ sequence }) => Number(sequence))
    const after = Number(headers.get('introspect-cursor'))
    expect(numbers).toEqual([after + 1, after + 2])
    expect(thresholdsOnly.events).toEqual([])
    // A client that resumes from before the change gets the event as well.
    const late = await service.watch(`/sys/proc/1?after=${headers.get('introspect-cursor')}`)
    await late.until(1)
    expect(late.events).toMatchObject([{ type: 'state.replaced' }])
  })

  test('gets the events of the new thresholds, and none of the old ones', async () => {
    await other.post('/sys/proc', { name: 'one' })
    await other.put('/sys/channels/threshold/new', { at: 1 })
    await service.put('/sys/channels/threshold/old', { at: 1 })
    const watcher = await service.watch('/sys?types=threshold.*')
    await service.put('/sys/state', await save(other))
    await service.calls(lines([server('ChannelCreate', {}), server('ChannelDestroy', { chid: 1 })]))
    await watcher.until(2)
    expect(watcher.events.map(({ type, data }) => [type, data.threshold])).toEqual([
      ['threshold.tripped', '/sys/channels/threshold/new'],
      ['threshold.cleared', '/sys/channels/threshold/new'],
    ])
    expect((await service.get('/sys/channels/threshold/old')).status).toBe(404)
  })
})

interface Anything {
  [name: string]: Anything
}

describe('a state that is wrong', () => {
  test.each<[string, (state: Anything) => unknown, string]>([
    ['of another version', (state) => Object.assign(state, { version: 0 }), '/version'],
    ['without a part', (state) => delete state.pids, '/pids'],
    ['with an unknown field', (state) => Object.assign(state, { extra: 1 }), '/extra'],
    ['with a wrong type', (state) => Object.assign(state.processes![1]!, { uid: 'root' }), '/processes/1/uid'],
    ['with a clock before it begins', (state) => Object.assign(state, { now: -1 }), '/now'],
    ['with a clock after it ends', (state) => Object.assign(state, { now: 8e15 }), '/now'],
    ['with an unknown limit', (state) => Object.assign(state.system!.usage!, { x: {} }), '/system/usage/x'],
    ['with a process twice', (state) => (state.processes![2] = state.processes![1]!), '/processes/2/pid'],
    ['with a process in no container', (state) => Object.assign(state.system!, { members: [] }), '/processes/1'],
    [
      'with a member that does not exist',
      (state) => Object.assign(state.system!, { members: [2, 3, 9] }),
      '/system/members/2',
    ],
    [
      'with a parent that does not exist',
      (state) => Object.assign(state.processes![0]!, { parent: 9 }),
      '/processes/0',
    ],
    [
      'with a client of no channel',
      (state) => Object.assign(state.processes![1]!.connections![0]!, { channel: [1, 9] }),
      '/processes/1/connections',
    ],
    [
      'with a wait for a message that no thread received',
      (state) => Object.assign(state.processes![0]!, { received: [] }),
      '/processes/0/received',
    ],
    [
      'with a wait on an object that does not exist',
      (state) => Object.assign(state.processes![2]!.threads![0]!.blocker!, { coid: 5 }),
      '/processes/2/threads/0/blocker',
    ],
    [
      'with a thread that is blocked in another state',
      (state) => Object.assign(state.processes![2]!.threads![0]!, { state: 'READY' }),
      '/processes/2/threads/0/state',
    ],
    [
      'with an id that is both used and free',
      (state) => Object.assign(state.processes![0]!.ids!.chid!, { free: [1] }),
      '/processes/0/ids/chid',
    ],
    ['with a pid counted as used without a process', (state) => Object.assign(state, { pids: [1, 2, 3, 4] }), '/pids'],
    [
      'with a count higher than its objects',
      (state) => Object.assign(state.processes![0]!.usage!.channels!, { value: 4 }),
      '/processes/0/usage/channels/value',
    ],
    [
      'with a sum that differs from its parts',
      (state) => Object.assign(state.system!.usage!.stack!, { value: 1 }),
      '/system/usage/stack/value',
    ],
    [
      'with a threshold on a node that does not exist',
      (state) => Object.assign(state.thresholds![0]!, { node: '/sys/proc/9' }),
      '/thresholds/0/node',
    ],
    [
      'with a threshold that contradicts itself',
      (state) => Object.assign(state.thresholds![0]!.definition!, { rearm: 5 }),
      '/thresholds/0/definition/rearm',
    ],
    [
      'with a threshold that waits without a duration',
      (state) =>
        Object.assign(state, { waiting: [{ threshold: state.system!.watches![0]!.threshold, node: null, at: 5 }] }),
      '/waiting/0$',
    ],
    [
      'with a switch of an unknown limit',
      (state) => Object.assign(state.notifier!, { disabled: ['fish'] }),
      '/notifier/disabled/0',
    ],
    [
      'with a watch although the notifier is off',
      (state) => Object.assign(state.notifier!, { enabled: false }),
      '/thresholds/0',
    ],
    [
      'with a last reported value for a threshold that does not report changes',
      (state) => Object.assign(state.system!.watches![0]!, { told: { value: 1, changes: 0, at: null } }),
      '/system/watches',
    ],
    ['with a watch of an unknown threshold', (state) => Object.assign(state, { thresholds: [] }), '/system/watches'],
    [
      'with an unknown signal',
      (state) => Object.assign(state.processes![0]!.timers![0]!.notice!, { signal: 'SIGNONE' }),
      '/processes/0/timers/0/notice/signal',
    ],
  ])('%s is refused, the place is named, and nothing has changed', async (_, spoil, pointer) => {
    await threshold(service)
    await service.calls(lines(log.slice(0, 17)))
    const before = await save(service)
    const watcher = await service.watch('/sys')
    const state = JSON.parse(before) as Anything
    spoil(state)
    const refused = await service.put('/sys/state', state)
    expect([refused.status, refused.body.type]).toEqual([400, 'urn:introspectd:problem:invalid-body'])
    expect((refused.body.errors as { pointer: string }[])[0]!.pointer).toMatch(new RegExp(`^${pointer}($|/)`))
    expect(await save(service)).toBe(before)
    await service.post('/sys/proc', { name: 'next' })
    await watcher.until(1)
    expect(watcher.events[0]!.type).toBe('process.created')
  })

  test.each([
    ['half of it', '{"path":"/sys/state","version":1,', 400, 'malformed-body'],
    ['nothing', '', 400, 'malformed-body'],
    ['a list', '[]', 400, 'invalid-body'],
    ['null', 'null', 400, 'invalid-body'],
  ])('%s is refused', async (_, body, status, type) => {
    const refused = await service.send('PUT', '/sys/state', body)
    expect([refused.status, refused.body.type]).toEqual([status, `urn:introspectd:problem:${type}`])
  })

  test('with very many invalid fields lists only the first ones', async () => {
    const state = JSON.parse(await save(service)) as object
    const refused = await service.put('/sys/state', { ...state, pids: Array.from({ length: 1000 }, () => 'x') })
    expect([refused.status, (refused.body.errors as object[]).length]).toEqual([400, bounds.fieldErrorsMax])
  })

  test('with partitions nested deeper than allowed is refused; the allowed depth is accepted', async () => {
    const nested = (depth: number) => `/sys${'/part/a'.repeat(depth)}`
    const make = (depth: number) => ({ call: 'putPartition', partition: nested(depth), pools: {} })
    const answers = await service.calls(
      lines(Array.from({ length: bounds.partitionDepthMax + 1 }, (_, above) => make(above + 1))),
    )
    expect(answers.slice(-2)).toMatchObject([{ returned: {} }, { errno: 'EINVAL' }])
    const state = await save(service)
    expect((await other.put('/sys/state', state)).status).toBe(200)
    for (const depth of [1, 100_000]) {
      const more = `${'{"partitions":['.repeat(depth)}${']}'.repeat(depth)}`
      const deeper = state.replace('"partitions":[]', `"partitions":[${more}]`)
      const refused = await service.put('/sys/state', deeper)
      expect([refused.status, refused.body.errors]).toMatchObject([400, [{ pointer: '/system' }]])
    }
    expect(await save(service)).toBe(state)
  })
})

describe('deadlocks of a state', () => {
  /** Lines that create two threads of a process, each of which waits for the mutex of the other. */
  const deadlock = (pid: number) => {
    const [one, two] = [by(pid, 1), by(pid, 2)]
    const both = [one('SyncMutexLock', { mutex: 'a' }), two('SyncMutexLock', { mutex: 'b' })]
    const closing = [one('SyncMutexLock', { mutex: 'b' }), two('SyncMutexLock', { mutex: 'a' })]
    return lines([{ call: 'create', name: 'two' }, { call: 'createThread', pid }, ...both, ...closing])
  }
  const idsOf = async (at: ModelService) => {
    const { entries } = (await at.get('/sys/deadlocks')).body as { entries: { id: number }[] }
    return entries.map(({ id }) => id)
  }

  test('have ids that leave room for later ones, which stay distinct', async () => {
    await service.calls(deadlock(1))
    const state = JSON.parse(await save(service)) as Anything
    Object.assign(state.deadlocks![0]!, { id: 2 ** 52 })
    expect((await other.put('/sys/state', state)).status).toBe(200)
    await other.calls(deadlock(2))
    await other.calls(deadlock(3))
    expect(await idsOf(other)).toEqual([2 ** 52, 2 ** 52 + 1, 2 ** 52 + 2])
  })

  test.each<[string, (deadlock: Anything) => unknown, string]>([
    ['the largest possible id', (saved) => Object.assign(saved, { id: Number.MAX_SAFE_INTEGER }), '/id'],
    ['an id that leaves too little room', (saved) => Object.assign(saved, { id: 2 ** 52 + 1 }), '/id'],
    ['an id that no path can name', (saved) => Object.assign(saved, { id: 0 }), '/id'],
    ['text in place of a thread', (saved) => Object.assign(saved.closing!, { thread: 'hello\n' }), '/closing/thread'],
    [
      'a process in place of a thread',
      (saved) => Object.assign(saved.closing!, { thread: '/sys/proc/1' }),
      '/closing/thread',
    ],
    ['a thread 0', (saved) => Object.assign(saved.closing!, { thread: '/sys/proc/1/thread/0' }), '/closing/thread'],
  ])('are refused with %s, and nothing has changed', async (_, spoil, pointer) => {
    await service.calls(deadlock(1))
    const before = await save(service)
    const state = JSON.parse(before) as Anything
    spoil(state.deadlocks![0]!)
    const { status, body } = await service.put('/sys/state', state)
    expect([status, body.type]).toEqual([400, 'urn:introspectd:problem:invalid-body'])
    expect(body.errors).toMatchObject([{ pointer: `/deadlocks/0${pointer}` }])
    expect(await save(service)).toBe(before)
  })
})

test('a body larger than a state may be is answered with 413 before it is sent', async () => {
  const status = await new Promise((resolve, reject) => {
    const put = request(`${service.url}/sys/state`, {
      method: 'PUT',
      headers: { 'content-length': bounds.stateBodyBytesMax + 1 },
    })
    put.on('response', (response) => {
      resolve(response.statusCode)
      put.destroy()
    })
    put.on('error', reject)
    put.flushHeaders()
  })
  expect(status).toBe(413)
})

test('a machine on the wall clock shows its state, and refuses to put one', async () => {
  const real = await new ModelService({ clock: 'real' }).start()
  try {
    const state = await save(real)
    const refused = await real.put('/sys/state', state)
    expect([refused.status, refused.body.errno]).toEqual([409, 'ENOTSUP'])
  } finally {
    await real.stop()
  }
})

test('putting a state needs the role operate, which is checked before the body is read', async () => {
  const tokens = parseTokens('ha control 0123456789abcdef\nop operate fedcba9876543210')
  const guarded = await new ModelService({ tokens }).start()
  try {
    const as = (token: string) => ({ authorization: `Bearer ${token}` })
    const state = JSON.stringify((await guarded.get('/sys/state', as('0123456789abcdef'))).body)
    expect((await guarded.put('/sys/state', state, as('0123456789abcdef'))).status).toBe(403)
    expect((await guarded.put('/sys/state', 'no state', as('0123456789abcdef'))).status).toBe(403)
    expect((await guarded.put('/sys/state', state)).status).toBe(401)
    expect((await guarded.put('/sys/state', state, as('fedcba9876543210'))).status).toBe(200)
  } finally {
    await guarded.stop()
  }
})
