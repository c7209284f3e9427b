/** Reading many nodes at once: depth, NDJSON, fields, pages, and the cache of rendered text. */

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { noRules } from '../../src/app/rules.ts'
import { defaultHistory, History } from '../../src/kernel/history/history.ts'
import { limits } from '../../src/kernel/limits/table.ts'
import * as seen from '../../src/kernel/observations.ts'
import * as measured from '../../src/kernel/observed-usage.ts'
import { RuleSet } from '../../src/rules/rule-set.ts'
import { Fragments } from '../../src/tree/fragments.ts'
import { showDeep } from '../../src/tree/inline.ts'
import { PartitionView, ProcessView, SystemView } from '../../src/tree/views.ts'
import { Bench } from '../kernel/support.ts'
import { Service } from '../support/service.ts'

let service: Service

beforeEach(async () => {
  service = await new Service().start()
  const { bench } = service
  for (const pid of [30, 4, 100, 200]) {
    const process = bench.process(pid, { partition: pid < 100 ? ['web'] : ['web', 'inner'] })
    for (const tid of [pid + 1, pid]) bench.thread(process, tid)
    bench.observe(process, 'fds', pid)
  }
})

afterEach(() => service.stop())

const lines = async (path: string): Promise<Record<string, unknown>[]> => {
  const response = await service.fetch(path, { headers: { accept: 'application/x-ndjson' } })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/x-ndjson')
  const text = await response.text()
  expect(text === '' || text.endsWith('\n')).toBe(true)
  return text === ''
    ? []
    : text
        .slice(0, -1)
        .split('\n')
        .map((line) => JSON.parse(line))
}

describe('depth', () => {
  test('two levels below /sys/proc are every process with every thread, in order', async () => {
    const { body } = await service.get('/sys/proc?depth=2')
    const entries = body.entries as { pid: number; thread: { tid: number; path: string }[] }[]
    expect(entries.map(({ pid }) => pid)).toEqual([4, 30, 100, 200])
    expect(entries[0]!.thread.map(({ tid }) => tid)).toEqual([4, 5])
    for (const entry of entries) {
      expect(ProcessView.parse(entry)).toEqual(entry)
      const { body: alone } = await service.get(`/sys/proc/${entry.pid}`)
      const { thread, ...rest } = entry
      expect(rest).toEqual(alone)
      for (const one of thread) expect((await service.get(one.path)).body).toEqual(one)
    }
  })

  test('a node contains its directories inline as they answer themselves', async () => {
    const { body } = await service.get('/sys/part/web?depth=2')
    expect(PartitionView.parse(body)).toEqual(body)
    expect(body.proc).toEqual((await service.get('/sys/part/web/proc?depth=2')).body.entries)
    expect(body.part).toEqual((await service.get('/sys/part/web/part?depth=2')).body.entries)
    const { body: system } = await service.get('/sys?depth=9')
    expect(SystemView.parse(system)).toEqual(system)
  })

  test('indented and compact JSON have the same content', async () => {
    for (const path of ['/sys/proc?depth=2', '/sys?depth=3', '/sys/part', '/sys/proc/4?depth=1', '/sys/limits']) {
      const spread = await service.fetch(path, { headers: { 'user-agent': 'curl/8' } })
      const compact = await service.fetch(path)
      const [wide, narrow] = [await spread.text(), await compact.text()]
      expect(wide.length).toBeGreaterThan(narrow.length)
      expect(JSON.parse(wide)).toEqual(JSON.parse(narrow))
    }
  })

  test.each([
    ['/sys/proc?depth=0', 'depth'],
    ['/sys/limits?depth=1', 'depth'],
    ['/sys/fds?depth=1', 'depth'],
    ['/sys/proc?depth=17', 'depth'],
    ['/sys/proc?depth=-1', 'depth'],
    ['/sys/proc?depth=2&format=text', 'depth'],
    ['/sys/proc?fields=pid,nme', 'fields'],
    ['/sys/proc?fields=', 'fields'],
    ['/sys/proc?fields=pid.x', 'fields'],
    ['/sys/proc?fields=usage.nothing', 'fields'],
    ['/sys/proc?limit=0', 'limit'],
    ['/sys/proc?limit=1e3', 'limit'],
    ['/sys/proc/4?limit=1', 'limit'],
    ['/sys/proc?cursor=nonsense', 'cursor'],
    ['/sys/proc?cursor=', 'cursor'],
    [`/sys/proc?cursor=${Buffer.from('["/sys/part","a"]').toString('base64url')}`, 'cursor'],
    [`/sys/proc?cursor=${Buffer.from('["/sys/proc","a"]').toString('base64url')}`, 'cursor'],
    ['/sys/fds?cursor=a', 'cursor'],
  ])('%s is refused, and the problem names the parameter', async (path, parameter) => {
    const { status, body } = await service.get(path)
    expect([status, body.type]).toEqual([400, 'urn:introspectd:problem:invalid-query'])
    expect(body.errors).toMatchObject([{ parameter }])
  })
})

describe('NDJSON', () => {
  test('lists a directory with one entry a line, equal to its JSON', async () => {
    for (const path of ['/sys/proc', '/sys/proc?depth=2', '/sys/part', '/sys/limits', '/sys/states'])
      expect(await lines(path)).toEqual((await service.get(path)).body.entries)
  })

  test('has one line for a single node and none for an empty list', async () => {
    expect(await lines('/sys/proc/4?depth=1')).toEqual([(await service.get('/sys/proc/4?depth=1')).body])
    expect(await lines('/sys/thresholds')).toEqual([])
  })

  test('can be chosen in the query, and HEAD shows its type', async () => {
    expect(await (await service.fetch('/sys/proc?format=ndjson&fields=pid&limit=1')).text()).toBe('{"pid":4}\n')
    const head = await service.fetch('/sys/proc?format=ndjson', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
      200,
      'application/x-ndjson',
      '',
    ])
  })
})

describe('fields', () => {
  test('select the content of each entry', async () => {
    const { body } = await service.get('/sys/proc?fields=pid,usage.fds')
    expect(body.entries).toEqual([4, 30, 100, 200].map((pid) => ({ pid, usage: { fds: pid } })))
    const inner = await service.get('/sys/proc?depth=2&fields=thread.tid&limit=1')
    expect(inner.body.entries).toEqual([{ thread: [{ tid: 4 }, { tid: 5 }] }])
    expect((await service.get('/sys/proc/4?fields=name')).body).toEqual({ name: 'p4' })
    expect((await service.get('/sys/proc/4/fds?fields=value,unit')).body).toEqual({ unit: 'count', value: 4 })
  })

  test('are columns in text', async () => {
    const text = await (await service.fetch('/sys/proc?format=text&fields=pid,state,usage.fds&limit=2')).text()
    expect(text).toBe('pid  state      usage.fds\n4    unknown=2  4\n30   unknown=2  30\n')
  })

  test('are listed in the refusal of an unknown one', async () => {
    const { body } = await service.get('/sys/proc?fields=usage.fd')
    expect(body.detail).toContain('there is no field usage.fd; the fields are channels, server-ids')
  })
})

describe('pages', () => {
  test('follow one another by their cursors to the end, in JSON and in the Link header', async () => {
    const pids: number[] = []
    for (let path: string | null = '/sys/proc?limit=3&fields=pid'; path !== null; ) {
      const { body, headers } = await service.get(path)
      pids.push(...(body.entries as { pid: number }[]).map(({ pid }) => pid))
      const link = /^<(.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1] ?? null
      expect(link === null).toBe(body.next === null)
      path = link
    }
    expect(pids).toEqual([4, 30, 100, 200])
  })

  test('lose nothing and repeat nothing while processes come and go', async () => {
    const { bench } = service
    const first = await service.get('/sys/proc?limit=2')
    bench.at(() => seen.processEnded(bench.kernel, bench.kernel.process(30), { code: 0, signal: null }))
    bench.process(2)
    bench.process(150)
    const second = await service.get(`/sys/proc?limit=9&cursor=${first.body.next}`)
    expect((second.body.entries as { pid: number }[]).map(({ pid }) => pid)).toEqual([100, 150, 200])
    expect(second.body.next).toBeNull()
  })

  test('have cursors for entries with names too', async () => {
    const all = limits.map(({ name }) => name)
    const { body } = await service.get('/sys/limits?limit=19')
    const rest = await service.get(`/sys/limits?limit=19&cursor=${body.next}`)
    expect((rest.body.entries as { name: string }[]).map(({ name }) => name)).toEqual(all.slice(19))
  })
})

type Step = readonly [kind: number, process: number, thread: number, value: number]
const steps = fc.array(fc.tuple(fc.nat(8), fc.nat(3), fc.nat(3), fc.nat(5)), { maxLength: 60 })

function take(bench: Bench, [kind, p, t, value]: Step): void {
  const { kernel } = bench
  const [pid, tid] = [p + 1, (p + 1) * 10 + t]
  const process = kernel.processes.get(pid)
  if (process === undefined) {
    const parent = kernel.processes.get(value + 1)
    bench.process(pid, { partition: value % 2 ? ['a'] : [], ...(parent && { parent }) })
    return
  }
  const thread = process.threads.get(tid)
  const condition = { state: 'MUTEX' as const, on: null, certain: true, why: null, since: value }
  const changes: readonly (() => unknown)[] = [
    () => seen.processEnded(kernel, process, { code: 0, signal: null }),
    () => thread ?? seen.threadAppeared(kernel, process, { tid, name: 't', since: 1 }),
    () => thread && seen.threadEnded(kernel, thread),
    () => thread && seen.threadChanged(kernel, thread, { condition }),
    () => measured.observe(kernel, thread ?? process, thread ? 'stack' : 'fds', { value, at: 1 + value }),
    () => measured.unreadable(kernel, thread ?? process, thread ? 'stack' : 'fds', `reason ${value}`),
    () => seen.processChanged(kernel, process, 'name', { name: `name ${value}`, uid: value }),
    () => seen.processMoved(kernel, process, seen.partitionAppeared(kernel, value % 2 ? ['b'] : [])),
    () => seen.processReparented(kernel, process, kernel.processes.get(value) ?? null),
  ]
  bench.at(changes[kind]!)
}

test('cached text always equals freshly rendered text, after any change', () => {
  fc.assert(
    fc.property(steps, (walk) => {
      const bench = new Bench()
      const history = new History(() => bench.kernel, defaultHistory)
      const context = {
        kernel: bench.kernel,
        host: 'h',
        version: '0',
        source: 'test',
        model: null,
        catchUp: () => {},
        history,
        rules: new RuleSet({ kernel: () => bench.kernel, sources: noRules, logger: console }),
      }
      const fragments = new Fragments(context)
      for (const step of walk) {
        take(bench, step)
        for (const node of [bench.kernel.system, ...bench.kernel.processes.values()])
          expect(JSON.parse(fragments.bytesOf(node, 2).toString())).toEqual(
            JSON.parse(JSON.stringify(showDeep(context, node, 2))),
          )
      }
    }),
    { numRuns: 200 },
  )
})
