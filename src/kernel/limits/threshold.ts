/** A threshold: a client's wish to hear when usage crosses a point. One definition; a watch for each node it watches. */

import { KernelError } from '../errno.ts'
import type { Node } from '../objects/node.ts'
import { type Level, type LimitName, type LimitRow, levels, limits } from './table.ts'

/** A trip point: a number in the limit's unit, or a percentage of its capacity. */
export type Point = number | `${number}%`

export const thresholdActions = ['notify', 'deny', 'signal'] as const
export type ThresholdAction = (typeof thresholdActions)[number]

export interface ThresholdDefinition {
  readonly on: 'cross'
  readonly at: Point
  /** Null: clears as soon as usage is not past `at`. */
  readonly rearm: Point | null
  readonly direction: 'rising' | 'falling'
  /** Watch every node of this level strictly below separately; null: the number at the path itself. */
  readonly per: Level | null
  readonly once: boolean
  /** What is done besides telling: `deny` refuses the calls that would pass `at`, `signal` sends one as it trips. */
  readonly action: ThresholdAction
  /** With the action `signal`, and only there: its name. */
  readonly signal?: string
  readonly note: string | null
}

export function sameDefinition(one: ThresholdDefinition, other: ThresholdDefinition): boolean {
  const keys = Object.keys(one) as (keyof ThresholdDefinition)[]
  return keys.every((key) => one[key] === other[key])
}

export type WatchState = 'armed' | 'tripped' | 'unknown'

/** A threshold at one node. */
export class Watch {
  readonly threshold: Threshold
  readonly node: Node
  state: WatchState = 'unknown'
  /** Until its first evaluation, where the node was there before the threshold: a trip then is `initial`. */
  fresh: boolean

  constructor(threshold: Threshold, node: Node, fresh: boolean) {
    this.threshold = threshold
    this.node = node
    this.fresh = fresh
  }
}

export class Threshold {
  readonly path: string
  readonly name: string
  readonly node: Node
  readonly limit: LimitName
  /** The limit's place in the table. */
  readonly index: number
  definition: ThresholdDefinition
  /** Of the definition; no two definitions ever share one. */
  revision: number
  /** Name of the token that set it; null where no tokens are in use. */
  owner: string | null
  readonly watches = new Map<Node, Watch>()

  constructor(birth: {
    path: string
    name: string
    node: Node
    index: number
    definition: ThresholdDefinition
    revision: number
    owner: string | null
  }) {
    this.path = birth.path
    this.name = birth.name
    this.node = birth.node
    this.limit = limits[birth.index]!.name
    this.index = birth.index
    this.definition = birth.definition
    this.revision = birth.revision
    this.owner = birth.owner
  }
}

export const isPercentage = (point: Point): point is `${number}%` => typeof point === 'string'

const percentage = (point: `${number}%`): number => Number(point.slice(0, -1))

/**
 * The trip point as a number. Percentages become the first whole number that is past them.
 * NaN where the capacity is not known; Infinity where there is no finite one: never reached.
 */
export function pointValue(point: Point, capacity: number, direction: 'rising' | 'falling'): number {
  if (!isPercentage(point)) return point
  if (!Number.isFinite(capacity)) return capacity
  // In hundredths of a percent, so that 80% of 1,000,000 is not one more for a rounding error's sake.
  const exact = (Math.round(percentage(point) * 100) * capacity) / 10_000
  return direction === 'rising' ? Math.ceil(exact) : Math.floor(exact)
}

/** Throws EINVAL, naming the field, where a definition contradicts itself or cannot stand at this node. */
export function checkDefinition(
  definition: ThresholdDefinition,
  limit: LimitRow,
  node: Pick<Node, 'level' | 'path'>,
): void {
  const { at, rearm, direction, per } = definition
  if (rearm !== null) checkRearm({ at, rearm, direction })
  if (per === null) return
  const levelsOfLimit = limit.at as readonly Level[]
  if (!levelsOfLimit.includes(per)) {
    const among = levelsOfLimit.join(', ')
    throw new KernelError('EINVAL', `${limit.name} is counted at these levels: ${among}; not per ${per}`, {
      field: 'per',
    })
  }
  // Partitions nest, so below a partition there are partitions.
  const below = levels.indexOf(per) < levels.indexOf(node.level) || (per === 'partition' && node.level === 'partition')
  if (!below) {
    throw new KernelError('EINVAL', `no ${per} lies strictly below ${node.path}; leave "per" out to watch this node`, {
      field: 'per',
    })
  }
}

function checkRearm({ at, rearm, direction }: { at: Point; rearm: Point; direction: 'rising' | 'falling' }): void {
  if (isPercentage(at) !== isPercentage(rearm)) {
    throw new KernelError('EINVAL', '"rearm" and "at" must both be numbers or both percentages', { field: 'rearm' })
  }
  const [high, low] = direction === 'rising' ? [at, rearm] : [rearm, at]
  const number = (point: Point) => (isPercentage(point) ? percentage(point) : point)
  if (number(low) >= number(high)) {
    const side = direction === 'rising' ? 'below' : 'above'
    throw new KernelError('EINVAL', `"rearm" must lie strictly ${side} "at" when ${direction}`, { field: 'rearm' })
  }
}
