/**
 * The usage of one node, one place for each limit. Only `usage.ts` writes here; a test forbids any other writer.
 * Plain typed arrays: a counter is touched far more often than it is looked at.
 */

import { limits } from './table.ts'

export class Counters {
  /** Home level: the reading, NaN before the first. Above: what its known parts add up to. */
  readonly value = new Float64Array(limits.length)
  readonly peak = new Float64Array(limits.length)
  /** Infinity: no finite one; NaN: there may be one, not known yet. */
  readonly capacity = new Float64Array(limits.length).fill(Number.POSITIVE_INFINITY)
  /** When it was last read, in ms of Unix time. */
  readonly at = new Float64Array(limits.length)
  /** How many parts have a reading, how many cannot be read, how many are estimates. At home each is 0 or 1. */
  readonly known = new Uint32Array(limits.length)
  readonly unreadable = new Uint32Array(limits.length)
  readonly estimated = new Uint32Array(limits.length)
  /** Bits of the limits that changed since usage was last settled. */
  dirty = 0
}

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
