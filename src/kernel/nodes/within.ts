/** Iterates over the nodes below a node. */

import type { Node } from './node.ts'
import type { Partition } from './partition.ts'
import { Process } from './process.ts'
import type { System } from './system.ts'
import type { Thread } from './thread.ts'

/** Whether a node contains processes. */
export function isContainer(node: Node): node is System | Partition {
  return node.level === 'system' || node.level === 'partition'
}

/** The processes below a partition or the system, including those of nested partitions. */
export function* processesWithin(node: Node): Generator<Process> {
  if (!isContainer(node)) return
  yield* node.members
  for (const partition of node.partitions.values()) yield* processesWithin(partition)
}

/** The partitions strictly below, parents first. */
export function* partitionsWithin(node: Node): Generator<Partition> {
  if (!isContainer(node)) return
  for (const partition of node.partitions.values()) {
    yield partition
    yield* partitionsWithin(partition)
  }
}

export function* threadsWithin(node: Node): Generator<Thread> {
  if (node instanceof Process) yield* node.threads.values()
  else for (const process of processesWithin(node)) yield* process.threads.values()
}

/** Every node of a level strictly below. */
export function nodesWithin(node: Node, level: Node['level']): Iterable<Node> {
  if (level === 'thread') return node.level === 'thread' ? [] : threadsWithin(node)
  if (level === 'process') return processesWithin(node)
  if (level === 'partition') return partitionsWithin(node)
  return []
}

/** Whether there is no node below at which a limit of this home level is counted. Then a sum is truly zero. */
export function isEmpty(node: Node, home: Node['level']): boolean {
  for (const _ of home === 'thread' ? threadsWithin(node) : processesWithin(node)) return false
  return true
}
