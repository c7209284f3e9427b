/** Thresholds over HTTP: PUT, DELETE, preconditions, invalid bodies, dry runs, and the switches of the notifier. */

import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as seen from '../../src/kernel/observations.ts'
import { Service } from '../support/service.ts'

let service: Service
const hog = '/sys/proc/42/fds/threshold/hog'

beforeEach(async () => {
  service = await new Service().start()
  service.bench.observe(service.bench.process(42), 'fds', 17)
})

afterEach(() => service.stop())

test('PUT creates a threshold with 201, and the same PUT again answers 200', async () => {
  const made = await service.put(hog, { at: 100 })
  expect(made.status).toBe(201)
  expect(made.body).toEqual({
    path: hog,
    on: 'cross',
    at: 100,
    rearm: null,
    direction: 'rising',
    per: null,
    where: null,
    for: null,
    once: false,
    action: 'notify',
    delta: null,
    every: null,
    ttl: null,
    note: null,
    owner: null,
    endsWith: 'process',
    state: 'armed',
    value: 17,
    capacity: null,
    advice: expect.stringMatching(/^it ends with process 42; to follow the program, set /),
  })
  const again = await service.put(hog, { at: 100 })
  expect([again.status, again.headers.get('etag')]).toEqual([200, made.headers.get('etag')])
  const changed = await service.put(hog, { at: 10 })
  expect(changed).toMatchObject({ status: 200, body: { state: 'tripped' } })
  expect(changed.headers.get('etag')).not.toBe(made.headers.get('etag'))
  expect((await service.get(hog)).headers.get('etag')).toBe(changed.headers.get('etag'))
})

test('PUT accepts text as written to a file, in the forms that curl -T and curl -d send', async () => {
  for (const [type, body, expected] of [
    [undefined, '100\n', { at: 100 }],
    ['application/x-www-form-urlencoded', '50% rearm=20%', { at: '50%', rearm: '20%' }],
    [
      'text/plain',
      '10 direction=falling once=true note=low',
      { at: 10, direction: 'falling', once: true, note: 'low' },
    ],
    ['application/x-www-form-urlencoded', ' {"at": 7}', { at: 7 }],
  ] as const) {
    const response = await service.fetch(hog, {
      method: 'PUT',
      body: Buffer.from(body),
      headers: type === undefined ? {} : { 'content-type': type },
    })
    expect(await response.json()).toMatchObject(expected)
    expect(response.status).toBeLessThan(300)
  }
})

test.each([
  ['/sys/proc/42/memory', '1.5G rearm=512M', { at: 1_610_612_736, rearm: 536_870_912 }],
  ['/sys/proc/42/cpu-time', '250ms', { at: 250_000 }],
  ['/sys/proc/42/cpu', '0.9cpu', { at: 900 }],
  ['/sys/proc/42/memory', 'on=change delta=1M', { delta: 1_048_576 }],
])('text sets %s to an amount with the unit of the limit: %s', async (limit, words, expected) => {
  const response = await service.fetch(`${limit}/threshold/x`, { method: 'PUT', body: Buffer.from(words) })
  expect(await response.json()).toMatchObject(expected)
})

test.each([
  ['/sys/proc/42/memory', '250ms', 'at: 250ms does not fit; memory is counted in bytes: '],
  ['/sys/proc/42/fds', '1G', 'at: 1G does not fit; fds is counted in ones: '],
  ['/sys/proc/42/cpu-time', '5s rearm=2G', 'rearm: 2G does not fit; cpu-time is counted in µs: '],
  ['/sys/proc/42/cpu', '90%', 'give a number, or 0.9cpu for 90% of one CPU'],
])('text with a unit that does not fit %s is refused: %s', async (limit, words, reason) => {
  const path = `${limit}/threshold/x`
  const response = await service.fetch(path, { method: 'PUT', body: Buffer.from(words) })
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining(reason) })
  expect((await service.get(path)).status).toBe(404)
})

test('amounts in JSON are plain numbers, without a unit', async () => {
  expect((await service.put('/sys/proc/42/memory/threshold/x', { at: '1G' })).status).toBe(400)
})

test('the text of a limit and of a threshold shows amounts with their unit, and for people', async () => {
  service.bench.observe(service.bench.process(43), 'memory', 1_610_612_736)
  await service.put('/sys/proc/43/memory/threshold/x', { at: 2 * 1024 ** 3 })
  const text = async (path: string) => (await service.fetch(`${path}?format=text`)).text()
  expect(await text('/sys/proc/43/memory')).toMatch(/^value +1610612736 bytes \(1\.5G\)$/m)
  expect(await text('/sys/proc/43/memory')).toMatch(/^thresholds\.0\.at +2147483648 bytes \(2\.0G\)$/m)
  expect(await text('/sys/proc/43/memory/threshold/x')).toMatch(/^at +2147483648 bytes \(2\.0G\)$/m)
  expect(await text('/sys/proc/43/memory/threshold')).toMatch(/^x +armed +2\.0G +- +1\.5G$/m)
  expect(await text('/sys/thresholds')).toMatch(/^armed +2\.0G +- +- +\/sys\/proc\/43\/memory\/threshold\/x$/m)
  expect(await text('/sys/proc/42/fds')).toMatch(/^value +17 count$/m)
})

test('with `per` the answer counts the nodes and names the tripped ones', async () => {
  service.bench.observe(service.bench.process(43), 'fds', 200)
  const { body } = await service.put('/sys/fds/threshold/each', { at: 100, per: 'process' })
  expect(body).toMatchObject({ state: 'tripped', nodes: 2, tripped: ['/sys/proc/43/fds'], unknown: 0 })
  expect(body).not.toHaveProperty('value')
})

test('DELETE removes the threshold, and a second DELETE is answered with 404', async () => {
  await service.put(hog, { at: 100 })
  expect((await service.fetch(hog, { method: 'DELETE' })).status).toBe(204)
  expect((await service.fetch(hog, { method: 'DELETE' })).status).toBe(404)
  expect((await service.get('/sys/thresholds')).body.entries).toEqual([])
})

describe('preconditions', () => {
  test('If-Match protects an update, and If-None-Match: * only creates', async () => {
    const made = await service.put(hog, { at: 100 })
    const etag = made.headers.get('etag')!
    expect(etag).toMatch(/^"\d+"$/)
    expect((await service.put(hog, { at: 5 }, { 'if-match': '"0"' })).status).toBe(412)
    expect((await service.put(hog, { at: 5 }, { 'if-none-match': '*' })).status).toBe(412)
    expect((await service.get(hog)).body).toMatchObject({ at: 100 })
    expect((await service.put(hog, { at: 110 }, { 'if-match': etag })).status).toBe(200)
    expect((await service.fetch(hog, { method: 'DELETE', headers: { 'if-match': etag } })).status).toBe(412)
    expect((await service.put('/sys/fds/threshold/none', { at: 5 }, { 'if-match': '*' })).status).toBe(412)
  })

  test('If-Process refuses another process with the same pid, and one that has ended', async () => {
    const { identity } = (await service.get('/sys/proc/42')).body
    expect((await service.put(hog, { at: 100 }, { 'if-process': String(identity) })).status).toBe(201)
    const { bench } = service
    bench.at(() => seen.processEnded(bench.kernel, bench.kernel.process(42), { code: 0, signal: null }))
    expect((await service.put(hog, { at: 100 }, { 'if-process': String(identity) })).status).toBe(412)
    bench.process(42)
    expect((await service.put(hog, { at: 100 }, { 'if-process': String(identity) })).status).toBe(412)
    expect((await service.get(hog)).status).toBe(404)
  })
})

describe('a bad request changes nothing:', () => {
  test.each([
    [{ at: -1 }, '/at'],
    [{ at: 1.5 }, '/at'],
    [{ at: '80' }, '/at'],
    [{ at: '180%' }, '/at'],
    [{}, '/at'],
    [{ at: 1, colour: 'red' }, '/colour'],
    [{ at: 1, for: '1' }, '/for'],
    [{ at: 1, where: { name: 'x' } }, '/where'],
    [{ at: 1, ttl: '1d' }, '/ttl'],
    [{ at: 1, delta: 3 }, '/delta'],
    [{ at: 1, action: 'ignore' }, '/action'],
    [{ at: 1, signal: 'SIGTERM' }, '/signal'],
    [{ at: 1, action: 'signal' }, '/signal'],
    [{ at: 1, action: 'deny', direction: 'falling' }, '/direction'],
    [{ at: 1, on: 'change' }, '/at'],
    [{ at: 1, on: 'fall' }, '/on'],
    [{ at: 1, action: 'deny', for: '1s' }, '/for'],
    [{ on: 'change', action: 'deny' }, '/action'],
    [{ on: 'change', action: 'signal', signal: 'SIGTERM' }, '/action'],
    [{ at: 1, direction: 'up' }, '/direction'],
    [{ at: 1, once: 'yes' }, '/once'],
    [{ at: 1, note: 'x'.repeat(2000) }, '/note'],
    [{ at: 100, rearm: 100 }, '/rearm'],
    [{ at: 100, per: 'thread' }, '/per'],
    [{ at: 100, per: 'process' }, '/per'],
  ])('%o is refused at %s', async (body, pointer) => {
    const answer = await service.put(hog, body)
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toMatchObject([{ pointer }])
    expect(service.bench.kernel.notifier.size).toBe(0)
  })

  test.each([
    ['application/json', '{"at": 1', 400],
    ['application/json', '"100"', 400],
    ['application/json', '', 400],
    ['text/plain', '', 400],
    ['text/plain', 'many', 400],
    ['text/plain', '100 per', 400],
    ['image/png', '100', 415],
    ['text/plain', 'x'.repeat(70_000), 413],
  ])('%s %j is answered with %i', async (type, body, status) => {
    const answer = await service.put(hog, body, { 'content-type': type })
    expect(answer).toMatchObject({ status, body: { status, type: expect.stringMatching(/^urn:introspectd:problem:/) } })
    expect(service.bench.kernel.notifier.size).toBe(0)
  })

  test.each([
    ['text/plain', 'many', '/at', 'a percentage from "0%" to "100%"'],
    ['application/json', '"100"', '', 'a JSON object is expected, received string'],
  ])('%s %j is answered with the forms that a body may have', async (type, sent, pointer, detail) => {
    const { body } = await service.put(hog, sent, { 'content-type': type })
    expect(body.detail).toBe(
      'a JSON object is expected, or text such as 100 or 80% rearm=60% per=process or on=change every=1s',
    )
    expect(body.errors).toEqual([{ pointer, detail: expect.stringContaining(detail) }])
  })

  test('a body that is not UTF-8 is refused', async () => {
    const response = await service.fetch(hog, { method: 'PUT', body: Buffer.from([0x31, 0xff]) })
    expect(response.status).toBe(400)
  })

  test('a limit that can never be measured here is 409 with the reason', async () => {
    const answer = await service.put('/sys/channels/threshold/hog', { at: 1 })
    expect(answer).toMatchObject({
      status: 409,
      body: { errno: 'ENOTSUP', detail: expect.stringContaining('not on this source') },
    })
  })

  test.each([
    ['deny', {}],
    ['signal', { signal: 'SIGTERM' }],
  ])('the action %s on a source that only observes is 409 with the reason', async (action, more) => {
    const answer = await service.put(hog, { at: 1, action, ...more })
    const detail = 'this source only observes'
    expect(answer).toMatchObject({ status: 409, body: { errno: 'ENOTSUP', detail } })
    expect(service.bench.kernel.notifier.size).toBe(0)
  })

  test.each(['%00', 'x'.repeat(200), 'a%0Ab'])('the name %s is refused', async (name) => {
    const answer = await service.put(`/sys/fds/threshold/${name}`, { at: 1 })
    expect(answer).toMatchObject({ status: 400, body: { errno: 'EINVAL' } })
  })

  test('a query on a PUT is refused, not ignored', async () => {
    expect((await service.put(`${hog}?pretty`, { at: 1 })).status).toBe(400)
    expect(service.bench.kernel.notifier.size).toBe(0)
  })
})

describe('fields beyond a trip point', () => {
  const each = '/sys/fds/threshold/each'

  test('are returned as they were put, as JSON and as words', async () => {
    const where = { name: 'p*', uid: 0, partition: null }
    const body = { at: 100, per: 'process', where, for: '500ms', ttl: '1.5h' }
    const made = await service.put(each, body)
    expect(made).toMatchObject({ status: 201, body: { ...body, nodes: 1, tripped: [], state: 'armed' } })
    expect(made.body.expires).toMatch(/^\d{4}-.*Z$/)
    const words = await service.fetch(each, {
      method: 'PUT',
      body: Buffer.from('100 per=process where.name=p* where.uid=0 for=500ms ttl=1.5h'),
    })
    expect([words.status, words.headers.get('etag')]).toEqual([200, made.headers.get('etag')])
    const change = await service.fetch('/sys/processes/threshold/any', {
      method: 'PUT',
      body: Buffer.from('on=change every=1s delta=2'),
    })
    expect(await change.json()).toMatchObject({
      on: 'change',
      at: null,
      every: '1s',
      delta: 2,
      state: 'armed',
      value: 1,
    })
  })

  test('a name that is longer than any in Linux is refused with the advice to use the executable', async () => {
    const put = (where: object) => service.put(each, { at: 100, per: 'process', where })
    for (const name of ['a-name-of-16-byte', 'äääääääé', '*0123456789abcdef*', '????????????????']) {
      const { status, body } = await put({ name })
      expect([status, JSON.stringify(body)]).toEqual([400, expect.stringMatching(/"\/where\/name".*|.*use \\"exe\\"/)])
    }
    for (const name of ['a-name-of-15-by', '*0123456789abcde*', '\\xff\\xff\\xff\\xff\\xff', 'äöüäöüä'])
      expect((await put({ name })).status).toBeLessThan(300)
    service.bench.process(43, { name: 'kworker/u8:2-events_unbound' })
    expect((await put({ name: 'kworker/u8:2-events_unbound' })).body).toMatchObject({ nodes: 1 })
    const words = '100 per=process where.exe=a-name-of-16-byte*'
    const text = await service.fetch(each, { method: 'PUT', body: Buffer.from(words) })
    expect(await text.json()).toMatchObject({ where: { name: null, exe: 'a-name-of-16-byte*' }, nodes: 0 })
  })

  test('a name that only an executable has gets the advice to use the executable', async () => {
    const { bench } = service
    bench.at(() => seen.processChanged(bench.kernel, bench.kernel.process(42), null, { executable: '/usr/bin/node' }))
    const put = (where: object, query = '') => service.put(`${each}${query}`, { at: 100, per: 'process', where })
    const advice = expect.stringContaining('1 process runs an executable of this name: use where.exe')
    expect((await put({ name: 'node' }, '?dry-run')).body).toMatchObject({ advice, nodes: 0 })
    expect((await put({ name: 'node' })).body).toMatchObject({ advice, nodes: 0 })
    expect((await service.get(each)).body).not.toHaveProperty('advice')
    const right = await put({ exe: 'node' })
    expect(right.body).toMatchObject({ nodes: 1 })
    expect(right.body).not.toHaveProperty('advice')
    expect((await put({ name: 'not-here' })).body).not.toHaveProperty('advice')
  })

  test('are refused by name if they are wrong', async () => {
    for (const [body, pointer] of [
      [{ at: 1, for: 'soon' }, '/for'],
      [{ at: 1, ttl: 5 }, '/ttl'],
      [{ at: 1, every: '1s' }, '/every'],
      [{ on: 'change', at: 1 }, '/at'],
      [{}, '/at'],
      [{ at: 1, per: 'process', where: { pid: 1 } }, '/where/pid'],
      [{ at: 1, where: { name: 'a' } }, '/where'],
      [{ at: 1, per: 'process', where: { partition: 'web' } }, '/where/partition'],
    ] as const) {
      const refused = await service.put(each, body)
      expect([refused.status, refused.body.errors]).toMatchObject([400, [{ pointer }]])
    }
    expect((await service.get('/sys/thresholds')).body.entries).toEqual([])
  })

  test('with ?dry-run show what would trip now, and nothing is set or emitted', async () => {
    const watcher = await service.watch('/sys')
    const preview = await service.put(`${each}?dry-run`, { at: 17, per: 'process' })
    const tripped = ['/sys/proc/42/fds']
    expect(preview).toMatchObject({ status: 200, body: { dryRun: true, nodes: 1, tripped, state: 'tripped' } })
    expect(preview.headers.get('etag')).toBe(null)
    expect((await service.fetch(each)).status).toBe(404)
    expect((await service.put(`${each}?dry-run=true`, { at: 'x' })).status).toBe(400)
    expect((await service.put(`${each}?dry-run=no`, { at: 1 })).status).toBe(400)
    expect((await service.put(`${each}?dryrun`, { at: 1 })).status).toBe(400)
    expect((await service.put(`${each}?dry-run`, { at: 1 }, { 'if-match': '"1"' })).status).toBe(412)
    expect((await service.put(each, { at: 17, per: 'process' })).status).toBe(201)
    expect(await watcher.until(1)).toMatchObject([{ type: 'threshold.tripped', data: { initial: true } }])
  })

  test('are protected by If-Match: the slower of two clients that change what they read is refused', async () => {
    const etag = (await service.put(hog, { at: 100 })).headers.get('etag')!
    const answers = await Promise.all(
      [200, 300].map((at) => service.put(hog, { at, rearm: at / 2 }, { 'if-match': etag })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412])
    const [won] = answers.filter(({ status }) => status === 200)
    expect((await service.get(hog)).body.at).toBe(won!.body.at)
  })
})

describe('the notifier', () => {
  test('and each of its limits can be switched; tripped thresholds are cleared, and evaluated again later', async () => {
    await service.put(hog, { at: 10 })
    const watcher = await service.watch('/sys')
    const limit = '/sys/notifier/limits/fds'
    expect((await service.get(limit)).body).toEqual({ path: limit, limit: 'fds', enabled: true, thresholds: 1 })
    expect((await service.put(limit, { enabled: false })).body).toMatchObject({ enabled: false, thresholds: 1 })
    expect(await watcher.until(1)).toMatchObject([{ type: 'threshold.cleared', data: { reason: 'disabled' } }])
    expect((await service.get(hog)).body.state).toBe('disabled')
    expect((await service.get('/sys/proc/42/fds')).body.thresholds).toMatchObject([{ state: 'disabled' }])
    const off = { path: '/sys/notifier', enabled: false, thresholds: 1, disabled: ['fds'] }
    expect((await service.put('/sys/notifier', { enabled: false })).body).toEqual(off)
    expect((await service.get('/sys/notifier')).body).toEqual(off)
    await service.put(limit, { enabled: true })
    await service.put('/sys/notifier', { enabled: true })
    const [, again] = await watcher.until(2)
    expect(again).toMatchObject({ type: 'threshold.tripped', data: { initial: true } })
    expect((await service.get(hog)).body.state).toBe('tripped')
  })

  test('accepts nothing else', async () => {
    expect((await service.put('/sys/notifier', { enabled: 'no' })).status).toBe(400)
    expect((await service.put('/sys/notifier', {})).status).toBe(400)
    expect((await service.put('/sys/notifier', { enabled: true, more: 1 })).status).toBe(400)
    expect((await service.put('/sys/notifier/limits/fd', { enabled: false })).status).toBe(404)
    expect((await service.send('DELETE', '/sys/notifier')).status).toBe(405)
  })
})

describe('at a partition that is not there', () => {
  const waiting = '/sys/part/web/part/a%20b/fds/threshold/low'
  const addProcess = () => service.bench.observe(service.bench.process(7, { partition: ['web', 'a b'] }), 'fds', 17)

  test('PUT sets a threshold that waits, which the list shows, and which applies as the partition appears', async () => {
    const made = await service.put(waiting, { at: 10 })
    expect(made).toMatchObject({ status: 201, body: { path: waiting, state: 'waiting', value: null } })
    expect(made.headers.get('location')).toBe(waiting)
    expect((await service.get('/sys/thresholds')).body).toMatchObject({
      entries: [{ path: waiting, state: 'waiting' }],
    })
    expect(await service.get(waiting)).toMatchObject({ status: 200, body: { state: 'waiting' } })
    const list = dirname(waiting)
    expect(await service.get(list)).toMatchObject({ status: 200, body: { entries: [{ path: waiting }] } })
    expect((await service.put(list, { at: 10 })).status).toBe(405)
    for (const other of [list.replace('fds', 'memory'), list.replace('web', 'mail')])
      expect([other, (await service.get(other)).status, (await service.put(other, {})).status]).toEqual([
        other,
        404,
        404,
      ])
    const again = await service.put(waiting, { at: 10 })
    expect([again.status, again.headers.get('etag')]).toEqual([200, made.headers.get('etag')])
    expect((await service.put(waiting, { at: 15 })).status).toBe(200)
    addProcess()
    expect((await service.get(waiting)).body).toMatchObject({ state: 'tripped', at: 15, value: 17 })
    expect(service.bench.takeEvents('threshold')).toEqual(['threshold.tripped /sys/part/web/part/a%20b/fds initial'])
  })

  test('a waiting threshold is deleted like any other', async () => {
    await service.put(waiting, { at: '10%', per: 'process' })
    expect((await service.fetch(waiting, { method: 'DELETE' })).status).toBe(204)
    expect((await service.get(waiting)).status).toBe(404)
    addProcess()
    expect((await service.get(waiting)).status).toBe(404)
  })

  test('a dry run shows that it would wait, and sets nothing', async () => {
    const dry = await service.put(`${waiting}?dry-run`, { at: 10 })
    expect(dry).toMatchObject({ status: 200, body: { state: 'waiting', dryRun: true } })
    expect((await service.get('/sys/thresholds')).body).toMatchObject({ entries: [] })
  })

  test('a timeout waits too', async () => {
    const timeout = '/sys/part/web/part/a%20b/timeout'
    expect((await service.get(timeout)).status).toBe(404)
    expect(await service.put(timeout, { after: '2s' })).toMatchObject({ status: 201, body: { holds: timeout } })
    expect((await service.get(timeout)).body).toMatchObject({ holds: timeout, after: '2000ms' })
    addProcess()
    expect((await service.get('/sys/proc/7/timeout')).body).toMatchObject({ holds: timeout })
    expect((await service.fetch(timeout, { method: 'DELETE' })).status).toBe(204)
  })

  test.each([
    ['the limit of the partition', '/sys/part/web/fds'],
    ['its list of thresholds', '/sys/part/web/fds/threshold'],
    ['a threshold that is not set', '/sys/part/web/fds/threshold/none'],
    ['a process in it', '/sys/part/web/proc/42/fds/threshold/hog'],
  ])('%s does not exist', async (_, path) => {
    expect((await service.get(path)).status).toBe(404)
  })

  test.each([
    '/sys/part/web/proc/42/fds/threshold/hog',
    '/sys/part/web/no-limit/threshold/hog',
    '/sys/part/a%2Fb/fds/threshold/hog',
    `/sys/part/${'x'.repeat(256)}/fds/threshold/hog`,
  ])('PUT of %s is refused, since no partition can have such a setting', async (path) => {
    expect((await service.put(path, { at: 10 })).status).toBe(404)
  })
})
