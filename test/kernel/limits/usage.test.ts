/** Usage counters at every level, compared with recounts after random histories. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LimitRow } from '../../../src/kernel/limits/limit-row.ts'
import { type LimitName, limits } from '../../../src/kernel/limits/table.ts'
import { refusersOf } from '../../../src/kernel/limits/thresholds/deny.ts'
import type { Node } from '../../../src/kernel/nodes/node.ts'
import { Process } from '../../../src/kernel/nodes/process.ts'
import { Thread } from '../../../src/kernel/nodes/thread.ts'
import { partitionsWithin, processesWithin, threadsWithin } from '../../../src/kernel/nodes/within.ts'
import * as seen from '../../../src/kernel/observations.ts'
import * as measured from '../../../src/kernel/observed-usage.ts'
import { History, step } from '../history.ts'
import { Bench } from '../support.ts'

interface Counted {
  readonly value: number
  readonly known: boolean
  readonly unreadable: number
  readonly estimated: number
}

/** Lists the nodes whose usage adds up to the count of a limit on this node. */
function sharers(node: Node, limit: LimitName): (Process | Thread)[] {
  if (limit === 'stack' || limit === 'mutexes') return node instanceof Thread ? [node] : [...threadsWithin(node)]
  return node instanceof Process ? [node] : [...processesWithin(node)]
}

/** Adds up the usage of a node from the test's own record. */
function recount(history: History, node: Node, limit: LimitName): Counted {
  const shares = sharers(node, limit).map((sharer) => history.holds(sharer, limit))
  const values = shares.map(({ value }) => value)
  return {
    value: limit === 'file-size' ? Math.max(0, ...values) : values.reduce((sum, value) => sum + value, 0),
    known: shares.some(({ known }) => known),
    unreadable: shares.filter(({ unreadable }) => unreadable).length,
    estimated: shares.filter(({ estimated }) => estimated).length,
  }
}

/** Reads the same count from the kernel. */
function counted({ kernel }: Bench, node: Node, index: number): Counted {
  const { value, unreadable, estimated } = kernel.usage.reading(node, index, false)
  return { value: value ?? 0, known: value !== null, unreadable, estimated }
}

const heldLimits = ['fds', 'connections', 'stack', 'mutexes', 'file-size'] as const
const nodesOf = ({ kernel: { system } }: Bench): Node[] => [
  system,
  ...partitionsWithin(system),
  ...processesWithin(system),
  ...threadsWithin(system),
]

test('after any history every counter equals a recount at every level, and every peak its highest value', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { minLength: 20, maxLength: 150, size: 'max' }), (watched, steps) => {
      const bench = new Bench()
      const history = new History(bench)
      if (watched) watchAll(bench)
      const peaks = new Map<Node, Map<LimitName, number>>()
      for (const one of steps) {
        bench.at(() => history.take(one))
        for (const node of nodesOf(bench)) {
          const highest = peaks.get(node) ?? new Map<LimitName, number>()
          peaks.set(node, highest)
          for (const limit of heldLimits) {
            if (!(limits[bench.index(limit)]!.at as readonly string[]).includes(node.level)) continue
            const expected = recount(history, node, limit)
            const { path } = node
            expect({ path, limit, ...counted(bench, node, bench.index(limit)) }).toEqual({ path, limit, ...expected })
            if (expected.known) highest.set(limit, Math.max(highest.get(limit) ?? 0, expected.value))
            expect([path, limit, bench.kernel.usage.peak(node, bench.index(limit)) ?? 0]).toEqual([
              path,
              limit,
              highest.get(limit) ?? 0,
            ])
          }
        }
        expectPopulation(bench)
      }
    }),
  )
})

/** Sets thresholds on everything, so that the kernel counts in its slower way. */
function watchAll(bench: Bench): void {
  const { system } = bench.kernel
  for (const limit of ['fds', 'stack', 'mutexes', 'file-size'] as const) {
    bench.put(system, limit, 'all', { at: 30 })
    const { at } = limits[bench.index(limit)]!
    for (const per of at) if (per !== 'system') bench.put(system, limit, per, { at: 10, per })
  }
}

/** Checks the counts of processes, threads and children, which come from births and deaths alone. */
function expectPopulation({ kernel: { system, usage }, index }: Bench): void {
  for (const node of [system, ...partitionsWithin(system)]) {
    expect([node.path, usage.value(node, index('processes'))]).toEqual([node.path, [...processesWithin(node)].length])
    expect([node.path, usage.value(node, index('threads'))]).toEqual([node.path, [...threadsWithin(node)].length])
  }
  for (const process of processesWithin(system)) {
    expect([process.path, usage.value(process, index('threads'))]).toEqual([process.path, process.threads.size])
    expect([process.path, usage.value(process, index('children'))]).toEqual([process.path, process.children.size])
  }
}

test('cpu-time never falls at any level, whichever process dies or moves', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(100), step), { maxLength: 40 }), (steps) => {
      const bench = new Bench()
      const history = new History(bench)
      const { usage, system } = bench.kernel
      const index = bench.index('cpu-time')
      const before = new Map<Node, number>()
      for (const [which, used, one] of steps) {
        bench.at(() => history.take(one))
        const threads = [...threadsWithin(system)]
        const thread = threads[which % Math.max(1, threads.length)]
        if (thread) bench.observe(thread, 'cpu-time', usage.value(thread, index) + used)
        for (const node of nodesOf(bench)) {
          const now = usage.value(node, index)
          expect(now).toBeGreaterThanOrEqual(before.get(node) ?? 0)
          before.set(node, now)
        }
      }
    }),
  )
})

test('a node that has ended has no counters; charging or reading it fails an assertion and never reaches another node', () => {
  const bench = new Bench()
  const process = bench.process(1)
  const thread = bench.thread(process, 1)
  bench.observe(process, 'fds', 5)
  bench.at(() => seen.processEnded(bench.kernel, process, { code: 0, signal: null }))
  const other = bench.process(2)
  bench.observe(other, 'fds', 7)
  for (const gone of [process, thread]) {
    const limit = gone === process ? 'fds' : 'stack'
    expect(bench.value(gone, limit)).toBeNull()
    expect(() => bench.kernel.usage.value(gone, bench.index(limit))).toThrow(/assertion failed/)
    expect(() => bench.observe(gone, limit, 1)).toThrow(/assertion failed/)
    expect(() => bench.capacity(gone, limit, 1)).toThrow(/assertion failed/)
    expect(() => bench.at(() => bench.kernel.usage.charge(gone, bench.index(limit), 1))).toThrow(/assertion failed/)
    expect(() => refusersOf(bench.kernel, { limit, node: gone, delta: 1 })).toThrow(/assertion failed/)
  }
  expect(bench.value(other, 'fds')).toBe(7)
})

test('a node that was read and ended within one change is not evaluated again, nor is the next user of its slot', () => {
  const bench = new Bench()
  const process = bench.process(1)
  const [gone, born] = bench.at(() => {
    const first = seen.threadAppeared(bench.kernel, process, { tid: 1, name: 't', since: 0 })
    measured.observe(bench.kernel, first, 'stack', { value: 90, at: 1 })
    seen.threadEnded(bench.kernel, first)
    const second = seen.threadAppeared(bench.kernel, process, { tid: 2, name: 't', since: 0 })
    measured.observe(bench.kernel, second, 'stack', { value: 20, at: 1 })
    return [first, second]
  })
  expect(bench.value(gone, 'stack')).toBeNull()
  for (const node of [born, process]) {
    expect(bench.kernel.usage.reading(node, bench.index('stack'), false)).toMatchObject({ value: 20, peak: 20 })
  }
})

test('a new node inherits nothing from the previous user of its slot', () => {
  const bench = new Bench()
  const parent = bench.process(1)
  for (let tid = 1; tid <= 3; tid++) {
    const process = bench.process(100 + tid, { partition: ['a'] })
    const thread = bench.thread(parent, tid)
    const { partition } = process
    const index = bench.index('stack')
    const fresh = { value: null, peak: null, capacity: null, unreadable: 0, estimated: 0, at: null }
    expect(bench.kernel.usage.reading(thread, index, false)).toEqual(fresh)
    expect(bench.kernel.usage.reading(process, bench.index('fds'), false)).toEqual(fresh)
    expect(bench.kernel.usage.reading(partition!, bench.index('fds'), false)).toEqual(fresh)
    expect(bench.kernel.usage.whyUnreadable(process, bench.index('fds'))).toBe(null)
    bench.observe(thread, 'stack', 50, true)
    bench.capacity(thread, 'stack', 100)
    bench.observe(process, 'fds', 9)
    bench.at(() => measured.unreadable(bench.kernel, process, 'fds', 'denied'))
    expect(bench.kernel.usage.whyUnreadable(process, bench.index('fds'))).toBe('denied')
    bench.at(() => {
      seen.threadEnded(bench.kernel, thread)
      seen.processEnded(bench.kernel, process, { code: 0, signal: null })
      seen.partitionEnded(bench.kernel, partition!)
    })
    expect(bench.kernel.usage.whyUnreadable(process, bench.index('fds'))).toBe(null)
  }
})

test('every limit exists at its home level, and sums at every level above it', () => {
  const rows: readonly LimitRow[] = limits
  for (const { name, at, home, adds } of rows) {
    expect([name, at.includes(home)]).toEqual([name, true])
    if (adds === 'sum' || adds === 'maximum') expect([name, at.includes('system')]).toEqual([name, true])
  }
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  // The positions of limits are bits of one number.
  expect(rows.length).toBeLessThanOrEqual(31)
})

test('recording the same reading again changes nothing and emits no event', () => {
  const bench = new Bench()
  const process = bench.process(1)
  bench.observe(process, 'fds', 5)
  bench.put(process, 'fds', 'x', { at: 5 })
  bench.takeEvents()
  for (let count = 0; count < 3; count++) bench.observe(process, 'fds', 5)
  expect(bench.takeEvents()).toEqual([])
})

test('a sum of more than 2^53 - 1 is shown as a lower bound, and is exact again when a part has left', () => {
  const bench = new Bench()
  const index = limits.findIndex(({ name }) => name === 'address-space')
  const processes = [1, 2, 3].map((pid) => bench.process(pid))
  const reading = () => bench.kernel.usage.reading(bench.kernel.system, index, false)
  for (const process of processes) bench.observe(process, 'address-space', 2 ** 52)
  expect(reading()).toMatchObject({ value: Number.MAX_SAFE_INTEGER, peak: Number.MAX_SAFE_INTEGER, unreadable: 1 })
  bench.observe(processes[0]!, 'address-space', 4096)
  bench.observe(processes[1]!, 'address-space', 4096)
  expect(reading()).toMatchObject({ value: 2 ** 52 + 8192, unreadable: 0 })
})

test('with processes that the source does not see, sums of the system are lower bounds, and other figures are not', () => {
  const bench = new Bench()
  const { kernel } = bench
  bench.observe(bench.process(1), 'fds', 3)
  const reading = (node: Node, limit: LimitName) =>
    kernel.usage.reading(
      node,
      limits.findIndex(({ name }) => name === limit),
      false,
    )
  kernel.usage.hasUnseen = true
  expect(reading(kernel.system, 'fds')).toMatchObject({ value: 3, unreadable: 1 })
  expect(reading(kernel.system, 'memory').unreadable).toBe(0)
  expect(reading(kernel.process(1), 'fds')).toMatchObject({ value: 3, unreadable: 0 })
})
