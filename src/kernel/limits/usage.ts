/**
 * Changes usage in the kernel: every change goes through this class, the hook. `observe` records a reading of a source,
 * and `charge` counts for a kernel call, a birth or a death. `settle` returns the guards that are due when the change
 * is complete, so that no threshold ever sees half of a change.
 */

import { assert } from '../errno.ts'
import type { Node } from '../nodes/node.ts'
import { Counting, maxima, noPart, reaches, sums } from './counting.ts'
import { Guard, guardOf, guardsOf } from './guard.ts'
import type { Level, LimitRow } from './limit-row.ts'
import { limits } from './table.ts'

const rows: readonly LimitRow[] = limits

/** Limits that are counted at a level and add up above it. A node takes these with it when it leaves. */
function carried(level: Level) {
  return rows.flatMap((row, index) => (row.at.includes(level) && (sums[index] || maxima[index]) ? [index] : []))
}

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
  /** Part of it could not be read, so the true value may be higher. */
  readonly lowerBound?: boolean
}

/** The complete counter of one limit at one node. */
export interface Held {
  readonly value: number
  readonly peak: number
  readonly capacity: number
  readonly at: number
  readonly known: number
  readonly unreadable: number
  readonly estimated: number
  /** The reason why it cannot be read. */
  readonly unavailable: string | null
}

export class Usage extends Counting {
  /** Gives a newborn node its counters, with no value known. Preconditions: its container has counters. */
  admit(node: Node): void {
    assert(node.slot < 0, 'a node is admitted once')
    node.above = node.parent?.slot ?? -1
    node.slot = this.of(node).take(node, node.above)
  }

  /** Frees the counters of a node that has ended. Preconditions: it has left, and nothing watches it. */
  release(node: Node): void {
    assert(node.slot >= 0 && node.guards === null, 'a released node has counters and no guards')
    this.of(node).giveBack(node.slot)
    this.reasons.delete(node)
    this.annotations.forget(node)
    node.slot = -1
    node.above = -1
  }

  /** Records a reading. At the limit's home level it moves all sums above by the difference. */
  observe(node: Node, index: number, { value, at, estimate = false, lowerBound = false }: ObservedValue): void {
    assert(Number.isSafeInteger(value), 'a reading is a whole number')
    assert(node.slot >= 0, 'a node with a reading has counters')
    const counters = this.of(node)
    counters.at[index]!.set(node.slot, at)
    const before = counters.known[index]![node.slot]!
    const delta = value - this.value(node, index)
    const estimates = Number(estimate) - counters.estimated[index]!.get(node.slot)
    const wasUnreadable = counters.unreadable[index]!.get(node.slot)
    const unread = Number(lowerBound) - wasUnreadable
    if (before === 1 && estimates === 0 && unread === 0) {
      if (delta !== 0) this.charge(node, index, delta)
      return
    }
    if (wasUnreadable > 0) this.reasons.get(node)?.delete(index)
    this.change(node, index, delta, 1 - before, unread, estimates)
  }

  /** Records that a limit cannot be read at this node at present. Its last reading no longer counts. */
  lose(node: Node, index: number, reason: string): void {
    assert(node.slot >= 0, 'a node that cannot be read has counters')
    const counters = this.of(node)
    this.#giveReason(node, index, reason)
    const unread = 1 - counters.unreadable[index]!.get(node.slot)
    const estimates = 0 - counters.estimated[index]!.get(node.slot)
    this.change(node, index, 0 - this.value(node, index), 0 - counters.known[index]![node.slot]!, unread, estimates)
  }

  /** The limit is not read at this node any more: its value becomes unknown. */
  forget(node: Node, index: number): void {
    const { known, unreadable, estimated, at } = this.of(node)
    const { slot } = node
    const wasKnown = known[index]![slot]!
    const wasUnreadable = unreadable[index]!.get(slot)
    if (wasKnown === 0 && wasUnreadable === 0) return
    this.reasons.get(node)?.delete(index)
    const value = 0 - this.value(node, index)
    this.change(node, index, value, 0 - wasKnown, 0 - wasUnreadable, 0 - estimated[index]!.get(slot))
    at[index]!.set(slot, 0)
  }

  #giveReason(node: Node, index: number, reason: string): void {
    const reasons = this.reasons.get(node) ?? new Map<number, string>()
    this.reasons.set(node, reasons.set(index, reason))
  }

  /** The node may have a finite capacity, which is not read yet. */
  awaitCapacity(node: Node, index: number): void {
    this.of(node).capacity[index]!.set(node.slot, Number.NaN)
  }

  /** @param capacity Infinity if the node has no finite capacity; NaN if it cannot be read at present. */
  observeCapacity(node: Node, index: number, capacity: number): void {
    if (Object.is(this.capacity(node, index), capacity)) return
    this.of(node).capacity[index]!.set(node.slot, capacity)
    node.revision++
    this.alert(node, index)
  }

  /** Subtracts the usage of a node from the containers above it, because it ended or is about to move. */
  leave(node: Node): void {
    this.#carry(node, -1)
  }

  /** The second half of a move: adds the usage of a node to its new containers. CPU time stays where it was used. */
  enter(node: Node): void {
    const above = node.parent?.slot ?? -1
    node.above = above
    if (node.level !== 'thread') this.containers.up[node.slot] = above
    this.#carry(node, 1)
  }

  /**
   * A node came below a container, or left it. A sum without readings is zero if the container is empty, else unknown.
   */
  populated(container: Node): void {
    for (let at: Node | null = container; at !== null; at = at.parent)
      for (const { index } of at.guards ?? []) if (this.of(at).known[index]![at.slot] === 0) this.alert(at, index)
  }

  /** Counts no changes at these nodes during a move, which subtracts usage from them and adds it again. */
  unseenBy(nodes: Iterable<Node>, move: () => void): void {
    const guards = [...nodes].flatMap(guardsOf)
    const before = guards.map(({ value, changes }) => ({ value, changes }))
    move()
    for (const [place, guard] of guards.entries()) {
      const { value, changes } = before[place]!
      guard.changes = changes + Number(guard.value !== value)
    }
  }

  held(node: Node, index: number): Held {
    assert(node.slot >= 0 && reaches[index]!.includes(node.level), 'a limit has a counter where it exists')
    const { peak, known, capacity, at, unreadable, estimated } = this.of(node)
    const { slot } = node
    return {
      value: this.value(node, index),
      peak: peak[index]![slot]!,
      known: known[index]![slot]!,
      capacity: capacity[index]!.get(slot),
      at: at[index]!.get(slot),
      unreadable: unreadable[index]!.get(slot),
      estimated: estimated[index]!.get(slot),
      unavailable: this.whyUnreadable(node, index),
    }
  }

  /**
   * Restores the counter of one limit at a node of a saved state. It adds nothing to the containers and emits no event.
   * Preconditions: no threshold watches there yet.
   */
  restore(node: Node, index: number, held: Held): void {
    assert(node.slot >= 0 && reaches[index]!.includes(node.level), 'a limit is restored where it exists')
    assert(node.guards === null, 'a restored node has no guards yet')
    const { slot } = node
    const counters = this.of(node)
    counters.peak[index]![slot] = held.peak
    counters.known[index]![slot] = held.known
    counters.room[index]![slot] = held.known > 0 || held.value !== 0 ? held.peak - held.value : Number.NaN
    counters.capacity[index]!.set(slot, held.capacity)
    counters.at[index]!.set(slot, held.at)
    counters.unreadable[index]!.set(slot, held.unreadable)
    counters.estimated[index]!.set(slot, held.estimated)
    if (held.unavailable !== null) this.#giveReason(node, index, held.unavailable)
  }

  /** Moves the value of this limit into a guard, which says when its thresholds have to be evaluated. */
  guard(node: Node, index: number): Guard {
    const there = guardOf(node, index)
    if (there !== null) return there
    const guard = new Guard(node, index, this.value(node, index))
    // In the order of the table, which is the order of the events when the node ends.
    node.guards = [...(node.guards ?? []), guard].sort((one, other) => one.index - other.index)
    this.of(node).room[index]![node.slot] = Number.NaN
    return guard
  }

  /** Preconditions: no threshold watches there any more. */
  unguard({ node, index, value }: Guard): void {
    const rest = (node.guards ?? []).filter((other) => other.index !== index)
    node.guards = rest.length === 0 ? null : rest
    const { room, peak, known } = this.of(node)
    const isKnown = known[index]![node.slot]! > 0 || value !== 0
    room[index]![node.slot] = isKnown ? peak[index]![node.slot]! - value : Number.NaN
  }

  #carry(node: Node, sign: 1 | -1): void {
    const { known, unreadable, estimated } = this.of(node)
    const { slot } = node
    for (const index of carriedBy[node.level]) {
      const reads = known[index]![slot]!
      const unread = sign * unreadable[index]!.get(slot)
      // Most nodes that come and go were never read, and hold nothing.
      if (reads === 0 && unread === 0) continue
      if (maxima[index]) {
        const held = reads > 0 ? this.value(node, index) : noPart
        const part = sign > 0 ? { before: noPart, after: held } : { before: held, after: noPart }
        this.raiseAbove(node, index, part, sign * reads, unread)
      } else if (rows[index]!.includesDead) this.shareAbove(node, index, 0, sign > 0 ? reads : 0, unread, 0)
      else {
        const estimates = sign * estimated[index]!.get(slot)
        this.shareAbove(node, index, sign * this.value(node, index), sign * reads, unread, estimates)
      }
    }
  }
}
