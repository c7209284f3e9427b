/** Reads the counters: a value, a capacity, or a whole reading. It writes nothing. */

import { assert } from '../errno.ts'
import type { Node } from '../nodes/node.ts'
import { Annotations } from './annotations.ts'
import { Counters } from './counters.ts'
import { guardOf } from './guard.ts'
import type { LimitRow } from './limit-row.ts'
import { limits } from './table.ts'

/** One limit at one node, in the form that clients see. */
export interface Reading {
  /** Null if not known. */
  readonly value: number | null
  readonly peak: number | null
  /** Null if there is none, or if it is not known. */
  readonly capacity: number | null
  /** Number of parts of a sum that cannot be read. If there are any, the value is a lower bound. */
  readonly unreadable: number
  /** Number of parts that are high-water marks. If there are any, the value is an upper bound. */
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

const addsUp = (limits as readonly LimitRow[]).map(({ adds }) => adds === 'sum' || adds === 'maximum')

export abstract class Readings {
  /** The source knows that it does not see all processes. Sums over processes are then lower bounds. */
  hasUnseen = false
  protected readonly threads = new Counters({ ofThreads: true })
  protected readonly containers = new Counters({ ofThreads: false })
  /** The reasons why limits cannot be read at a node, by the place of the limit. */
  protected readonly reasons = new Map<Node, Map<number, string>>()
  readonly annotations = new Annotations()

  value(node: Node, index: number): number {
    assert(node.slot >= 0, 'a node with a value has counters')
    const { room, peak } = this.of(node)
    const left = room[index]![node.slot]!
    return Number.isNaN(left) ? (guardOf(node, index)?.value ?? 0) : peak[index]![node.slot]! - left
  }

  /** Infinity: no finite capacity. NaN: there may be one, but it is not known yet. */
  capacity(node: Node, index: number): number {
    assert(node.slot >= 0, 'a node with a capacity has counters')
    return this.of(node).capacity[index]!.get(node.slot)
  }

  /** @param empty No node below could be counted, so a sum without readings is truly zero. */
  reading(node: Node, index: number, empty: boolean): Reading {
    const value = this.value(node, index)
    const counters = this.of(node)
    const { slot } = node
    const isPartial = this.hasUnseen && addsUp[index]! && (node.level === 'system' || node.level === 'partition')
    // A sum of countable values may be too large to be counted exactly. Its parts then prove a lower bound.
    const isTooLarge = value > Number.MAX_SAFE_INTEGER
    const unreadable = counters.unreadable[index]!.get(slot) + Number(isPartial) + Number(isTooLarge)
    const known = counters.known[index]![slot]! > 0 || (empty && unreadable === 0)
    const capacity = this.capacity(node, index)
    const at = counters.at[index]!.get(slot)
    return {
      value: known ? Math.min(value, Number.MAX_SAFE_INTEGER) : null,
      peak: known ? Math.min(counters.peak[index]![slot]!, Number.MAX_SAFE_INTEGER) : null,
      capacity: Number.isFinite(capacity) ? capacity : null,
      unreadable,
      estimated: counters.estimated[index]!.get(slot),
      at: at > 0 ? Math.max(at, node.confirmedAt) : null,
    }
  }

  /** The highest known value of a limit; null if it was never known. */
  peak(node: Node, index: number): number | null {
    assert(node.slot >= 0, 'a node with a peak has counters')
    const { known, peak } = this.of(node)
    const highest = peak[index]![node.slot]!
    return known[index]![node.slot]! > 0 || highest > 0 ? highest : null
  }

  /** Counts up with each change that clients can see in a node, or in the threads of a process. */
  revision(node: Node): number {
    assert(node.slot >= 0, 'a node that changes has counters')
    return node.level === 'thread' ? node.revision : node.revision + this.containers.changes[node.slot]!
  }

  /** The reason why it cannot be read at this node; null if it can, or if no reading was tried. */
  whyUnreadable(node: Node, index: number): string | null {
    return this.reasons.get(node)?.get(index) ?? null
  }

  protected of(node: Node): Counters {
    return node.level === 'thread' ? this.threads : this.containers
  }
}
