/** Saves and restores the parts which nodes of all levels have: counters and watches. */

import type { Kernel } from '../../kernel/kernel.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import { at } from './references.ts'
import { exportWatches, importWatches, type SavedWatch, type Thresholds } from './thresholds.ts'
import { exportUsage, importUsage, type UsageState } from './usage.ts'

export interface NodeState {
  readonly revision: number
  readonly usage: UsageState
  readonly watches: readonly SavedWatch[]
}

export function exportNode(kernel: Kernel, node: Node): NodeState {
  return {
    revision: kernel.usage.revision(node),
    usage: exportUsage(kernel, node),
    watches: exportWatches(node),
  }
}

export function importNode(
  kernel: Kernel,
  node: Node,
  { revision, usage, watches }: NodeState,
  thresholds: Thresholds,
): void {
  importUsage(kernel, node, usage)
  at('watches', () => importWatches(kernel, node, { watches, thresholds }))
  node.revision = revision
}
