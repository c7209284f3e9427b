/** Thresholds, with how they stand at each node that they watch. */

import type { Kernel } from '../kernel.ts'
import { thresholdPath } from '../limits/notifier.ts'
import { type LimitName, limitIndex } from '../limits/table.ts'
import { type WatchState as Standing, Threshold, type ThresholdDefinition } from '../limits/threshold.ts'
import type { Node } from '../objects/node.ts'
import { there } from './references.ts'

export interface ThresholdState {
  /** Pathname of the node that it is set at. */
  readonly node: string
  readonly limit: LimitName
  readonly name: string
  readonly definition: ThresholdDefinition
  readonly revision: number
  readonly owner: string | null
}

/** Of a node: which threshold watches it, by its pathname, and how it stands there. */
export interface WatchState {
  readonly threshold: string
  readonly state: Standing
  readonly fresh: boolean
}

export const exportThresholds = ({ notifier }: Kernel): ThresholdState[] =>
  [...notifier.thresholds()].map(({ node, limit, name, definition, revision, owner }) => ({
    node: node.path,
    limit,
    name,
    definition,
    revision,
    owner,
  }))

/** By their pathnames. */
export type Thresholds = ReadonlyMap<string, Threshold>

/** Preconditions: all nodes are there. */
export function importThresholds(kernel: Kernel, states: readonly ThresholdState[]): Thresholds {
  const thresholds = states.map(({ node: path, limit, ...rest }) => {
    const node = nodeAt(kernel, path)
    const index = limitIndex[limit]
    return new Threshold({ ...rest, node, index, path: thresholdPath(node, index, rest.name) })
  })
  for (const threshold of thresholds) kernel.notifier.install(threshold)
  return new Map(thresholds.map((threshold) => [threshold.path, threshold]))
}

export function nodeAt(kernel: Kernel, path: string): Node {
  const [, pid, tid] = /^\/sys\/proc\/(\d+)(?:\/thread\/(\d+))?$/.exec(path) ?? []
  if (tid !== undefined) return kernel.thread(Number(pid), Number(tid))
  if (pid !== undefined) return kernel.process(Number(pid))
  const names = path.split('/part/').slice(1).map(decodeURIComponent)
  return names.length === 0 ? kernel.system : there(kernel.partition(names) ?? undefined)
}

export const exportWatches = ({ guards }: Node): WatchState[] =>
  (guards ?? []).flatMap(({ watches }) =>
    watches.map(({ threshold, state, fresh }) => ({ threshold: threshold.path, state, fresh })),
  )

export function importWatches(
  { notifier }: Kernel,
  node: Node,
  { watches, thresholds }: { watches: readonly WatchState[]; thresholds: Thresholds },
): void {
  for (const { threshold, state, fresh } of watches)
    notifier.watch(there(thresholds.get(threshold)), node, fresh).state = state
}
