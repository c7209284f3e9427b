/** Thresholds, with how they stand at each node that they watch. */

import { KernelError } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { checkAction } from '../limits/action.ts'
import { limitAt, thresholdPath } from '../limits/notifier.ts'
import { type LimitName, limits } from '../limits/table.ts'
import {
  checkDefinition,
  type WatchState as Standing,
  Threshold,
  type ThresholdDefinition,
} from '../limits/threshold.ts'
import type { Node } from '../objects/node.ts'
import { partitionsWithin } from '../objects/within.ts'
import { at, atEach, there } from './references.ts'

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
  const containers = containersOf(kernel)
  const thresholds = atEach('thresholds', states, ({ node: path, limit, ...rest }) => {
    const node = at('node', () => nodeAt(kernel, containers, path))
    const index = at('limit', () => there(limitAt(node, limit) ?? undefined))
    at('definition', () => {
      const row = limits[index]!
      checkDefinition(rest.definition, row, node)
      checkAction(rest.definition, { row, node, abilities: kernel.actionAbilities })
    })
    return new Threshold({ ...rest, node, index, path: thresholdPath(node, index, rest.name) })
  })
  for (const threshold of thresholds) kernel.notifier.install(threshold)
  return new Map(thresholds.map((threshold) => [threshold.path, threshold]))
}

export const containersOf = ({ system }: Kernel): ReadonlyMap<string, Node> =>
  new Map<string, Node>([system, ...partitionsWithin(system)].map((node) => [node.path, node]))

export function nodeAt(kernel: Kernel, containers: ReadonlyMap<string, Node>, path: string): Node {
  const [, pid, tid] = /^\/sys\/proc\/(\d+)(?:\/thread\/(\d+))?$/.exec(path) ?? []
  if (tid !== undefined) return kernel.thread(Number(pid), Number(tid))
  if (pid !== undefined) return kernel.process(Number(pid))
  return there(containers.get(path))
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
  for (const { threshold: path, state, fresh } of watches) {
    const threshold = there(thresholds.get(path))
    if (threshold.watches.has(node)) throw new KernelError('EINVAL', `${path} watches ${node.path} twice`)
    notifier.watch(threshold, node, fresh).state = state
  }
}
