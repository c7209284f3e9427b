/** Represents the system: the root of the tree of nodes, which stands for the whole machine. */

import { Node } from './node.ts'
import type { Partition } from './partition.ts'
import type { Process } from './process.ts'

/** The whole machine. */
export class System extends Node<'system'> {
  readonly parent = null
  /** Partitions directly below; those nest. */
  readonly partitions = new Map<string, Partition>()
  /** Processes in no partition, by pid. */
  readonly members = new Set<Process>()

  get level(): 'system' {
    return 'system'
  }

  get path(): string {
    return '/sys'
  }

  get confirmedAt(): number {
    return 0
  }
}
