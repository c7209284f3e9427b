/** What the four levels have in common: a pathname, the container above, usage, and the watches on it. */

import { Counters } from '../limits/counters.ts'
import type { Level } from '../limits/table.ts'
import type { Threshold, Watch } from '../limits/threshold.ts'

export abstract class Node<L extends Level = Level> {
  abstract readonly level: L
  readonly path: string
  /** The container one level up; null for the system. */
  abstract readonly parent: Node | null
  readonly counters = new Counters()
  /** Watches on this node's own usage, by the limit's place in the table; holes where there are none. */
  readonly watches: (Watch[] | undefined)[] = []
  /** Thresholds set at this node: `<limit>/threshold/<name>` without the node's path. */
  readonly thresholds = new Map<string, Threshold>()
  /** Why a limit that others have cannot be read here. */
  readonly unavailable = new Map<number, string>()
  /** Counts up with each change of what there is to show of this node; of a process, of its threads too. */
  revision = 0
  /** When all readings were last found to hold still, in ms of Unix time. */
  confirmedAt = 0

  constructor(path: string) {
    this.path = path
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
