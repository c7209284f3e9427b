/** Defines the columns of the table of limits, and the four levels of nodes. */

import type { Errno } from '../errno.ts'
import type { LinuxReading, Unavailable } from './linux-reading.ts'
import type { LimitUnit } from './units.ts'

/** The four levels that carry limits, from the smallest container to the largest. */
export const levels = ['thread', 'process', 'partition', 'system'] as const
export type Level = (typeof levels)[number]

/** A level and those above it. */
export const upFrom = {
  thread: levels,
  process: levels.slice(1),
  partition: levels.slice(2),
  system: levels.slice(3),
} as const satisfies Record<Level, readonly Level[]>

/**
 * The rule by which a limit adds up above its home level.
 * - `sum`: the sum of all subtending nodes.
 * - `maximum`: the largest of them.
 * - `read`: each level has a reading of its own, because a sum would count shared pages twice.
 * - `none`: it exists at its home level only.
 */
export type Adding = 'sum' | 'maximum' | 'read' | 'none'

export interface LimitRow {
  readonly name: string
  readonly summary: string
  readonly unit: LimitUnit
  /** The level at which it is counted. */
  readonly home: Level
  /** The levels at which it can be read. */
  readonly at: readonly Level[]
  readonly adds: Adding
  /** The share of a dead node stays in the sums, so the value never falls. */
  readonly includesDead?: true
  /** The errno of a call of the model that would pass the limit; null where no call is refused. */
  readonly errno: Errno | null
  /** Left out: the model counts it. */
  readonly model?: Unavailable
  readonly linux: LinuxReading | Unavailable
}
