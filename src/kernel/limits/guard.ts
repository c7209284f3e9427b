/**
 * Guards a limit at a node while thresholds watch it. A guard holds the value, and the two points between which no
 * threshold can change its state. Most changes of usage stay between the points and evaluate nothing.
 */

import type { Node, NodeGuard } from '../nodes/node.ts'
import { pointValue, type ThresholdWatch } from './thresholds/threshold.ts'

export class Guard implements NodeGuard {
  readonly node: Node
  /** The limit's place in the table. */
  readonly index: number
  readonly watches = new Set<ThresholdWatch>()
  value: number
  /** Number of changes of the value since the guard exists, including those that cancel out within one update. */
  changes = 0
  // No watch can change its state while the value is strictly between these. At first no value is.
  #low = Number.POSITIVE_INFINITY
  #high = Number.NEGATIVE_INFINITY
  /** Something other than the value has changed since the last evaluation of all watches. */
  #isAlert = true

  constructor(node: Node, index: number, value: number) {
    this.node = node
    this.index = index
    this.value = value
  }

  /** Whether the watches have to be evaluated. */
  get isDue(): boolean {
    return this.value >= this.#high || this.value <= this.#low
  }

  /** Something other than the value has changed. */
  alert(): void {
    this.#low = Number.POSITIVE_INFINITY
    this.#isAlert = true
  }

  /** The watches that may change their state. They are few, even if 100,000 watch one counter. */
  due(capacity: number): ThresholdWatch[] {
    const all = [...this.watches]
    if (this.#isAlert) return all
    return all.filter((watch) => {
      const { low, high } = quietBetween(watch, capacity)
      return this.value >= high || this.value <= low
    })
  }

  /** Computes the points again, after an evaluation of all watches. */
  rest(capacity: number): void {
    this.#low = Number.NEGATIVE_INFINITY
    this.#high = Number.POSITIVE_INFINITY
    this.#isAlert = false
    for (const watch of this.watches) this.#narrow(watch, capacity)
  }

  /** Adjusts the points after an evaluation of this watch alone. */
  mind(watch: ThresholdWatch, capacity: number): void {
    if (this.watches.size === 1) this.rest(capacity)
    else this.#narrow(watch, capacity)
  }

  #narrow(watch: ThresholdWatch, capacity: number): void {
    const { low, high } = quietBetween(watch, capacity)
    this.#low = Math.max(this.#low, low)
    this.#high = Math.min(this.#high, high)
  }
}

export function guardOf({ guards }: Node, index: number): Guard | null {
  if (guards === null) return null
  for (const guard of guards) if (guard.index === index && guard instanceof Guard) return guard
  return null
}

/** The guards of a node, in the order of the table of limits. */
export function guardsOf({ guards }: Node): Guard[] {
  return (guards ?? []).filter((guard) => guard instanceof Guard)
}

const always = { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY }
const never = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }

/** Values are whole numbers, so strictly past a point is at least one past it. */
function quietBetween({ threshold, state, timer }: ThresholdWatch, capacity: number): { low: number; high: number } {
  const { at, rearm, direction, once } = threshold.definition
  if (at === null) return state === 'tripped' ? never : always
  const trip = pointValue(at, capacity, direction)
  if (state === 'unknown' || Number.isNaN(trip)) return always
  // Without a capacity the value decides nothing. A capacity that returns is an alert.
  if (state === 'tripped' && (once || !Number.isFinite(trip))) return never
  if (state === 'armed') {
    if (timer?.isArmed) return notPast(trip, direction)
    return direction === 'rising' ? { ...never, high: trip } : { ...never, low: trip }
  }
  if (rearm !== null) {
    const back = pointValue(rearm, capacity, direction)
    return direction === 'rising' ? { ...never, low: back } : { ...never, high: back }
  }
  return notPast(trip, direction)
}

function notPast(trip: number, direction: 'rising' | 'falling') {
  return direction === 'rising' ? { ...never, low: Math.ceil(trip) - 1 } : { ...never, high: Math.floor(trip) + 1 }
}
