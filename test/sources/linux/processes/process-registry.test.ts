/** The process registry with made-up events and scans, in orders that are rare on a real machine. */

import { beforeEach, describe, expect, test } from 'vitest'
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
