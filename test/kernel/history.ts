/** Random histories of a kernel, with an independent record of the existing nodes and their last readings. */

import fc from 'fast-check'
import type { LimitName } from '../../src/kernel/limits/table.ts'
import type { Node } from '../../src/kernel/nodes/node.ts'
import type { Partition } from '../../src/kernel/nodes/partition.ts'
import type { Process } from '../../src/kernel/nodes/process.ts'
import type { System } from '../../src/kernel/nodes/system.ts'
import type { Thread } from '../../src/kernel/nodes/thread.ts'
import * as seen from '../../src/kernel/observations.ts'
import * as measured from '../../src/kernel/observed-usage.ts'
import type { Bench } from './support.ts'

const process = fc.nat(2)
const where = fc.nat(3)
/** A small range, so that values repeat and often hit the exact point of a threshold. */
const value = fc.nat(12)

const often = <T>(arbitrary: fc.Arbitrary<T>): fc.WeightedArbitrary<T> => ({ weight: 4, arbitrary })

/** One change. Its numbers choose among the nodes that exist at that time. */
export const step = fc.oneof(
  fc.record({ what: fc.constant('birth' as const), where, parent: fc.nat(2) }),
  fc.record({ what: fc.constant('thread' as const), process }),
  fc.record({ what: fc.constant('thread end' as const), process }),
  fc.record({ what: fc.constant('end' as const), process }),
  fc.record({ what: fc.constant('move' as const), process, where }),
  fc.record({ what: fc.constant('rename' as const), process, name: fc.constantFrom('p', 'q') }),
  fc.record({ what: fc.constant('sweep' as const) }),
  fc.record({
    what: fc.constant('lose' as const),
    process,
    limit: fc.constantFrom('fds' as const, 'connections' as const),
  }),
  fc.record({ what: fc.constant('capacity' as const), process, value: fc.option(fc.nat(20), { nil: null }) }),
  often(fc.record({ what: fc.constant('fds' as const), process, value })),
  often(fc.record({ what: fc.constant('file' as const), process, value })),
  often(fc.record({ what: fc.constant('stack' as const), process, value, estimate: fc.boolean() })),
  often(fc.record({ what: fc.constant('connections' as const), process, delta: fc.integer({ min: -6, max: 6 }) })),
  often(fc.record({ what: fc.constant('mutexes' as const), process, delta: fc.integer({ min: -5, max: 5 }) })),
)
export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const places = [[], ['a'], ['a', 'b'], ['c']]

export interface Held {
  value: number
  known: boolean
  unreadable: boolean
  estimated: boolean
}

export class History {
  readonly bench: Bench
  /** Usage held by each existing node, for each limit at its home level. */
  readonly held = new Map<Process | Thread, Map<LimitName, Held>>()
  #nextId = 1

  constructor(bench: Bench) {
    this.bench = bench
  }

  /** Starts with two processes of two threads each. */
  begin(): void {
    for (const where of [2, 3]) {
      this.take({ what: 'birth', where, parent: 0 })
      for (let count = 0; count < 2; count++) this.take({ what: 'thread', process: this.processes.length - 1 })
    }
  }

  get processes(): Process[] {
    return [...this.held.keys()].filter((node) => node.level === 'process')
  }

  holds(node: Process | Thread, limit: LimitName): Held {
    const none = { value: 0, known: false, unreadable: false, estimated: false }
    return this.held.get(node)?.get(limit) ?? none
  }

  /** Preconditions: inside an update. @returns the nodes that ended, and those that moved. */
  take(one: Step): { ended: Node[]; moved: Node[] } {
    const { kernel } = this.bench
    const nothing = { ended: [], moved: [] }
    if (one.what === 'sweep') return { ended: this.#sweep(), moved: [] }
    const all = this.processes
    if (one.what === 'birth') {
      const pid = this.#nextId++
      const parentProcess = all[one.parent % Math.max(1, all.length)] ?? null
      const birth = { pid, identity: `x-${pid}`, started: 0, name: 'p', parentProcess, executable: null, uid: 0 }
      this.held.set(seen.processAppeared(kernel, { ...birth, container: this.#container(one.where) }), new Map())
      return nothing
    }
    const process = all[one.process % Math.max(1, all.length)]
    if (process === undefined) return nothing
    if (one.what === 'end') {
      const ended = [...process.threads.values(), process]
      seen.processEnded(kernel, process, { code: 0, signal: null })
      for (const node of ended) this.held.delete(node)
      return { ended, moved: [] }
    }
    if (one.what === 'move') {
      const container = this.#container(one.where)
      const moved = container === process.container ? [] : [...process.threads.values(), process]
      seen.processMoved(kernel, process, container)
      return { ended: [], moved }
    }
    if (one.what === 'rename') {
      if (process.name === one.name) return nothing
      seen.processChanged(kernel, process, 'name', { name: one.name })
      return { ended: [], moved: [...process.threads.values(), process] }
    }
    return { ended: this.#change(process, one), moved: [] }
  }

  #change(process: Process, one: Exclude<Step, { what: 'birth' | 'end' | 'move' | 'rename' | 'sweep' }>): Node[] {
    const { kernel } = this.bench
    const [thread] = process.threads.values()
    switch (one.what) {
      case 'thread': {
        const born = seen.threadAppeared(kernel, process, { tid: this.#nextId++, name: 't', since: 0 })
        this.held.set(born, new Map())
        return []
      }
      case 'thread end':
        if (thread === undefined) return []
        seen.threadEnded(kernel, thread)
        this.held.delete(thread)
        return [thread]
      case 'fds':
        this.#read(process, 'fds', one.value)
        return []
      case 'file':
        this.#read(process, 'file-size', one.value)
        return []
      case 'stack':
        if (thread !== undefined) this.#read(thread, 'stack', one.value, one.estimate)
        return []
      case 'lose':
        measured.unreadable(kernel, process, one.limit, 'denied')
        this.#hold(process, one.limit, { value: 0, known: false, unreadable: true, estimated: false })
        return []
      case 'connections':
        this.#charge(process, 'connections', one.delta)
        return []
      case 'mutexes':
        if (thread !== undefined) this.#charge(thread, 'mutexes', one.delta)
        return []
      case 'capacity':
        measured.observeCapacity(kernel, process, 'fds', one.value ?? Number.POSITIVE_INFINITY)
        return []
    }
  }

  #read(node: Process | Thread, limit: LimitName, value: number, estimated = false): void {
    measured.observe(this.bench.kernel, node, limit, { value, at: 1, estimate: estimated })
    this.#hold(node, limit, { value, known: true, unreadable: false, estimated })
  }

  /** No count falls below zero. A count that could not be read is known from here on, as a lower bound. */
  #charge(node: Process | Thread, limit: LimitName, delta: number): void {
    const { value, unreadable } = this.holds(node, limit)
    const real = Math.max(delta, -value)
    this.bench.kernel.usage.charge(node, this.bench.index(limit), real)
    this.#hold(node, limit, { value: value + real, known: true, unreadable, estimated: false })
  }

  #hold(node: Process | Thread, limit: LimitName, held: Held): void {
    this.held.get(node)?.set(limit, held)
  }

  /** Ends the empty partitions, the deepest first. */
  #sweep(): Node[] {
    const ended: Node[] = []
    for (const names of [['a', 'b'], ['a'], ['c']]) {
      const partition = this.bench.kernel.partition(names)
      if (partition === null || partition.members.size > 0 || partition.partitions.size > 0) continue
      seen.partitionEnded(this.bench.kernel, partition)
      ended.push(partition)
    }
    return ended
  }

  #container(where: number): Partition | System {
    return seen.partitionAppeared(this.bench.kernel, places[where]!)
  }
}
