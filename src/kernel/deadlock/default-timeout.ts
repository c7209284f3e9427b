/** Defines a default deadlock timeout: how long the threads below a node may wait in chosen states before a warning. */

import type { Node } from '../nodes/node.ts'
import { canonicalStates, type TimeoutState, timeoutStates } from '../states.ts'

/** Default states: no thread should stay in one for ever, and waits in them can be traced. */
export const defaultTimedStates = timeoutStates.filter((state) => canonicalStates.includes(state))

export interface TimeoutDefinition {
  /** An empty list exempts the threads below the node. */
  readonly states: readonly TimeoutState[]
  /** ms; null where no state is timed. */
  readonly afterMs: number | null
}

export interface DefaultTimeout {
  readonly path: string
  readonly node: Node
  readonly definition: TimeoutDefinition
  /** Counts up over all definitions: a strong validator. */
  readonly revision: number
  /** Name of the token it was set with, or file and line of its rule. */
  owner: string | null
}

/** A timeout was set or changed, or it exists no longer. */
export interface TimeoutDefined {
  readonly timeout: DefaultTimeout
  readonly change: 'set' | 'gone'
}

export function timeoutPath({ path }: Node): string {
  return `${path}/timeout`
}

export function sameTimeoutDefinition(one: TimeoutDefinition, other: TimeoutDefinition): boolean {
  return (
    one.afterMs === other.afterMs &&
    one.states.length === other.states.length &&
    one.states.every((state, place) => state === other.states[place])
  )
}
