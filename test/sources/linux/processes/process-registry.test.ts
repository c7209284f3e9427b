/** The process registry with made-up events and scans, in orders that are rare on a real machine. */

import { beforeEach, describe, expect, test } from 'vitest'
import { bounds } from '../../../../src/base/bounds.ts'
import { Inventory } from '../../../../src/sources/linux/processes/inventory.ts'
import { ProcessRegistry } from '../../../../src/sources/linux/processes/process-registry.ts'
import type { ProcessEvent, ProcessFacts } from '../../../../src/sources/linux/protocol.ts'
import { Bench } from '../../../kernel/support.ts'

let bench: Bench
let registry: ProcessRegistry
let inventory: Inventory
let now: number

beforeEach(() => {
  bench = new Bench()
  registry = new ProcessRegistry(bench.kernel, { boot: 'b00t', bootedAt: 0 })
  inventory = new Inventory(bench.kernel, registry)
  now = 10_000
})

type NewEvent = ProcessEvent extends infer E ? (E extends ProcessEvent ? Omit<E, 'at'> : never) : never
const record = (event: NewEvent) => registry.record({ at: now++, ...event } as ProcessEvent)
const fork = (pid: number, startTicks: number, parent = 1) =>
  record({ what: 'fork', pid, parent, startTicks, name: null, kernelThread: false })
const exit = (pid: number, tid: number, code = 0) => record({ what: 'exit', pid, tid, code, signal: null })

const facts = (pid: number, startTicks: number): ProcessFacts => ({
  pid,
  startTicks,
  name: `p${pid}`,
  parent: 1,
  uid: 0,
  executable: null,
  kernelThread: false,
  partition: [],
  rlimits: null,
})

/** A full scan that found these processes: pid, start ticks, tids. */
function scan(found: readonly [number, number, readonly number[]][], certain = false): void {
  const startedAt = now++
  for (const [pid, ticks] of found) if (!registry.byPid.has(pid)) inventory.addUnregistered(facts(pid, ticks))
  const listed = new Float64Array(found.flatMap(([pid, ticks, tids]) => [pid, ticks, tids.length, ...tids]))
  bench.at(() => inventory.reconcile(listed, { startedAt, certain, silent: false }))
}

describe('events of the connector', () => {
  test('a process ends with its last thread, not with its leader', () => {
    fork(42, 7)
    record({ what: 'clone', pid: 42, tid: 43 })
    bench.takeEvents()
    expect(exit(42, 42)).toBeNull()
    expect(bench.takeEvents()).toEqual(['thread.died /sys/proc/42/thread/42'])
    expect(exit(42, 43, 3)).toBe('died')
    expect(bench.events.find(({ type }) => type === 'process.died')?.data).toMatchObject({ code: 3, signal: null })
    expect(bench.takeEvents()).toEqual(['thread.died /sys/proc/42/thread/43', 'process.died /sys/proc/42'])
  })

  test('after an exec by another thread than the leader there is one thread, with the leader’s tid', () => {
    fork(42, 7)
    record({ what: 'clone', pid: 42, tid: 43 })
    exit(42, 42)
    bench.takeEvents()
    record({ what: 'exec', pid: 42, name: 'new', executable: '/bin/new', uid: 5 })
    expect(bench.takeEvents()).toEqual([
      'thread.created /sys/proc/42/thread/42',
      'thread.died /sys/proc/42/thread/43',
      'process.changed /sys/proc/42',
      'process.changed /sys/proc/42',
    ])
    expect([...bench.kernel.process(42).threads.keys()]).toEqual([42])
    expect(bench.kernel.process(42)).toMatchObject({ name: 'new', executable: '/bin/new', uid: 5 })
  })

  test('a child is born with its parent’s name, whatever name could be read later', () => {
    fork(1, 1, 0)
    record({ what: 'name', pid: 1, tid: 1, name: 'shell' })
    record({ what: 'fork', pid: 2, parent: 1, startTicks: 5, name: 'already-other', kernelThread: false })
    expect(bench.kernel.process(2).name).toBe('shell')
    expect(bench.kernel.process(2).parentProcess?.pid).toBe(1)
  })

  test('a second birth of a pid ends the former process first', () => {
    fork(42, 7)
    const { identity } = bench.kernel.process(42)
    bench.takeEvents()
    fork(42, 9)
    expect(bench.takeEvents('process')).toEqual(['process.died /sys/proc/42', 'process.created /sys/proc/42'])
    expect(bench.kernel.process(42).identity).not.toBe(identity)
  })

  test('the birth of a known process and the end of an unknown one change nothing', () => {
    fork(42, 7)
    bench.takeEvents()
    expect(fork(42, 7)).toBeNull()
    expect(exit(99, 99)).toBeNull()
    expect(bench.takeEvents()).toEqual([])
  })
})

describe('a flood of events of one process', () => {
  const changes = () =>
    bench.events.filter(({ type }) => type === 'process.changed').map(({ data }) => Number(data.changes ?? 1))

  test('renames have a few events a second, each with the number of changes, and the last name is recorded', () => {
    fork(42, 7)
    fork(43, 8)
    const rename = (name: string) => record({ what: 'name', pid: 42, tid: 42, name })
    rename('first')
    bench.takeEvents()
    const began = now
    for (let count = 0; count < 40_000; count++) {
      now = began + count / 40
      rename(`n${count % 2}`)
      registry.releaseWaiting(now)
    }
    rename('last')
    expect(changes().length).toBeGreaterThan(bounds.processChangesAtOnce)
    expect(changes().length).toBeLessThan(bounds.processChangesAtOnce + 2 * bounds.processChangesPerSecond)
    record({ what: 'name', pid: 43, tid: 43, name: 'other' })
    expect(bench.kernel.process(43).name).toBe('other')
    now += 1000
    registry.releaseWaiting(now)
    expect([bench.kernel.process(42).name, bench.kernel.thread(42, 42).name]).toEqual(['last', 'last'])
    expect(changes().reduce((sum, count) => sum + count, 0)).toBe(40_002)
    expect(bench.events.at(-1)?.data).toMatchObject({ what: 'name', name: 'last' })
  })

  test('does not flap the thresholds that choose by name or user', () => {
    fork(42, 7)
    bench.observe(bench.kernel.process(42), 'fds', 10)
    const where = { name: 'n0', uid: null, partition: null }
    bench.put(bench.kernel.system, 'fds', 'each', { at: 5, per: 'process', where })
    const began = now
    for (let count = 0; count < 10_000; count++) {
      now = began + count / 40
      record({ what: 'name', pid: 42, tid: 42, name: `n${count % 2}` })
      record({ what: 'uid', pid: 42, uid: count % 2 })
      registry.releaseWaiting(now)
    }
    expect(bench.events.length).toBeLessThan(3 * (bounds.processChangesAtOnce + bounds.processChangesPerSecond))
  })

  test('waiting changes are recorded before the process executes another program or ends', () => {
    fork(42, 7)
    for (let count = 0; count < 100; count++) record({ what: 'name', pid: 42, tid: 42, name: `n${count}` })
    bench.takeEvents()
    record({ what: 'exec', pid: 42, name: 'new', executable: '/bin/new', uid: null })
    expect(bench.events.map(({ data }) => [data.what, data.name])).toEqual([
      ['name', 'n99'],
      ['exec', 'new'],
    ])
    record({ what: 'name', pid: 42, tid: 42, name: 'before-its-end' })
    bench.takeEvents()
    exit(42, 42)
    expect(bench.events.map(({ type, data }) => [type, data.name])).toEqual([
      ['process.changed', 'before-its-end'],
      ['thread.died', 'before-its-end'],
      ['process.died', 'before-its-end'],
    ])
    now += 10_000
    registry.releaseWaiting(now)
    expect(bench.takeEvents('process')).toHaveLength(2)
  })

  test('executed programs have a few events a second, and the present facts are recorded at once', () => {
    fork(42, 7)
    bench.takeEvents()
    const began = now
    for (let count = 1; count <= 2_000; count++) {
      now = began + count / 2
      record({ what: 'exec', pid: 42, name: `p${count}`, executable: `/bin/p${count}`, uid: count % 2 })
      record({ what: 'name', pid: 42, tid: 42, name: `renamed${count}` })
      registry.releaseWaiting(now)
    }
    record({ what: 'exec', pid: 42, name: 'last', executable: '/bin/last', uid: 5 })
    expect(bench.kernel.process(42)).toMatchObject({ name: 'last', executable: '/bin/last', uid: 5 })
    expect(bench.events.length).toBeLessThan(3 * (bounds.processChangesAtOnce + 2 * bounds.processChangesPerSecond))
    now += 1000
    registry.releaseWaiting(now)
    expect(bench.events.at(-1)?.data).toMatchObject({ what: 'exec', name: 'last', executable: '/bin/last' })
    const named = changes().reduce((sum, count) => sum + count, 0)
    expect(named).toBeGreaterThanOrEqual(4_001)
    expect(bench.kernel.thread(42, 42).name).toBe('last')
  })

  test('threads beyond a bound have no events of their own, and one event counts these', () => {
    fork(42, 7)
    bench.takeEvents()
    const most = bounds.threadBirthsAtOnce
    for (let tid = 100; tid < 100 + 2 * most; tid++) {
      now -= 1
      record({ what: 'clone', pid: 42, tid })
      now -= 1
      exit(42, tid)
    }
    expect(bench.events).toHaveLength(2 * most)
    bench.takeEvents()
    bench.at(() => registry.reportLeftOut(now))
    expect(bench.events.map(({ type, subject, data }) => [type, subject, data.count])).toEqual([
      ['events.lost', '/sys/proc/42', 2 * most],
    ])
    // The clock of these times runs backwards here; the span of time does not.
    for (const { data } of bench.events) expect(String(data.from) <= String(data.to)).toBe(true)
    bench.at(() => registry.reportLeftOut(now))
    expect(bench.events).toHaveLength(1)
    now += 1000
    record({ what: 'clone', pid: 42, tid: 99 })
    expect(bench.takeEvents('thread')).toEqual(['thread.created /sys/proc/42/thread/99'])
    expect([...bench.kernel.process(42).threads.keys()]).toEqual([42, 99])
  })

  test.each([
    ['an exec', () => void record({ what: 'exec', pid: 42, name: 'new', executable: null, uid: null })],
    ['the end of the process, which a scan finds', () => [scan([]), scan([])]],
    ['their own ends, which a scan finds', () => [scan([[42, 7, [42]]]), scan([[42, 7, [42]]])]],
  ])('threads whose birth has no event end without one by %s', (_, end) => {
    fork(42, 7)
    const count = bounds.threadBirthsAtOnce + 50
    const at = now
    for (let tid = 100; tid < 100 + count; tid++) {
      now = at
      record({ what: 'clone', pid: 42, tid })
    }
    now += 1
    const born = new Set(bench.takeEvents('thread.created').map((text) => text.split(' ')[1]))
    end()
    const died = bench.takeEvents('thread.died').map((text) => text.split(' ')[1])
    expect(died.filter((path) => !born.has(path))).toEqual([])
    bench.at(() => registry.reportLeftOut(now))
    const left = bench.events.filter(({ type }) => type === 'events.lost').map(({ data }) => data.count)
    expect(left).toEqual([2 * (count - born.size + 1)])
  })
})

describe('differences that a scan finds', () => {
  test('an unreported death is recorded when the next scan finds it too', () => {
    fork(42, 7)
    bench.takeEvents()
    scan([])
    expect(bench.takeEvents()).toEqual([])
    scan([])
    expect(bench.takeEvents()).toEqual(['thread.died /sys/proc/42/thread/42', 'process.died /sys/proc/42'])
  })

  test('a difference is forgotten when the next scan agrees again', () => {
    fork(42, 7)
    bench.takeEvents()
    for (const found of [[], [[42, 7, [42]]], [], [[42, 7, [42]]]] as [number, number, number[]][][]) scan(found)
    expect(bench.takeEvents()).toEqual([])
  })

  test('an unreported birth is recorded when the next scan finds it too', () => {
    scan([[42, 7, [42, 43]]])
    expect(bench.takeEvents()).toEqual([])
    scan([[42, 7, [42, 43]]])
    expect(bench.takeEvents()).toEqual([
      'process.created /sys/proc/42',
      'thread.created /sys/proc/42/thread/42',
      'thread.created /sys/proc/42/thread/43',
    ])
  })

  test('an unreported reuse of a pid ends one process and begins another', () => {
    fork(42, 7)
    bench.takeEvents()
    for (let count = 0; count < 3; count++) scan([[42, 9, [42]]])
    expect(bench.takeEvents('process')).toEqual(['process.died /sys/proc/42', 'process.created /sys/proc/42'])
  })

  test('unreported threads are recorded when the next scan finds them too', () => {
    fork(42, 7)
    bench.takeEvents()
    scan([[42, 7, [42, 44]]])
    scan([[42, 7, [42, 44]]])
    expect(bench.takeEvents()).toEqual(['thread.created /sys/proc/42/thread/44'])
    scan([[42, 7, [42]]])
    scan([[42, 7, [42]]])
    expect(bench.takeEvents()).toEqual(['thread.died /sys/proc/42/thread/44'])
  })

  test('one scan decides when the connector reports nothing', () => {
    scan([[42, 7, [42]]], true)
    scan([], true)
    expect(bench.takeEvents('process')).toEqual(['process.created /sys/proc/42', 'process.died /sys/proc/42'])
  })

  test('a process born since the scan began is not missing from it', () => {
    const startedAt = now
    now += 5
    fork(42, 7)
    bench.takeEvents()
    for (let count = 0; count < 2; count++) {
      bench.at(() => inventory.reconcile(new Float64Array(), { startedAt, certain: true, silent: false }))
    }
    expect(bench.takeEvents()).toEqual([])
  })
})
