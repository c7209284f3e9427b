import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Kernel } from '../../src/kernel/kernel.ts'
import { type LimitName, type LimitRow, limitIndex, limits } from '../../src/kernel/limits/table.ts'
import type { Node } from '../../src/kernel/objects/node.ts'
import type { Partition } from '../../src/kernel/objects/partition.ts'
import type { Process } from '../../src/kernel/objects/process.ts'
import type { System } from '../../src/kernel/objects/system.ts'
import { partitionsWithin, processesWithin, threadsWithin } from '../../src/kernel/objects/within.ts'
import * as seen from '../../src/kernel/observations.ts'
import { Bench } from './support.ts'

/** What happens in a random history. Numbers choose among what there is at that time. */
const step = fc.oneof(
  fc.record({ what: fc.constant('birth' as const), where: fc.nat(3), parent: fc.nat(2) }),
  fc.record({ what: fc.constant('thread' as const), process: fc.nat(2) }),
  fc.record({ what: fc.constant('thread end' as const), process: fc.nat(2) }),
  fc.record({ what: fc.constant('end' as const), process: fc.nat(2) }),
  fc.record({ what: fc.constant('move' as const), process: fc.nat(2), where: fc.nat(3) }),
  fc.record({ what: fc.constant('fds' as const), process: fc.nat(2), value: fc.nat(1000) }),
  fc.record({ what: fc.constant('lose' as const), process: fc.nat(2) }),
  fc.record({ what: fc.constant('file' as const), process: fc.nat(2), value: fc.nat(1000) }),
  fc.record({ what: fc.constant('stack' as const), process: fc.nat(2), value: fc.nat(1000), estimate: fc.boolean() }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const places = [[], ['a'], ['a', 'b'], ['c']]

function take(bench: Bench, one: Step, ids: { next: number }): void {
  const { kernel } = bench
  const all = [...kernel.processes.values()]
  const container = (where: number) => seen.partitionAppeared(kernel, places[where]!)
  bench.at(() => {
    if (one.what === 'birth') {
      const pid = ids.next++
      const parentProcess = all[one.parent % Math.max(1, all.length)] ?? null
      const birth = { pid, identity: `x-${pid}`, started: 0, name: 'p', parentProcess, executable: null, uid: 0 }
      seen.processAppeared(kernel, { ...birth, container: container(one.where) })
      return
    }
    const process = all[one.process % Math.max(1, all.length)]
    if (process === undefined) return
    const [thread] = process.threads.values()
    if (one.what === 'thread') seen.threadAppeared(kernel, process, { tid: ids.next++, name: 't', since: 0 })
    else if (one.what === 'thread end' && thread) seen.threadEnded(kernel, thread)
    else if (one.what === 'end') seen.processEnded(kernel, process, { code: 0, signal: null })
    else if (one.what === 'move') seen.processMoved(kernel, process, container(one.where))
    else if (one.what === 'fds') seen.observe(kernel, process, 'fds', { value: one.value, at: 1 })
    else if (one.what === 'lose') seen.unreadable(kernel, process, 'fds', 'denied')
    else if (one.what === 'file') seen.observe(kernel, process, 'file-size', { value: one.value, at: 1 })
    else if (one.what === 'stack' && thread) {
      seen.observe(kernel, thread, 'stack', { value: one.value, at: 1, estimate: one.estimate })
    }
  })
}

const home = (node: Node, limit: 'fds' | 'stack'): Iterable<Node> =>
  limit === 'fds' ? processesWithin(node) : threadsWithin(node)

/** The same numbers, counted from the objects. */
function recount({ usage }: Kernel, node: System | Partition | Process): Record<string, number> {
  const total = (limit: 'fds' | 'stack', field: 'value' | 'unreadable' | 'estimated') => {
    const parts = node.level === 'process' && limit === 'fds' ? [node] : [...home(node, limit)]
    return parts.reduce((sum, part) => sum + (usage.reading(part, limitIndex[limit], false)[field] ?? 0), 0)
  }
  const processes = node.level === 'process' ? [node] : [...processesWithin(node)]
  const files = processes.map((process) => usage.value(process, limitIndex['file-size']))
  return {
    threads: processes.reduce((sum, { threads }) => sum + threads.size, 0),
    fds: total('fds', 'value'),
    fdsUnreadable: total('fds', 'unreadable'),
    stack: total('stack', 'value'),
    stackEstimated: total('stack', 'estimated'),
    file: Math.max(0, ...files),
    ...(node.level === 'process' ? { children: node.children.size } : { processes: processes.length }),
  }
}

function counted({ usage }: Kernel, node: System | Partition | Process): Record<string, number> {
  const of = (limit: LimitName) => usage.reading(node, limitIndex[limit], false)
  return {
    threads: of('threads').value ?? 0,
    fds: of('fds').value ?? 0,
    fdsUnreadable: of('fds').unreadable,
    stack: of('stack').value ?? 0,
    stackEstimated: of('stack').estimated,
    file: of('file-size').value ?? 0,
    ...(node.level === 'process' ? { children: of('children').value ?? 0 } : { processes: of('processes').value ?? 0 }),
  }
}

test('after any history every counter at every level equals a recount from the objects', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), (history) => {
      const bench = new Bench()
      const ids = { next: 1 }
      for (const one of history) {
        take(bench, one, ids)
        const { system, processes } = bench.kernel
        for (const node of [system, ...partitionsWithin(system), ...processes.values()]) {
          expect({ path: node.path, ...counted(bench.kernel, node) }).toEqual({
            path: node.path,
            ...recount(bench.kernel, node),
          })
        }
      }
    }),
  )
})

test('cpu-time never falls, at no level, whoever dies or moves', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(100), step), { maxLength: 40 }), (history) => {
      const bench = new Bench()
      const ids = { next: 1 }
      const before = new Map<string, number>()
      for (const [which, used, one] of history) {
        take(bench, one, ids)
        const threads = [...threadsWithin(bench.kernel.system)]
        const thread = threads[which % Math.max(1, threads.length)]
        if (thread) bench.observe(thread, 'cpu-time', bench.kernel.usage.value(thread, limitIndex['cpu-time']) + used)
        for (const node of [
          bench.kernel.system,
          ...partitionsWithin(bench.kernel.system),
          ...bench.kernel.processes.values(),
        ]) {
          const now = bench.kernel.usage.value(node, limitIndex['cpu-time'])
          expect(now).toBeGreaterThanOrEqual(before.get(node.path) ?? 0)
          before.set(node.path, now)
        }
      }
    }),
  )
})

test('every limit exists at its home level, and sums at every level above it', () => {
  const rows: readonly LimitRow[] = limits
  for (const { name, at, home, adds } of rows) {
    expect([name, at.includes(home)]).toEqual([name, true])
    if (adds === 'sum' || adds === 'maximum') expect([name, at.includes('system')]).toEqual([name, true])
  }
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  // Places are bits of one number.
  expect(rows.length).toBeLessThanOrEqual(31)
})

test('recording the same reading again changes nothing and is no event', () => {
  const bench = new Bench()
  const process = bench.process(1)
  bench.observe(process, 'fds', 5)
  bench.put(process, 'fds', 'x', { at: 5 })
  bench.told()
  for (let count = 0; count < 3; count++) bench.observe(process, 'fds', 5)
  expect(bench.told()).toEqual([])
})
