/** Represents a partition: a named group of processes with resources of its own. */

import { Node } from './node.ts'
import { pathSegment } from './path-segment.ts'
import type { Process } from './process.ts'
import type { System } from './system.ts'

/** A sub-system: a partition in the manner of QNX, a cgroup on Linux. Partitions nest. */
export class Partition extends Node<'partition'> {
  readonly name: string
  readonly path: string
  readonly parent: Partition | System
  readonly partitions = new Map<string, Partition>()
  /** Processes directly in this partition. */
  readonly members = new Set<Process>()

  constructor(name: string, parent: Partition | System) {
    super()
    this.name = name
    this.path = `${parent.path}/part/${pathSegment(name)}`
    this.parent = parent
  }

  get level(): 'partition' {
    return 'partition'
  }

  get confirmedAt(): number {
    return 0
  }
}

/**
 * Whether it is a partition outside the tree: not there yet, or removed. What is set at its pathname waits until it
 * appears.
 */
export function isAbsent(node: Node): boolean {
  return node.level === 'partition' && node.slot < 0
}
