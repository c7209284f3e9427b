/**
 * The usage of one node, one place for each limit. Only `usage.ts` writes here; a test forbids any other writer.
 * Plain arrays copied from a pattern: processes and threads come and go by the thousand, and typed arrays of this
 * size cost ten times as much to make and are memory that the collector sees late.
 */

import { limits } from './table.ts'

/** An array of doubles, so that no later store changes its kind. */
function doubles(fill: number): number[] {
  const array = limits.map(() => 0.5)
  return array.fill(fill)
}

const zeros = doubles(0)
const integers: number[] = limits.map(() => 0)
const none = doubles(Number.POSITIVE_INFINITY)

export class Counters {
  /** Home level: the reading. Above: what its known parts add up to. Counts only where `known`. */
  readonly value = zeros.slice()
  readonly peak = zeros.slice()
  /** Infinity: no finite one; NaN: there may be one, not known yet. */
  readonly capacity = none.slice()
  /** When it was last read, in ms of Unix time. */
  readonly at = zeros.slice()
  /** How many parts have a reading, how many cannot be read, how many are estimates. At home each is 0 or 1. */
  readonly known = integers.slice()
  readonly unreadable = integers.slice()
  readonly estimated = integers.slice()
  /** Bits of the limits that changed since usage was last settled. */
  dirty = 0
  /** Bits of the maxima among them whose greatest part shrank or left: they are to be looked up. */
  stale = 0
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
