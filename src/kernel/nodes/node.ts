/**
 * Defines the base of system, partition, process and thread: a pathname, the container above, and a slot in the
 * counters.
 */

import type { Level } from '../limits/limit-row.ts'

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
  // Only the hook (`limits/usage.ts`) writes the next three. They stand first because each change of usage begins with
  // them: with a million threads, the lines of memory that a change touches are most of its cost.
  /** The slot of its counters; -1 before it has any and after it has ended. */
  slot = -1
  /** The slot of its container. */
  above = -1
  /** Counts up with each change that clients can see in this node, or in the threads of this process. */
  revision = 0
  /** For each limit that thresholds watch here; null where there is none. */
  guards: readonly NodeGuard[] | null = null
  /** The last time at which all readings were found unchanged, in ms of Unix time. */
  abstract readonly confirmedAt: number

  /** It has ended and waits to be joined. Nothing watches it any more. */
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
