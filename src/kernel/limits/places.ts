/** Builds the pathnames of limits and thresholds, and defines the order in which watches are evaluated. */

import { containers, type Node } from '../nodes/node.ts'
import { pathSegment } from '../nodes/path-segment.ts'
import { type LimitRow, levels } from './limit-row.ts'
import { limits } from './table.ts'
import type { ThresholdWatch } from './thresholds/threshold.ts'

export function thresholdPath(node: Node, index: number, name: string): string {
  return `${node.path}/${limits[index]!.name}/threshold/${pathSegment(name)}`
}

/** The place in the table of the limit of this name; null if it does not exist at the level of the node. */
export function limitAt(node: Node, name: string): number | null {
  const index = limits.findIndex((row) => row.name === name)
  const row: LimitRow | undefined = limits[index]
  return row?.at.includes(node.level) ? index : null
}

/** Sorts smaller containers first, and deeper partitions before those that contain them. */
export function byContainer(a: ThresholdWatch, b: ThresholdWatch): number {
  const level = levels.indexOf(a.node.level) - levels.indexOf(b.node.level)
  if (level !== 0) return level
  if (a.node.level === 'partition') {
    const depth = [...containers(b.node)].length - [...containers(a.node)].length
    if (depth !== 0) return depth
  }
  if (a.node.path !== b.node.path) return a.node.path < b.node.path ? -1 : 1
  return a.threshold.path < b.threshold.path ? -1 : 1
}
