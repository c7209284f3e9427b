/**
 * Changes usage in the kernel: every change goes through this class, the hook. `observe` records a reading of a source,
 * and `charge` counts for a kernel call, a birth or a death. It updates the sums of all levels and collects the guards
 * that are due. `settle` returns them when the change is complete, so that no threshold ever sees half of a change.
 */

import { assert } from '../errno.ts'
import type { Node } from '../nodes/node.ts'
import { processesWithin } from '../nodes/within.ts'
import { Guard, guardOf, guardsOf } from './guard.ts'
import type { Level, LimitRow } from './limit-row.ts'
import { Readings } from './readings.ts'
import { limits } from './table.ts'

const rows: readonly LimitRow[] = limits
const reaches: readonly (readonly Level[])[] = rows.map((row) => row.at)
const sums = rows.map((row) => row.adds === 'sum')
const maxima = rows.map((row) => row.adds === 'maximum')

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

/** The value of one part of a maximum before and after a change; `none` if not known. */
interface Part {
  readonly before: number
  readonly after: number
}

const none = -1

const noGuards: readonly Guard[] = []

export class Usage extends Readings {
  #dirty: Node[] = []

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

  /**
   * Adds to a count of the kernel itself, which is always known; a negative delta subtracts. All counting passes here,
   * so the code is flat: with nothing armed, one addition and one comparison per level.
   */
  charge(node: Node, index: number, delta: number): void {
    const counters = node.level === 'thread' ? this.threads : this.containers
    const room = counters.room[index]!
    const left = room[node.slot]! - delta
    if (left >= 0) room[node.slot] = left
    else if (counters.known[index]![node.slot]! > 0) this.#shift(node, index, delta)
    else {
      this.#change(node, index, delta, 1, 0, 0)
      return
    }
    node.revision++
    if (sums[index]) this.#chargeAbove(node, index, delta)
    else if (maxima[index]) {
      const after = this.value(node, index)
      this.#raiseAbove(node, index, { before: after - delta, after }, 0, 0)
    }
  }

  #chargeAbove(node: Node, index: number, delta: number): void {
    const { up, changes, nodes, room } = this.containers
    const rooms = room[index]!
    for (let at = node.above; at >= 0; at = up[at]!) {
      const left = rooms[at]! - delta
      if (left >= 0) rooms[at] = left
      else this.#shift(nodes[at]!, index, delta)
      changes[at]!++
    }
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
    this.#change(node, index, delta, 1 - before, unread, estimates)
  }

  /** Records that a limit cannot be read at this node at present. Its last reading no longer counts. */
  lose(node: Node, index: number, reason: string): void {
    assert(node.slot >= 0, 'a node that cannot be read has counters')
    const counters = this.of(node)
    this.#giveReason(node, index, reason)
    const unread = 1 - counters.unreadable[index]!.get(node.slot)
    const estimates = 0 - counters.estimated[index]!.get(node.slot)
    this.#change(node, index, 0 - this.value(node, index), 0 - counters.known[index]![node.slot]!, unread, estimates)
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
    this.#alert(node, index)
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
      for (const { index } of at.guards ?? []) if (this.of(at).known[index]![at.slot] === 0) this.#alert(at, index)
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

  /** Updates the peaks of everything that changed. @returns The guards whose thresholds have to be evaluated. */
  settle(): readonly Guard[] {
    const nodes = this.#dirty
    if (nodes.length === 0) return noGuards
    this.#dirty = []
    const due: Guard[] = []
    // A node that ended in the same change has no counters any more.
    for (const node of nodes) if (node.slot >= 0) this.#settleNode(node, due)
    return due
  }

  #settleNode(node: Node, due: Guard[]): void {
    const { dirty, stale, peak, known, room } = this.of(node)
    const { slot } = node
    const bits = dirty[slot]!
    dirty[slot] = 0
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      const index = 31 - Math.clz32(rest & -rest)
      if ((stale[slot]! & (rest & -rest)) !== 0) this.#takeMaximum(node, index)
      const guard = guardOf(node, index)
      const value = this.value(node, index)
      if (known[index]![slot]! > 0 && value > peak[index]![slot]!) {
        peak[index]![slot] = value
        if (guard === null) room[index]![slot] = 0
      }
      if (guard?.isDue) due.push(guard)
    }
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

  // The four numbers are separate arguments, because thousands of readings pass here and an object for each would be
  // most of the cost.
  #change(node: Node, index: number, value: number, known: number, unreadable: number, estimated: number): void {
    const { slot } = node
    assert(slot >= 0 && reaches[index]!.includes(node.level), 'a limit is counted at a node that has it')
    const counters = this.of(node)
    const before = counters.known[index]![slot]! > 0 ? this.value(node, index) : none
    this.#shift(node, index, value)
    counters.known[index]![slot]! += known
    counters.unreadable[index]!.add(slot, unreadable)
    counters.estimated[index]!.add(slot, estimated)
    // An unknown value has no room, so that its next count is noticed like the first one.
    if (counters.known[index]![slot] === 0) counters.room[index]![slot] = Number.NaN
    node.revision++
    this.#alert(node, index)
    if (sums[index]) this.#shareAbove(node, index, value, known, unreadable, estimated)
    else if (maxima[index]) {
      const after = counters.known[index]![slot]! > 0 ? this.value(node, index) : none
      this.#raiseAbove(node, index, { before, after }, known, unreadable)
    }
  }

  #shareAbove(node: Node, index: number, value: number, reads: number, unread: number, estimates: number): void {
    const { up, changes, nodes, room, known, unreadable, estimated } = this.containers
    const rooms = room[index]!
    for (let at = node.above; at >= 0; at = up[at]!) {
      known[index]![at]! += reads
      unreadable[index]!.add(at, unread)
      estimated[index]!.add(at, estimates)
      const left = rooms[at]! - value
      if (left >= 0) rooms[at] = left
      else {
        this.#shift(nodes[at]!, index, value)
        this.#alert(nodes[at]!, index)
      }
      changes[at]!++
    }
  }

  /** Changes the value alone, in the guard if there is one. */
  #shift(node: Node, index: number, delta: number): void {
    const { room, peak } = this.of(node)
    const { slot } = node
    const guard = guardOf(node, index)
    if (guard !== null) {
      guard.value += delta
      if (delta !== 0) guard.changes++
      if (guard.isDue || guard.value > peak[index]![slot]!) this.#mark(node, index)
      return
    }
    const before = room[index]![slot]!
    const left = (Number.isNaN(before) ? peak[index]![slot]! : before) - delta
    room[index]![slot] = left
    if (left < 0) this.#mark(node, index)
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
        const held = reads > 0 ? this.value(node, index) : none
        const part = sign > 0 ? { before: none, after: held } : { before: held, after: none }
        this.#raiseAbove(node, index, part, sign * reads, unread)
      } else if (rows[index]!.includesDead) this.#shareAbove(node, index, 0, sign > 0 ? reads : 0, unread, 0)
      else {
        const estimates = sign * estimated[index]!.get(slot)
        this.#shareAbove(node, index, sign * this.value(node, index), sign * reads, unread, estimates)
      }
    }
  }

  /**
   * A maximum rises with a part at once. If its largest part shrinks or leaves, it is recomputed at the end of the
   * change.
   */
  #raiseAbove(node: Node, index: number, { before, after }: Part, reads: number, unread: number): void {
    const { up, changes, nodes, known, unreadable, stale } = this.containers
    for (let at = node.above; at >= 0; at = up[at]!) {
      const container = nodes[at]!
      const most = this.value(container, index)
      known[index]![at]! += reads
      unreadable[index]!.add(at, unread)
      if (after > most) this.#shift(container, index, after - most)
      else if (after < before && before > 0 && before === most) {
        stale[at]! |= 1 << index
        this.#mark(container, index)
      }
      if (reads !== 0 || unread !== 0) this.#alert(container, index)
      changes[at]!++
    }
  }

  /** Recomputes a maximum that may have fallen, once for a whole change, because differences cannot give it. */
  #takeMaximum(node: Node, index: number): void {
    const { known, stale } = this.containers
    stale[node.slot]! &= ~(1 << index)
    let most = 0
    for (const part of processesWithin(node))
      if (known[index]![part.slot]! > 0) most = Math.max(most, this.value(part, index))
    this.#shift(node, index, most - this.value(node, index))
  }

  /** Has the thresholds evaluated whatever the value is, because something else about it has changed. */
  #alert(node: Node, index: number): void {
    const guard = guardOf(node, index)
    if (guard === null) return
    guard.alert()
    this.#mark(node, index)
  }

  #mark(node: Node, index: number): void {
    const { dirty } = this.of(node)
    if (dirty[node.slot] === 0) this.#dirty.push(node)
    dirty[node.slot]! |= 1 << index
  }
}
