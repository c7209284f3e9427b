/**
 * What a limit at a node needs only while thresholds watch it: the value itself, and the points between which nothing
 * can happen. Where there is no guard a change looks for none.
 */

import type { Node } from '../objects/node.ts'
import { pointValue, type Watch } from './threshold.ts'

export class Guard {
  readonly node: Node
  /** The limit's place in the table. */
  readonly index: number
  readonly watches: Watch[] = []
  value: number
  // No watch can change its state while the value stays strictly between these. At first there is nothing between them.
  #low = Number.POSITIVE_INFINITY
  #high = Number.NEGATIVE_INFINITY

  constructor(node: Node, index: number, value: number) {
    this.node = node
    this.index = index
    this.value = value
  }

  /** Whether the watches are to be evaluated. */
  get isDue(): boolean {
    return this.value >= this.#high || this.value <= this.#low
  }

  /** Something else than the value has changed. */
  alert(): void {
    this.#low = Number.POSITIVE_INFINITY
  }

  /** All watches have been evaluated: finds the points anew. */
  rest(capacity: number): void {
    this.#low = Number.NEGATIVE_INFINITY
    this.#high = Number.POSITIVE_INFINITY
    for (const watch of this.watches) this.#narrow(watch, capacity)
  }

  /** This watch alone has been evaluated. */
  mind(watch: Watch, capacity: number): void {
    if (this.watches.length === 1) this.rest(capacity)
    else this.#narrow(watch, capacity)
  }

  #narrow(watch: Watch, capacity: number): void {
    const { low, high } = quietBetween(watch, capacity)
    this.#low = Math.max(this.#low, low)
    this.#high = Math.min(this.#high, high)
  }
}

export function guardOf({ guards }: Node, index: number): Guard | null {
  if (guards === null) return null
  for (const guard of guards) if (guard.index === index) return guard
  return null
}

const always = { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY }
const never = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }

/** Values are whole numbers: strictly past a point is at least one past it. */
function quietBetween({ threshold, state }: Watch, capacity: number): { low: number; high: number } {
  const { at, rearm, direction, once } = threshold.definition
  const trip = pointValue(at, capacity, direction)
  if (state === 'unknown' || Number.isNaN(trip)) return always
  if (state === 'armed') return direction === 'rising' ? { ...never, high: trip } : { ...never, low: trip }
  if (once) return never
  if (rearm !== null) {
    const back = pointValue(rearm, capacity, direction)
    return direction === 'rising' ? { ...never, low: back } : { ...never, high: back }
  }
  return direction === 'rising' ? { ...never, low: Math.ceil(trip) - 1 } : { ...never, high: Math.floor(trip) + 1 }
}
