/**
 * The obvious design of counters, for comparison: each limit of each node is an object with plain fields, which is
 * changed by following the objects. It does the same job as the kernel's counters: sums over four levels, peaks,
 * thresholds that see only complete changes, capacities, and readings that may be unavailable. Objects are created on
 * first use.
 */

import type { LimitName } from '../../../src/kernel/limits/table.ts'

type ThreadLimit = 'stack' | 'stack-size' | 'cpu-time' | 'cpu' | 'mutexes'

class FieldCounter {
  value = 0
  peak = 0
  known = 0
  unreadable = 0
  estimated = 0
  capacity = Number.POSITIVE_INFINITY
  /** Unix time in ms. */
  at = 0
  /** Nearest values at which a threshold changes its state. */
  tripAt = Number.POSITIVE_INFINITY
  clearAt = Number.NEGATIVE_INFINITY
  watches: unknown[] | null = null
  changed = false
}

/** Limits of threads. Other limits are not compared. */
abstract class Counted {
  readonly stack = new FieldCounter()
  readonly 'stack-size' = new FieldCounter()
  readonly 'cpu-time' = new FieldCounter()
  readonly cpu = new FieldCounter()
  readonly mutexes = new FieldCounter()
  thresholds: Map<string, unknown> | null = null
  unavailable: Map<LimitName, string> | null = null
  revision = 0
  confirmedAt = 0
}

/** A process, a partition or the system. */
export class FieldNode extends Counted {
  readonly path: string
  readonly parent: FieldNode | null
  readonly threads = new Map<number, FieldThread>()

  constructor(path: string, parent: FieldNode | null) {
    super()
    this.path = path
    this.parent = parent
  }
}

export class FieldThread extends Counted {
  readonly path: string
  readonly parent: FieldNode
  readonly tid: number
  name: string
  priority: number | null = null
  condition: object

  constructor(parent: FieldNode, { tid, name, since }: { tid: number; name: string; since: number }) {
    super()
    this.path = `${parent.path}/thread/${tid}`
    this.parent = parent
    this.tid = tid
    this.name = name
    this.condition = { state: null, on: null, certain: true, why: 'not read yet', since }
  }
}

export class FieldUsage {
  readonly system: FieldNode
  readonly processes = new Map<number, FieldNode>()
  #changed: FieldCounter[] = []

  constructor(system: FieldNode) {
    this.system = system
  }

  charge(node: FieldThread, limit: ThreadLimit, delta: number): void {
    const learnt = 1 - node[limit].known
    for (let at: FieldThread | FieldNode | null = node; at !== null; at = at.parent) {
      const counter: FieldCounter = at[limit]
      counter.value += delta
      if (learnt !== 0) counter.known += learnt
      at.revision++
      const { value } = counter
      if (value > counter.peak || value >= counter.tripAt || value <= counter.clearAt) this.#mark(counter)
    }
  }

  settle(): void {
    const changed = this.#changed
    this.#changed = []
    for (const counter of changed) {
      counter.changed = false
      if (counter.value > counter.peak) counter.peak = counter.value
    }
  }

  #mark(counter: FieldCounter): void {
    if (counter.changed) return
    counter.changed = true
    this.#changed.push(counter)
  }
}
