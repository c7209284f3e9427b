/**
 * The hook. Every change of usage in the kernel goes through this class: `observe` for what a source has read,
 * `charge` for what a kernel call or a birth or death adds. It keeps the sums of all levels, remembers what
 * changed, and hands that over when the change is complete (`settle`), so that no threshold ever sees half of it.
 */

import { assert } from '../errno.ts'
import type { Node } from '../objects/node.ts'
import { processesWithin } from '../objects/within.ts'
import type { Counters, Reading } from './counters.ts'
import { type Level, type LimitRow, limits } from './table.ts'

const rows: readonly LimitRow[] = limits
const reaches: readonly (readonly Level[])[] = rows.map((row) => row.at)
const sums = rows.map((row) => row.adds === 'sum')
const maxima = rows.map((row) => row.adds === 'maximum')
const carries = rows.map((_, index) => sums[index] || maxima[index])

/** Limits that are counted at a level and add up above it: what a node takes with it when it goes. */
const carried = (level: Level) =>
  rows.flatMap((row, index) => (row.at.includes(level) && carries[index] ? [index] : []))
const carriedBy: Record<Level, readonly number[]> = {
  thread: carried('thread'),
  process: carried('process'),
  partition: [],
  system: [],
}

export interface ObservedValue {
  readonly value: number
  /** ms of Unix time. */
  readonly at: number
  /** A high-water mark. */
  readonly estimate?: boolean
  /** Part of it could not be read: there may be more. */
  readonly lowerBound?: boolean
}

/** What is held of one limit at one node, as the counters have it. */
export interface Held {
  readonly value: number
  readonly peak: number
  readonly capacity: number
  readonly at: number
  readonly known: number
  readonly unreadable: number
  readonly estimated: number
}

export const heldBy = ({ counters }: Node, index: number): Held => ({
  value: counters.value[index]!,
  peak: counters.peak[index]!,
  capacity: counters.capacity[index]!,
  at: counters.at[index]!,
  known: counters.known[index]!,
  unreadable: counters.unreadable[index]!,
  estimated: counters.estimated[index]!,
})

/** What a part of a maximum held and holds; `none` where that is not known. */
interface Part {
  readonly before: number
  readonly after: number
}

const none = -1

export class Usage {
  #dirty: Node[] = []

  /** Records a reading. At the limit's home level it moves all sums above by the difference. */
  observe(node: Node, index: number, { value, at, estimate = false, lowerBound = false }: ObservedValue): void {
    assert(Number.isFinite(value), `a reading of ${rows[index]?.name} is a finite number`)
    const { counters } = node
    counters.at[index] = at
    const before = counters.known[index]!
    const delta = value - counters.value[index]! * before
    const estimates = Number(estimate) - counters.estimated[index]!
    const unread = Number(lowerBound) - counters.unreadable[index]!
    if (delta === 0 && before === 1 && estimates === 0 && unread === 0) return
    node.unavailable.delete(index)
    this.#add(node, index, delta, 1 - before, unread, estimates)
  }

  /** Records that a limit cannot be read at this node just now. What was last read no longer counts. */
  lose(node: Node, index: number, reason: string): void {
    const { counters } = node
    node.unavailable.set(index, reason)
    const known = counters.known[index]!
    const value = counters.value[index]! * known
    this.#add(node, index, 0 - value, 0 - known, 1 - counters.unreadable[index]!, 0 - counters.estimated[index]!)
  }

  /** Adds to (or takes from) a count that the kernel keeps itself: it is always known. */
  charge(node: Node, index: number, delta: number): void {
    // Of processes a partition knows its own and those of the partitions in it: more than one part may be known.
    this.#add(node, index, delta, node.counters.known[index]! > 0 ? 0 : 1, 0, 0)
  }

  /** The smallest container that would hold more than its capacity; null where all have room. */
  refusal(node: Node, index: number, delta: number): Node | null {
    for (let at: Node | null = node; at !== null; at = at.parent) {
      if (!reaches[index]!.includes(at.level)) return null
      if (at !== node && !sums[index]) return null
      const { value, capacity } = at.counters
      if (value[index]! + delta > capacity[index]!) return at
    }
    return null
  }

  /** The node may have a finite capacity; it is yet to be read. */
  awaitCapacity({ counters }: Node, index: number): void {
    counters.capacity[index] = Number.NaN
  }

  /** Infinity where the node has no finite capacity. */
  observeCapacity(node: Node, index: number, capacity: number): void {
    if (Object.is(node.counters.capacity[index], capacity)) return
    node.counters.capacity[index] = capacity
    this.#touch(node, index)
  }

  /** Takes all that a node holds out of the containers above it: it ended, or is about to move. */
  leave(node: Node): void {
    this.#carry(node, -1)
  }

  /** The other half of a move: adds what a node holds to its new containers. What never falls stays where it was used. */
  enter(node: Node): void {
    this.#carry(node, 1)
  }

  /** All that is held of one limit, of a node in a state that was saved: nothing is carried upwards, and nobody is told. */
  restore({ counters }: Node, index: number, held: Held): void {
    counters.value[index] = held.value
    counters.peak[index] = held.peak
    counters.capacity[index] = held.capacity
    counters.at[index] = held.at
    counters.known[index] = held.known
    counters.unreadable[index] = held.unreadable
    counters.estimated[index] = held.estimated
  }

  /** Looks at everything that changed: peaks first, then `visit` for each watched limit that changed. `visit` changes no usage. */
  settle(visit: (node: Node, index: number) => void): void {
    const nodes = this.#dirty
    if (nodes.length === 0) return
    this.#dirty = []
    for (const node of nodes) {
      const bits = node.counters.dirty
      node.counters.dirty = 0
      for (let rest = bits; rest !== 0; rest &= rest - 1) {
        const index = 31 - Math.clz32(rest & -rest)
        if ((node.counters.stale & (1 << index)) !== 0) takeMaximum(node, index)
        const { value, peak, known } = node.counters
        if (known[index]! > 0 && value[index]! > peak[index]!) peak[index] = value[index]!
        if (node.watches[index] !== undefined) visit(node, index)
      }
    }
  }

  #carry(node: Node, sign: 1 | -1): void {
    const { value, known, unreadable, estimated } = node.counters
    for (const index of carriedBy[node.level]) {
      // Most of what comes and goes was never read: it held nothing.
      if (known[index] === 0 && unreadable[index] === 0) continue
      const unread = sign * unreadable[index]!
      if (maxima[index]) {
        const held = known[index]! > 0 ? value[index]! : none
        const [before, after] = sign > 0 ? [none, held] : [held, none]
        this.#raiseAbove(node, index, { before, after }, sign * known[index]!, unread)
      } else if (!rows[index]!.keepsDead) {
        this.#addAbove(node, index, sign * value[index]!, sign * known[index]!, unread, sign * estimated[index]!)
      } else this.#addAbove(node, index, 0, sign > 0 ? known[index]! : 0, unread, 0)
    }
  }

  // The four numbers of a share are handed on one by one: this is where all counting passes, and an object for each
  // would be most of its cost.
  #add(node: Node, index: number, value: number, known: number, unreadable: number, estimated: number): void {
    const { counters } = node
    const before = counters.known[index]! > 0 ? counters.value[index]! : none
    apply(counters, index, value, known, unreadable, estimated)
    this.#touch(node, index)
    if (sums[index]) this.#addAbove(node, index, value, known, unreadable, estimated)
    else if (maxima[index]) {
      const after = counters.known[index]! > 0 ? counters.value[index]! : none
      this.#raiseAbove(node, index, { before, after }, known, unreadable)
    }
  }

  /** A maximum rises with a part at once. Where the greatest part shrinks or leaves, it is looked up when the change is complete. */
  #raiseAbove(node: Node, index: number, { before, after }: Part, known: number, unreadable: number): void {
    for (let container = node.parent; container !== null; container = container.parent) {
      if (!reaches[index]!.includes(container.level)) return
      const { counters } = container
      apply(counters, index, 0, known, unreadable, 0)
      this.#touch(container, index)
      if (after > counters.value[index]!) counters.value[index] = after
      else if (after < before && before > 0 && before === counters.value[index]) counters.stale |= 1 << index
    }
  }

  #addAbove(node: Node, index: number, value: number, known: number, unreadable: number, estimated: number): void {
    for (let container = node.parent; container !== null; container = container.parent) {
      if (!reaches[index]!.includes(container.level)) return
      apply(container.counters, index, value, known, unreadable, estimated)
      this.#touch(container, index)
    }
  }

  #touch(node: Node, index: number): void {
    const { counters } = node
    node.revision++
    if (counters.dirty === 0) this.#dirty.push(node)
    counters.dirty |= 1 << index
  }
}

function apply(
  counters: Counters,
  index: number,
  value: number,
  known: number,
  unreadable: number,
  estimated: number,
): void {
  counters.value[index]! += value
  counters.known[index]! += known
  counters.unreadable[index]! += unreadable
  counters.estimated[index]! += estimated
}

/** A maximum that fell cannot be kept by differences: it is looked up anew, once for a whole change. */
function takeMaximum(node: Node, index: number): void {
  const { counters } = node
  counters.stale &= ~(1 << index)
  counters.value[index] = 0
  for (const { counters: part } of processesWithin(node))
    if (part.known[index]! > 0) counters.value[index] = Math.max(counters.value[index]!, part.value[index]!)
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
