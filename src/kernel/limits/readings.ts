/** What the counters say: a value, a capacity, a whole reading. It writes nothing. */

import { assert } from '../errno.ts'
import type { Node } from '../nodes/node.ts'
import { Counters } from './counters.ts'
import { guardOf } from './guard.ts'

/** One limit at one node, as it may be shown. */
export interface Reading {
  /** Null: not known. */
  readonly value: number | null
  readonly peak: number | null
  /** Null: none, or not known. */
  readonly capacity: number | null
  /** Parts of a sum that cannot be read: the value is a lower bound. */
  readonly unreadable: number
  /** Parts that are high-water marks: the value is an upper bound. */
  readonly estimated: number
  /** ms of Unix time; null before the first reading. */
  readonly at: number | null
}

export const nothingKnown: Reading = {
  value: null,
  peak: null,
  capacity: null,
  unreadable: 0,
  estimated: 0,
  at: null,
}

export abstract class Readings {
  protected readonly threads = new Counters({ ofThreads: true })
  protected readonly containers = new Counters({ ofThreads: false })
  /** Why a limit that others have cannot be read at a node. */
  protected readonly reasons = new Map<Node, Map<number, string>>()

  value(node: Node, index: number): number {
    assert(node.slot >= 0, 'what is counted at is there')
    const { room, peak } = this.of(node)
    const left = room[index]![node.slot]!
    return Number.isNaN(left) ? (guardOf(node, index)?.value ?? 0) : peak[index]![node.slot]! - left
  }

  /** Infinity: no finite one; NaN: there may be one, not known yet. */
  capacity(node: Node, index: number): number {
    assert(node.slot >= 0, 'what has a capacity is there')
    return this.of(node).capacity[index]!.get(node.slot)
  }

  /** A limit at a node, as it may be shown. `empty`: nothing lies below that could be counted, so a sum is truly zero. */
  reading(node: Node, index: number, empty: boolean): Reading {
    const value = this.value(node, index)
    const counters = this.of(node)
    const { slot } = node
    const unreadable = counters.unreadable[index]!.get(slot)
    const known = counters.known[index]![slot]! > 0 || (empty && unreadable === 0)
    const capacity = this.capacity(node, index)
    const at = counters.at[index]!.get(slot)
    return {
      value: known ? value : null,
      peak: known ? counters.peak[index]![slot]! : null,
      capacity: Number.isFinite(capacity) ? capacity : null,
      unreadable,
      estimated: counters.estimated[index]!.get(slot),
      at: at > 0 ? Math.max(at, node.confirmedAt) : null,
    }
  }

  /** The highest that a limit has been known to be; null where it never was. */
  peak(node: Node, index: number): number | null {
    assert(node.slot >= 0, 'what has a peak is there')
    const { known, peak } = this.of(node)
    const highest = peak[index]![node.slot]!
    return known[index]![node.slot]! > 0 || highest > 0 ? highest : null
  }

  /** Counts up with each change of what there is to show of a node; of a process, of its threads too. */
  revision(node: Node): number {
    assert(node.slot >= 0, 'what changes is there')
    return node.level === 'thread' ? node.revision : node.revision + this.containers.changes[node.slot]!
  }

  /** Why it cannot be read at this very node; null where it can, or was not tried. */
  whyUnreadable(node: Node, index: number): string | null {
    return this.reasons.get(node)?.get(index) ?? null
  }

  protected of(node: Node): Counters {
    return node.level === 'thread' ? this.threads : this.containers
  }
}
