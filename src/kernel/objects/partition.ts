import { Node } from './node.ts'
import type { Process } from './process.ts'
import type { System } from './system.ts'

/** A sub-system: a partition in the manner of QNX, a cgroup on Linux. Partitions nest. */
export class Partition extends Node<'partition'> {
  readonly level = 'partition'
  readonly name: string
  readonly parent: Partition | System
  readonly partitions = new Map<string, Partition>()
  /** Processes directly in this partition. */
  readonly members = new Set<Process>()

  constructor(name: string, parent: Partition | System) {
    super(`${parent.path}/part/${encodeURIComponent(name)}`)
    this.name = name
    this.parent = parent
  }
}
