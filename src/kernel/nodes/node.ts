/** What the four levels have in common: a pathname, the container above, a place among the counters. */

import type { Level } from '../limits/table.ts'

/** Stands at a node for one limit that thresholds watch there. The class `Guard` of the limits implements it. */
export interface NodeGuard {
  /** The place of the limit in the table. */
  readonly index: number
}

export abstract class Node<L extends Level = Level> {
  abstract readonly level: L
  abstract readonly path: string
  /** The container one level up; null for the system. */
  abstract readonly parent: Node | null
  // The next three are the hook's own (`limits/usage.ts`). They stand first: a change that comes by begins with them, and
  // with a million threads each line of memory that it touches is most of its cost.
  /** Where its counters are; -1 before it has any and when it has ended. */
  slot = -1
  /** The slot of its container. */
  above = -1
  /** Counts up with each change of what there is to show of this node; of a process, of its threads too. */
  revision = 0
  /** For each limit that thresholds watch here; null where there is none. */
  guards: readonly NodeGuard[] | null = null
  /** When all readings were last found to hold still, in ms of Unix time. */
  abstract readonly confirmedAt: number

  /** It has ended, and is still there: nothing watches it any more. */
  get isRemoved(): boolean {
    return false
  }
}

/** The containers of a node, smallest first, the system last. */
export function* containers(node: Node): Generator<Node> {
  for (let up = node.parent; up !== null; up = up.parent) yield up
}

export function isWithin(node: Node, container: Node): boolean {
  for (let up: Node | null = node; up !== null; up = up.parent) if (up === container) return true
  return false
}
