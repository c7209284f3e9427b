/**
 * The hook. Every change of usage in the kernel goes through this class: `observe` for what a source has read,
 * `charge` for what a kernel call or a birth or death adds. It keeps the sums of all levels, remembers what
 * changed, and hands that over when the change is complete (`settle`), so that no threshold ever sees half of it.
 */

import { assert } from '../errno.ts'
import { containers, type Node } from '../objects/node.ts'
import { processesWithin } from '../objects/within.ts'
import type { Reading } from './counters.ts'
import { type Level, type LimitRow, limits } from './table.ts'

const rows: readonly LimitRow[] = limits
const reaches = rows.map((row) => new Set<Level>(row.at))
const sums = rows.map((row) => row.adds === 'sum')
const maxima = rows.map((row) => row.adds === 'maximum')

/** Limits that are counted at a level and add up above it: what a node takes with it when it goes. */
const carried = (level: Level) => rows.flatMap((row, index) => (row.at.includes(level) && sums[index] ? [index] : []))
const carriedBy: Record<Level, readonly number[]> = {
  thread: carried('thread'),
  process: carried('process'),
  partition: [],
  system: [],
}

interface Share {
  readonly value: number
  readonly known: number
  readonly unreadable: number
  readonly estimated: number
}

export class Usage {
  #dirty: Node[] = []

  /** Records a reading. At the limit's home level it moves all sums above by the difference. */
  observe(
    node: Node,
    index: number,
    { value, at, estimate = false }: { value: number; at: number; estimate?: boolean },
  ): void {
    assert(Number.isFinite(value), `a reading of ${rows[index]?.name} is a finite number`)
    const { counters } = node
    counters.at[index] = at
    const share = {
      value: value - counters.value[index]! * counters.known[index]!,
      known: 1 - counters.known[index]!,
      unreadable: 0 - counters.unreadable[index]!,
      estimated: Number(estimate) - counters.estimated[index]!,
    }
    if (share.value === 0 && share.known === 0 && share.estimated === 0) return
    node.unavailable.delete(index)
    this.#add(node, index, share)
  }

  /** Records that a limit cannot be read at this node just now. What was last read no longer counts. */
  lose(node: Node, index: number, reason: string): void {
    const { counters } = node
    node.unavailable.set(index, reason)
    const known = counters.known[index]!
    this.#add(node, index, {
      value: 0 - counters.value[index]! * known,
      known: 0 - known,
      unreadable: 1 - counters.unreadable[index]!,
      estimated: 0 - counters.estimated[index]!,
    })
  }

  /** Adds to (or takes from) a count that the kernel keeps itself: it is always known. */
  charge(node: Node, index: number, delta: number): void {
    const known = 1 - node.counters.known[index]!
    this.#add(node, index, { value: delta, known, unreadable: 0, estimated: 0 })
  }

  /** Infinity where the node has no finite capacity. */
  observeCapacity(node: Node, index: number, capacity: number): void {
    if (Object.is(node.counters.capacity[index], capacity)) return
    node.counters.capacity[index] = capacity
    this.#touch(node, index)
  }

  /** Takes all that a node holds out of the containers above it: it ended, or is about to move. */
  leave(node: Node): void {
    for (const index of carriedBy[node.level]) {
      const { value, known, unreadable, estimated } = node.counters
      if (rows[index]!.keepsDead)
        this.#addAbove(node, index, { value: 0, known: 0, unreadable: -unreadable[index]!, estimated: 0 })
      else {
        const share = {
          value: -value[index]!,
          known: -known[index]!,
          unreadable: -unreadable[index]!,
          estimated: -estimated[index]!,
        }
        this.#addAbove(node, index, share)
      }
    }
    for (const index of rows.keys()) if (maxima[index]) this.#addAbove(node, index, nothing)
  }

  /** The other half of a move: adds what a node holds to its new containers. What never falls stays where it was used. */
  enter(node: Node): void {
    for (const index of carriedBy[node.level]) {
      const { value, known, unreadable, estimated } = node.counters
      const keeps = rows[index]!.keepsDead
      this.#addAbove(node, index, {
        value: keeps ? 0 : value[index]!,
        known: known[index]!,
        unreadable: unreadable[index]!,
        estimated: keeps ? 0 : estimated[index]!,
      })
    }
  }

  /** Looks at everything that changed: peaks first, then `visit` for each changed limit of each node. */
  settle(visit: (node: Node, index: number) => void): void {
    const nodes = this.#dirty
    if (nodes.length === 0) return
    this.#dirty = []
    const changed: { node: Node; bits: number }[] = []
    for (const node of nodes) {
      changed.push({ node, bits: node.counters.dirty })
      node.counters.dirty = 0
    }
    for (const { node, bits } of changed) {
      for (let rest = bits; rest !== 0; rest &= rest - 1) {
        const index = 31 - Math.clz32(rest & -rest)
        if (maxima[index] && node.level !== rows[index]!.home) takeMaximum(node, index)
        const { value, peak, known } = node.counters
        if (known[index]! > 0 && value[index]! > peak[index]!) peak[index] = value[index]!
        if (node.watches[index] !== undefined) visit(node, index)
      }
    }
  }

  #add(node: Node, index: number, share: Share): void {
    apply(node, index, share)
    this.#touch(node, index)
    if (sums[index] || maxima[index]) this.#addAbove(node, index, share)
  }

  #addAbove(node: Node, index: number, share: Share): void {
    for (const container of containers(node)) {
      if (!reaches[index]!.has(container.level)) return
      if (sums[index]) apply(container, index, share)
      this.#touch(container, index)
    }
  }

  #touch(node: Node, index: number): void {
    const { counters } = node
    if (counters.dirty === 0) this.#dirty.push(node)
    counters.dirty |= 1 << index
  }
}

const nothing: Share = { value: 0, known: 0, unreadable: 0, estimated: 0 }

function apply({ counters }: Node, index: number, share: Share): void {
  counters.value[index]! += share.value
  counters.known[index]! += share.known
  counters.unreadable[index]! += share.unreadable
  counters.estimated[index]! += share.estimated
}

/** A maximum cannot be kept by differences: it is looked up anew, once for a whole change. */
function takeMaximum(node: Node, index: number): void {
  const { counters } = node
  counters.value[index] = 0
  counters.known[index] = 0
  counters.unreadable[index] = 0
  for (const { counters: part } of processesWithin(node)) {
    counters.known[index]! += part.known[index]!
    counters.unreadable[index]! += part.unreadable[index]!
    if (part.known[index]! > 0) counters.value[index] = Math.max(counters.value[index]!, part.value[index]!)
  }
}

/** A limit at a node, as it may be shown. `empty`: nothing lies below that could be counted, so a sum is truly zero. */
export function reading(node: Node, index: number, empty: boolean): Reading {
  const { counters } = node
  const known = counters.known[index]! > 0 || (empty && counters.unreadable[index] === 0)
  const capacity = counters.capacity[index]!
  return {
    value: known ? counters.value[index]! : null,
    peak: known ? counters.peak[index]! : null,
    capacity: Number.isFinite(capacity) ? capacity : null,
    unreadable: counters.unreadable[index]!,
    estimated: counters.estimated[index]!,
    at: counters.at[index]! > 0 ? Math.max(counters.at[index]!, node.confirmedAt) : null,
  }
}
