/**
 * The hook. Every change of usage in the kernel goes through this class: `observe` for what a source has read,
 * `charge` for what a kernel call or a birth or death adds. It keeps the sums of all levels, remembers what is to be
 * looked at, and hands that over when the change is complete (`settle`), so that no threshold ever sees half of it.
 */

import { assert } from '../errno.ts'
import type { Node } from '../nodes/node.ts'
import { processesWithin } from '../nodes/within.ts'
import { Guard, guardOf, guardsOf } from './guard.ts'
import { Readings } from './readings.ts'
import { type Level, type LimitRow, limits } from './table.ts'

const rows: readonly LimitRow[] = limits
const reaches: readonly (readonly Level[])[] = rows.map((row) => row.at)
const sums = rows.map((row) => row.adds === 'sum')
const maxima = rows.map((row) => row.adds === 'maximum')

/** Limits that are counted at a level and add up above it: what a node takes with it when it goes. */
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
  /** Part of it could not be read: there may be more. */
  readonly lowerBound?: boolean
}

/** All that is held of one limit at one node. */
export interface Held {
  readonly value: number
  readonly peak: number
  readonly capacity: number
  readonly at: number
  readonly known: number
  readonly unreadable: number
  readonly estimated: number
  /** Why it cannot be read. */
  readonly unavailable: string | null
}

/** What a part of a maximum held and holds; `none` where that is not known. */
interface Part {
  readonly before: number
  readonly after: number
}

const none = -1

const noGuards: readonly Guard[] = []

export class Usage extends Readings {
  #dirty: Node[] = []

  /** Gives a newborn node its counters: nothing in them is known. Preconditions: its container has some. */
  admit(node: Node): void {
    assert(node.slot < 0, 'a node is admitted once')
    node.above = node.parent?.slot ?? -1
    node.slot = this.of(node).take(node, node.above)
  }

  /** The node has ended: its counters are another's next. Preconditions: it has left, and nothing watches it. */
  release(node: Node): void {
    assert(node.slot >= 0 && node.guards === null, 'a node that is released is there, and nothing watches it')
    this.of(node).giveBack(node.slot)
    this.reasons.delete(node)
    node.slot = -1
    node.above = -1
  }

  /**
   * Adds to (or takes from) a count that the kernel keeps itself: it is always known. This is where all counting passes,
   * so it is flat: where nothing is armed, an addition and one comparison a level.
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
    assert(node.slot >= 0, 'what is read of is there')
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

  /** Records that a limit cannot be read at this node just now. What was last read no longer counts. */
  lose(node: Node, index: number, reason: string): void {
    assert(node.slot >= 0, 'what cannot be read is there')
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

  /** The node may have a finite capacity; it is yet to be read. */
  awaitCapacity(node: Node, index: number): void {
    this.of(node).capacity[index]!.set(node.slot, Number.NaN)
  }

  /** Infinity where the node has no finite capacity. */
  observeCapacity(node: Node, index: number, capacity: number): void {
    if (Object.is(this.capacity(node, index), capacity)) return
    this.of(node).capacity[index]!.set(node.slot, capacity)
    node.revision++
    this.#alert(node, index)
  }

  /** Takes all that a node holds out of the containers above it: it ended, or is about to move. */
  leave(node: Node): void {
    this.#carry(node, -1)
  }

  /** The other half of a move: adds what a node holds to its new containers. What never falls stays where it was used. */
  enter(node: Node): void {
    const above = node.parent?.slot ?? -1
    node.above = above
    if (node.level !== 'thread') this.containers.up[node.slot] = above
    this.#carry(node, 1)
  }

  /** Something came below a container, or left: a sum that has no reading is zero where it is empty, and else not known. */
  populated(container: Node): void {
    for (let at: Node | null = container; at !== null; at = at.parent)
      for (const { index } of at.guards ?? []) if (this.of(at).known[index]![at.slot] === 0) this.#alert(at, index)
  }

  /** To these nodes nothing happens: what a move takes out of them it puts in again. */
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
    assert(node.slot >= 0 && reaches[index]!.includes(node.level), 'what is held of a limit is held where it exists')
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
   * All that is held of one limit, of a node in a state that was saved: nothing is carried upwards, and nobody is told.
   * Preconditions: nothing watches there yet.
   */
  restore(node: Node, index: number, held: Held): void {
    assert(node.slot >= 0 && reaches[index]!.includes(node.level), 'a limit is restored where it exists')
    assert(node.guards === null, 'what is restored is not watched yet')
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

  /** Looks at everything that changed, peaks first. Returns what thresholds are to be evaluated on. */
  settle(): readonly Guard[] {
    const nodes = this.#dirty
    if (nodes.length === 0) return noGuards
    this.#dirty = []
    const due: Guard[] = []
    // What has ended meanwhile has no counters any more.
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

  /** From now on the node keeps this limit's value in a guard, which says when thresholds are to look. */
  guard(node: Node, index: number): Guard {
    const there = guardOf(node, index)
    if (there !== null) return there
    const guard = new Guard(node, index, this.value(node, index))
    // In the order of the table: that of what is told as the node ends.
    node.guards = [...(node.guards ?? []), guard].sort((one, other) => one.index - other.index)
    this.of(node).room[index]![node.slot] = Number.NaN
    return guard
  }

  /** Preconditions: nothing watches there any more. */
  unguard({ node, index, value }: Guard): void {
    const rest = (node.guards ?? []).filter((other) => other.index !== index)
    node.guards = rest.length === 0 ? null : rest
    const { room, peak, known } = this.of(node)
    const isKnown = known[index]![node.slot]! > 0 || value !== 0
    room[index]![node.slot] = isKnown ? peak[index]![node.slot]! - value : Number.NaN
  }

  // The four numbers of a share are handed on one by one: readings pass here by the thousand, and an object for each
  // would be most of their cost.
  #change(node: Node, index: number, value: number, known: number, unreadable: number, estimated: number): void {
    const { slot } = node
    assert(slot >= 0 && reaches[index]!.includes(node.level), 'a limit is counted where it exists, at what is there')
    const counters = this.of(node)
    const before = counters.known[index]![slot]! > 0 ? this.value(node, index) : none
    this.#shift(node, index, value)
    counters.known[index]![slot]! += known
    counters.unreadable[index]!.add(slot, unreadable)
    counters.estimated[index]!.add(slot, estimated)
    // What is not known any more is to be noticed when it is counted again, as the first time.
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

  /** A change of the value alone, wherever it is kept. */
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
      // Most of what comes and goes was never read: it held nothing.
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

  /** A maximum rises with a part at once. Where the greatest part shrinks or leaves, it is looked up when the change is complete. */
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

  /** A maximum that fell cannot be kept by differences: it is looked up anew, once for a whole change. */
  #takeMaximum(node: Node, index: number): void {
    const { known, stale } = this.containers
    stale[node.slot]! &= ~(1 << index)
    let most = 0
    for (const part of processesWithin(node))
      if (known[index]![part.slot]! > 0) most = Math.max(most, this.value(part, index))
    this.#shift(node, index, most - this.value(node, index))
  }

  /** Thresholds are to look, whatever the value: something else about it has changed. */
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
