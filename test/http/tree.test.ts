/** Reading the pathname space over HTTP: views, aliases, formats, and the problems of wrong requests. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { limits } from '../../src/kernel/limits/table.ts'
import * as seen from '../../src/kernel/observations.ts'
import * as measured from '../../src/kernel/observed-usage.ts'
import { definitions } from '../../src/tree/tree.ts'
import { Service } from '../support/service.ts'

let service: Service

beforeEach(async () => {
  service = await new Service({ selfPid: 7 }).start()
  const { bench } = service
  const web = bench.process(42, { partition: ['web', 'a/b'], name: 'httpd' })
  bench.thread(web, 42)
  bench.thread(web, 43)
  bench.process(7, { name: 'introspectd' })
  bench.observe(web, 'fds', 17)
  bench.capacity(web, 'fds', 1024)
})

afterEach(() => service.stop())

describe('reading', () => {
  test('every row of the tree answers with a view that matches its own schema', async () => {
    const { bench } = service
    bench.put(bench.kernel.process(42), 'fds', 'hog', { at: 100 })
    bench.at(() => bench.kernel.deadlocks.closedSet(bench.kernel.process(42), true))
    const [deadlock] = bench.kernel.deadlocks.all()
    const places = {
      system: '/sys',
      partition: '/sys/part/web',
      process: '/sys/proc/42',
      thread: '/sys/proc/42/thread/43',
    }
    // The rows of the model are tested in model.test.ts.
    for (const definition of definitions.filter(({ modelOnly }) => !modelOnly)) {
      for (const level of definition.under) {
        const limit = level === 'thread' ? 'stack' : 'fds'
        const leaf = definition.leaf
          .replace(':limit', limit)
          .replace(':rlimit', 'nofile')
          .replace(':name', 'hog')
          .replace(':id', `${deadlock!.id}`)
          .replace(':of', 'fds')
        const path = leaf === '' ? places[level] : `${places[level]}/${leaf}`
        if (leaf.endsWith('/hog')) await service.put(path, { at: 100 })
        const { status, body } = await service.get(path)
        expect([path, status]).toEqual([path, 200])
        expect(definition.reply.safeParse(body).error).toBeUndefined()
        expect(body.path).toBe(path)
        const text = await service.fetch(`${path}?format=text`)
        expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8')
        expect(await text.text()).not.toContain('[object Object]')
      }
    }
  })

  test('directories, documents and limits never share a name', () => {
    for (const level of ['system', 'partition', 'process', 'thread'] as const) {
      const names = definitions
        .filter(({ under, leaf }) => under.includes(level) && /^[a-z]+$/.test(leaf))
        .map(({ leaf }) => leaf)
      const limitNames = limits.filter(({ at }) => (at as readonly string[]).includes(level)).map(({ name }) => name)
      const all = [...names, ...limitNames]
      expect(new Set(all).size).toBe(all.length)
    }
  })

  test('a process is shown with its usage, and a limit with its capacity', async () => {
    expect((await service.get('/sys/proc/42')).body).toMatchObject({
      path: '/sys/proc/42',
      pid: 42,
      name: 'httpd',
      partition: '/sys/part/web/part/a%2Fb',
      usage: { fds: 17, threads: 2 },
    })
    expect((await service.get('/sys/proc/42/fds')).body).toMatchObject({
      limit: 'fds',
      unit: 'count',
      value: 17,
      peak: 17,
      capacity: 1024,
    })
  })

  test('an unread value, or one that cannot be measured, is null with the reason, never zero', async () => {
    expect((await service.get('/sys/proc/42/memory')).body).toMatchObject({
      value: null,
      asOf: null,
      unavailable: 'not read yet',
    })
    expect((await service.get('/sys/channels')).body).toMatchObject({ value: null, unavailable: 'not on this source' })
    service.bench.at(() =>
      measured.unreadable(service.bench.kernel, service.bench.kernel.process(42), 'memory', 'permission denied'),
    )
    expect((await service.get('/sys/proc/42')).body).toMatchObject({ unavailable: { memory: 'permission denied' } })
  })

  test('aliases answer with the canonical path as Content-Location', async () => {
    for (const alias of ['/sys/part/web/proc/42', '/sys/part/web/part/a%2Fb/proc/42/', '/sys/proc/42/']) {
      const { status, headers, body } = await service.get(alias)
      expect([alias, status, body.path]).toEqual([alias, 200, '/sys/proc/42'])
      if (!alias.startsWith('/sys/proc')) expect(headers.get('content-location')).toBe('/sys/proc/42')
    }
    expect((await service.get('/sys/proc/self')).body).toMatchObject({ pid: 7, self: true })
  })

  test('a name with a slash is one segment', async () => {
    const { body } = await service.get('/sys/part/web/part')
    expect(body.entries).toMatchObject([{ path: '/sys/part/web/part/a%2Fb', name: 'a/b' }])
    expect((await service.get('/sys/part/web/part/a%2Fb')).status).toBe(200)
    expect((await service.get('/sys/part/web/part/a/b')).status).toBe(404)
  })

  test('curl gets indented JSON, programs get one line, and every answer has Vary and its cursor', async () => {
    const forCurl = await service.fetch('/sys/states', { headers: { 'user-agent': 'curl/8.0' } })
    expect(await forCurl.text()).toMatch(/^\{\n {2}"path"/)
    const forProgram = await service.fetch('/sys/states')
    expect(await forProgram.text()).not.toContain('\n')
    expect(forProgram.headers.get('vary')).toBe('Accept, User-Agent')
    expect(forProgram.headers.get('introspect-cursor')).toMatch(/^\d{20}$/)
  })

  test('the canonical states are derived, and are exactly SEND, MUTEX and JOIN', async () => {
    const { body } = await service.get('/sys/states')
    const entries = body.entries as { name: string; number: number; canonical: boolean }[]
    expect(entries.filter(({ canonical }) => canonical).map(({ name }) => name)).toEqual(['SEND', 'MUTEX', 'JOIN'])
    expect(entries.map(({ number }) => number)).toEqual([...Array(21).keys()])
  })

  test('the text of rlimits shows bytes for people', async () => {
    const rlimits = { as: { soft: 8 * 1024 ** 3, hard: Number.POSITIVE_INFINITY }, nofile: { soft: 1024, hard: 4096 } }
    measured.rlimitsObserved(service.bench.process(72), rlimits)
    const text = await (await service.fetch('/sys/proc/72/rlimit?format=text')).text()
    expect(text).toMatch(/^as +8\.0G +unlimited +bytes$/m)
    expect(text).toMatch(/^nofile +1024 +4096 +count$/m)
  })

  test('kernel threads come last in text, in brackets', async () => {
    service.bench.process(2, { name: 'kthreadd', kernelThread: true })
    const text = await (await service.fetch('/sys/proc?format=text')).text()
    expect(text.trimEnd().split('\n').at(-1)).toMatch(/^ *2 {2}\[kthreadd\] /)
    expect((await service.get('/sys/proc/2')).body).toMatchObject({ name: 'kthreadd', kernelThread: true })
    expect((await service.get('/sys/proc/42')).body).not.toHaveProperty('kernelThread')
  })

  test('partitions for mounts without processes are left out of the text, with a line that says so', async () => {
    service.bench.process(70, { partition: ['used.mount'] })
    service.bench.at(() => seen.partitionAppeared(service.bench.kernel, ['-.mount']))
    service.bench.at(() => seen.partitionAppeared(service.bench.kernel, ['empty.slice']))
    const text = await (await service.fetch('/sys/part?format=text')).text()
    expect(text).toMatch(/^used\.mount /m)
    expect(text).toMatch(/^empty\.slice /m)
    expect(text).not.toContain('-.mount')
    expect(text).toMatch(/\n1 mount without processes is not shown here; JSON has all\n$/)
    expect(JSON.stringify((await service.get('/sys/part')).body)).toContain('-.mount')
  })

  test('a partition has an @ in its pathname as it is, and an encoded one is the same partition', async () => {
    service.bench.process(71, { partition: ['user@1000.service', 'a b%/\\x2d*'] })
    const path = '/sys/part/user@1000.service/part/a%20b%25%2F%5Cx2d*'
    expect((await service.get('/sys/proc/71')).body.partition).toBe(path)
    const { headers, status } = await service.get('/sys/part/user%401000.service')
    expect([status, headers.get('content-location')]).toEqual([200, '/sys/part/user@1000.service'])
    const text = await (await service.fetch('/sys/proc?format=text')).text()
    expect(text).toMatch(/ {2}user@1000\.service\/a%20b%25%2F%5Cx2d\*$/m)
    const { body } = await service.put('/sys/fds/threshold/x', {
      at: 1,
      per: 'process',
      where: { partition: '/sys/part/user%401000.service' },
    })
    expect(body).toMatchObject({ nodes: 1, where: { partition: '/sys/part/user@1000.service' } })
  })

  test('a process name reaches a terminal without its control characters', async () => {
    service.bench.process(66, { name: 'a\u001b[31m\nb' })
    const text = await (await service.fetch('/sys/proc?format=text')).text()
    expect(text).toContain('a\\x1b[31m\\x0ab')
  })
})

describe('a wrong request', () => {
  test.each([
    ['/nothing', 404, { exists: '/' }],
    ['/sys/proc/99', 404, { exists: '/sys/proc' }],
    ['/sys/proc/42/thread/99', 404, { exists: '/sys/proc/42/thread' }],
    ['/sys/proc/42/fds/threshold/none', 404, { exists: '/sys/proc/42/fds/threshold' }],
    ['/sys/proc/42/fds/other/none', 404, { exists: '/sys/proc/42/fds' }],
    ['/sys/proc/42/processes', 404, { exists: '/sys/proc/42' }],
    ['/sys/proc/042', 404, { exists: '/sys/proc' }],
    ['/sys/proc/42/rlimit/none', 404, { exists: '/sys/proc/42/rlimit' }],
    ['/sys/part/none/fds', 404, { exists: '/sys/part' }],
    ['/sys//proc', 400, { type: 'urn:introspectd:problem:malformed-path' }],
    ['/sys/part/%zz', 400, { detail: expect.stringContaining('a % in a name is written as %25') }],
    ['/sys/part/%ff', 400, { type: 'urn:introspectd:problem:malformed-path' }],
    [`/sys/${'x'.repeat(5000)}`, 414, {}],
    ['/sys?colour=red', 400, { errors: [{ parameter: 'colour' }] }],
    ['/sys?format=xml', 400, { errors: [{ parameter: 'format' }] }],
    ['/readyz?colour', 400, {}],
  ])('to %s is answered with %i', async (path, status, problem) => {
    const response = await service.fetch(path)
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    const body = await response.json()
    expect(body).toMatchObject({ status, ...problem })
    expect(response.status).toBe(status)
    expect(body).toMatchObject({
      type: expect.stringMatching(/^urn:introspectd:problem:/),
      title: expect.any(String),
      detail: expect.any(String),
    })
  })

  test('with an unsupported method gets 405 with Allow, and OPTIONS lists the methods', async () => {
    for (const [method, path, allow] of [
      ['POST', '/sys/proc', 'GET, HEAD, OPTIONS'],
      ['DELETE', '/sys/proc/42', 'GET, HEAD, OPTIONS'],
      ['PATCH', '/sys/proc/42/fds/threshold/x', 'GET, HEAD, OPTIONS, PUT, DELETE'],
      ['POST', '/livez', 'GET, HEAD, OPTIONS'],
      ['POST', '/metrics', 'GET, HEAD'],
    ] as const) {
      const response = await service.fetch(path, { method })
      expect([path, response.status, response.headers.get('allow')]).toEqual([path, 405, allow])
    }
    const options = await service.fetch('/sys/proc/42/fds/threshold/x', { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS, PUT, DELETE'])
  })

  test('for an unsupported form is 406, naming the supported ones', async () => {
    expect(await service.get('/sys', { accept: 'image/png' })).toMatchObject({
      status: 406,
      body: { detail: expect.stringContaining('text/plain') },
    })
  })

  test.each([
    ['/sys/prox', '/sys/proc'],
    ['/sys/threshold', '/sys/thresholds'],
    ['/sys/proc/42/fdss', '/sys/proc/42/fds'],
    ['/sys/proc/42/thraed/43', '/sys/proc/42/thread'],
    ['/sys/proc/42/thread/43/stak', '/sys/proc/42/thread/43/stack'],
    ['/sys/proc/42/fds/treshold/hog', '/sys/proc/42/fds/threshold'],
    ['/sys/proc/42/rlimit/nofiles', '/sys/proc/42/rlimit/nofile'],
    ['/sys/part/wbe/fds', '/sys/part/web'],
    ['/sys/part/web/part/a%2Fc/fds', '/sys/part/web/part/a%2Fb'],
    ['/sys/part/web/fdss', '/sys/part/web/fds'],
  ])('to %s gets the suggestion %s', async (path, meant) => {
    const { status, body } = await service.get(path)
    expect([status, body.detail]).toEqual([
      404,
      expect.stringMatching(/^\S+ does not exist; \S+ does; did you mean \S+\?$/),
    ])
    expect(body.detail).toMatch(new RegExp(`; did you mean ${meant}\\?$`))
  })

  test.each(['/sys/proc/43', '/sys/proc/42/thread/44', '/sys/proc/42/processes', '/sys/zebra'])(
    'to %s gets no suggestion, because another number is another process and no name is similar',
    async (path) => {
      expect((await service.get(path)).body.detail).toMatch(/does not exist; \S+ does$/)
    },
  )
})

test('/livez, /readyz and / answer outside the tree', async () => {
  expect(await (await service.fetch('/livez')).text()).toBe('ok\n')
  expect(await (await service.fetch('/readyz')).text()).toBe('ok\n')
  expect(await (await service.fetch('/readyz?verbose')).text()).toContain('[+] inventory: made by the test\n')
  expect((await service.get('/')).body).toMatchObject({ service: 'introspectd', tree: '/sys' })
})
