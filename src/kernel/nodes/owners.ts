/** Finds the process and the partition that a node belongs to. */

import type { Node } from './node.ts'
import { Partition } from './partition.ts'
import { Process } from './process.ts'
import { Thread } from './thread.ts'

/** The process that a node is or belongs to; null above processes. */
export function processOf(node: Node): Process | null {
  if (node instanceof Process) return node
  return node instanceof Thread ? node.parent : null
}

/** The partition that a node is or belongs to; null where there is none. */
export function partitionOf(node: Node): Partition | null {
  return node instanceof Partition ? node : (processOf(node)?.partition ?? null)
}
