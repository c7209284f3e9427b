/** Represents a threshold: a request to emit an event when usage crosses a point, with one watch for each node. */

import { assert } from '../../errno.ts'
import type { Node } from '../../nodes/node.ts'
import { parseDuration } from '../../time/duration.ts'
import { WheelTimer } from '../../time/timer-wheel.ts'
import type { Level } from '../limit-row.ts'
import { type LimitName, limits } from '../table.ts'
import type { Where } from './where.ts'

/** A trip point: a number in the limit's unit, or a percentage of its capacity. */
export type Point = number | `${number}%`

export const thresholdActions = ['notify', 'deny', 'signal'] as const
export type ThresholdAction = (typeof thresholdActions)[number]

export interface ThresholdDefinition {
  /** `change`: it has no trip point, and any change emits an event. */
  readonly on: 'cross' | 'change'
  /** Null with `change`, and only there. */
  readonly at: Point | null
  /** Null: clears as soon as usage is not past `at`. */
  readonly rearm: Point | null
  readonly direction: 'rising' | 'falling'
  /** Watch every node of this level strictly below separately; null: the number at the path itself. */
  readonly per: Level | null
  /** With `per` only. */
  readonly where: Where | null
  /** Usage must stay past `at` this long: a duration such as `500ms`. */
  readonly for: string | null
  readonly once: boolean
  /** The action besides the event: `deny` refuses calls that would pass `at`, `signal` sends a signal as it trips. */
  readonly action: ThresholdAction
  /** With the action `signal`, and only there: its name. */
  readonly signal?: string
  /** With `change` only: the least difference from the value of the last event. */
  readonly delta: number | null
  /** With `change` only: a duration, the least time between two events. */
  readonly every: string | null
  /** A duration, after which it is removed unless it is put again. */
  readonly ttl: string | null
  readonly note: string | null
}

export function sameDefinition(one: ThresholdDefinition, other: ThresholdDefinition): boolean {
  const keys = Object.keys(one) as (keyof ThresholdDefinition)[]
  return keys.every((key) => (key === 'where' ? sameWhere(one.where, other.where) : one[key] === other[key]))
}

function sameWhere(one: Where | null, other: Where | null): boolean {
  return (
    one === other ||
    (one !== null &&
      other !== null &&
      (['name', 'exe', 'cmdline', 'uid', 'partition'] as const).every((key) => one[key] === other[key]))
  )
}

/** A timer of the notifier: for the end of a threshold, or for the end of the waiting of a watch. */
export class NotifierTimer extends WheelTimer {
  readonly of: Threshold | ThresholdWatch

  constructor(of: Threshold | ThresholdWatch) {
    super()
    this.of = of
  }
}

/** The last reported change, with which later ones are compared. */
export interface ReportedChange {
  readonly value: number
  /** Number of changes that the guard had counted by then. */
  readonly changes: number
  /** ms of Unix time; null if no event was emitted, for a first reading. */
  readonly at: number | null
}

export type WatchState = 'armed' | 'tripped' | 'unknown'

/** A threshold at one node. */
export class ThresholdWatch {
  readonly threshold: Threshold
  readonly node: Node
  state: WatchState = 'unknown'
  /** Until its first evaluation, where the node was there before the threshold: a trip then is `initial`. */
  fresh: boolean
  /** An event has reported that the state became unknown. */
  isLost = false
  /** Armed while usage is past `at` and has to stay there, or while a change waits for its event. */
  timer: NotifierTimer | null = null
  /** The last reported change, for a threshold on any change. */
  reported: ReportedChange | null = null

  constructor(threshold: Threshold, node: Node, fresh: boolean) {
    this.threshold = threshold
    this.node = node
    this.fresh = fresh
  }
}

export class Threshold {
  readonly path: string
  readonly name: string
  /** A partition that was removed and made again is another node with the same pathname. */
  node: Node
  readonly limit: LimitName
  /** The limit's place in the table. */
  readonly index: number
  definition: ThresholdDefinition
  /** The revision of the definition. No two definitions ever share one. */
  revision: number
  /** Name of the token that set it, or file and line of its rule; null where no tokens are in use. */
  owner: string | null
  readonly watches = new Map<Node, ThresholdWatch>()
  readonly forMs: number | null
  readonly everyMs: number | null
  readonly ttlMs: number | null
  /** Armed while it has a `ttl` and is set. */
  timer: NotifierTimer | null = null

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
    this.forMs = msOf(birth.definition.for)
    this.everyMs = msOf(birth.definition.every)
    this.ttlMs = msOf(birth.definition.ttl)
  }
}

/** Preconditions: the definition was checked. */
function msOf(duration: string | null): number | null {
  if (duration === null) return null
  const ms = parseDuration(duration)
  assert(ms !== null, 'a definition that was checked has durations where they belong')
  return ms
}

export function isPercentage(point: Point): point is `${number}%` {
  return typeof point === 'string'
}

export function percentage(point: `${number}%`): number {
  return Number(point.slice(0, -1))
}

/**
 * The trip point as a number. Percentages become the first whole number that is past them.
 * NaN where the capacity is not known. Where there is no finite one, a point that is never reached: Infinity if rising,
 * -Infinity if falling.
 */
export function pointValue(point: Point, capacity: number, direction: 'rising' | 'falling'): number {
  if (!isPercentage(point)) return point
  if (!Number.isFinite(capacity)) return direction === 'rising' ? capacity : -capacity
  // In hundredths of a percent, so that 80% of 1,000,000 is not one more for a rounding error's sake.
  const exact = (Math.round(percentage(point) * 100) * capacity) / 10_000
  return direction === 'rising' ? Math.ceil(exact) : Math.floor(exact)
}
