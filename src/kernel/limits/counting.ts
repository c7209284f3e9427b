/**
 * Counts: adds a change of usage to a node and to all levels above it, and collects the guards that are due. It is the
 * lower half of the hook (`usage.ts`), which says what a change is.
 */

import { assert } from '../errno.ts'
import type { Node } from '../nodes/node.ts'
import { processesWithin } from '../nodes/within.ts'
import { type Guard, guardOf } from './guard.ts'
import type { Level, LimitRow } from './limit-row.ts'
import { Readings } from './readings.ts'
import { limits } from './table.ts'

const rows: readonly LimitRow[] = limits
/** By the place of the limit: the levels that have it, and whether it adds up as a sum or as a maximum. */
export const reaches: readonly (readonly Level[])[] = rows.map((row) => row.at)
export const sums = rows.map((row) => row.adds === 'sum')
export const maxima = rows.map((row) => row.adds === 'maximum')

/** The value of one part of a maximum before and after a change; `noPart` if not known. */
interface Part {
  readonly before: number
  readonly after: number
}

export const noPart = -1

const noGuards: readonly Guard[] = []

export abstract class Counting extends Readings {
  #dirty: Node[] = []

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
      this.change(node, index, delta, 1, 0, 0)
      return
    }
    node.revision++
    if (sums[index]) this.#chargeAbove(node, index, delta)
    else if (maxima[index]) {
      const after = this.value(node, index)
      this.raiseAbove(node, index, { before: after - delta, after }, 0, 0)
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

  // The four numbers are separate arguments, because thousands of readings pass here and an object for each would be
  // most of the cost.
  protected change(
    node: Node,
    index: number,
    value: number,
    known: number,
    unreadable: number,
    estimated: number,
  ): void {
    const { slot } = node
    assert(slot >= 0 && reaches[index]!.includes(node.level), 'a limit is counted at a node that has it')
    const counters = this.of(node)
    const before = counters.known[index]![slot]! > 0 ? this.value(node, index) : noPart
    this.#shift(node, index, value)
    counters.known[index]![slot]! += known
    counters.unreadable[index]!.add(slot, unreadable)
    counters.estimated[index]!.add(slot, estimated)
    // An unknown value has no room, so that its next count is noticed like the first one.
    if (counters.known[index]![slot] === 0) counters.room[index]![slot] = Number.NaN
    node.revision++
    this.alert(node, index)
    if (sums[index]) this.shareAbove(node, index, value, known, unreadable, estimated)
    else if (maxima[index]) {
      const after = counters.known[index]![slot]! > 0 ? this.value(node, index) : noPart
      this.raiseAbove(node, index, { before, after }, known, unreadable)
    }
  }

  protected shareAbove(
    node: Node,
    index: number,
    value: number,
    reads: number,
    unread: number,
    estimates: number,
  ): void {
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
        this.alert(nodes[at]!, index)
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

  /**
   * A maximum rises with a part at once. If its largest part shrinks or leaves, it is recomputed at the end of the
   * change.
   */
  protected raiseAbove(node: Node, index: number, { before, after }: Part, reads: number, unread: number): void {
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
      if (reads !== 0 || unread !== 0) this.alert(container, index)
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
  protected alert(node: Node, index: number): void {
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
