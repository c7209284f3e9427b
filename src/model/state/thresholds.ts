/** Saves and restores thresholds, with their state at each node which they watch. */

import { KernelError } from '../../kernel/errno.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { guardsOf } from '../../kernel/limits/guard.ts'
import { limitAt, thresholdPath } from '../../kernel/limits/places.ts'
import { limitIndex, limits } from '../../kernel/limits/table.ts'
import { checkAction } from '../../kernel/limits/thresholds/action.ts'
import { checkDefinition } from '../../kernel/limits/thresholds/check-definition.ts'
import type { SwitchesState, ThresholdState } from '../../kernel/limits/thresholds/settings.ts'
import {
  type ReportedChange,
  type WatchState as Standing,
  Threshold,
  type ThresholdWatch,
} from '../../kernel/limits/thresholds/threshold.ts'
import { absentPartition, containersOf, nodeAt } from '../../kernel/nodes/lookup.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import { at, atEach, checkRevisions, there } from './references.ts'

/** An armed timer: the end of a threshold, or of its wait at a node. Timers are saved in the order of arming. */
export interface WaitingState {
  readonly threshold: string
  readonly node: string | null
  /** ms of the kernel's clock. */
  readonly at: number
}

/** The state of a threshold at a node which it watches. */
export interface SavedWatch {
  /** Pathname. */
  readonly threshold: string
  readonly state: Standing
  readonly fresh: boolean
  /** For a threshold on changes: the change reported last, with the number of changes since then. */
  readonly told: ReportedChange | null
}

export function exportThresholds({ notifier }: Kernel): ThresholdState[] {
  return [...notifier.thresholds()].map(({ node, limit, name, definition, revision, owner }) => ({
    node: node.path,
    limit,
    name,
    definition,
    revision,
    owner,
  }))
}

/** Thresholds by pathname. */
export type Thresholds = ReadonlyMap<string, Threshold>

/** Preconditions: all nodes are restored. */
export function importThresholds(kernel: Kernel, states: readonly ThresholdState[]): Thresholds {
  const containers = containersOf(kernel)
  const thresholds = atEach('thresholds', states, ({ node: path, limit, ...rest }) => {
    const node = absentPartition(kernel, path) ?? at('node', () => nodeAt(kernel, containers, path))
    const index = at('limit', () => there(limitAt(node, limit) ?? undefined))
    at('definition', () => {
      const row = limits[index]!
      checkDefinition(rest.definition, row, node)
      checkAction(rest.definition, { row, node, abilities: kernel.actionAbilities })
    })
    return new Threshold({ ...rest, node, index, path: thresholdPath(node, index, rest.name) })
  })
  checkRevisions('thresholds', thresholds, kernel.notifier.nextRevision)
  for (const threshold of thresholds) kernel.notifier.install(threshold)
  return new Map(thresholds.map((threshold) => [threshold.path, threshold]))
}

export function exportWatches(node: Node): SavedWatch[] {
  return guardsOf(node).flatMap(({ watches, changes }) =>
    [...watches].map(({ threshold, state, fresh, reported }) => ({
      threshold: threshold.path,
      state,
      fresh,
      told: reported && { ...reported, changes: changes - reported.changes },
    })),
  )
}

export function importWatches(
  { notifier }: Kernel,
  node: Node,
  { watches, thresholds }: { watches: readonly SavedWatch[]; thresholds: Thresholds },
): void {
  for (const { threshold: path, state, fresh, told } of watches) {
    const threshold = there(thresholds.get(path))
    if (threshold.watches.has(node)) throw new KernelError('EINVAL', `${path} watches ${node.path} twice`)
    const hasReport = told !== null
    const isRight = threshold.definition.on === 'cross' ? !hasReport : hasReport || state === 'unknown'
    if (!isRight) throw new KernelError('EINVAL', `${path} has a reported change exactly when it watches changes`)
    const watch = notifier.watches.add(threshold, node, fresh)
    watch.state = state
    // The guard is new and has counted no change yet, so the count at the report lies before its zero.
    watch.reported = told && { ...told, changes: -told.changes }
  }
}

export function importSwitches({ notifier: { switches } }: Kernel, { enabled, disabled }: SwitchesState): void {
  switches.set(null, enabled)
  for (const limit of disabled) switches.set(limitIndex[limit], false)
}

export function exportWaiting({ notifier }: Kernel): WaitingState[] {
  return notifier
    .waiting()
    .map(({ of, at }) =>
      of instanceof Threshold
        ? { threshold: of.path, node: null, at }
        : { threshold: of.threshold.path, node: of.node.path, at },
    )
}

/** Preconditions: all thresholds and watches are restored. */
export function importWaiting(kernel: Kernel, states: readonly WaitingState[], thresholds: Thresholds): void {
  const containers = containersOf(kernel)
  atEach('waiting', states, ({ threshold: path, node, at: end }) => {
    const threshold = at('threshold', () => there(thresholds.get(path)))
    const watchAt = (place: string) => there(threshold.watches.get(nodeAt(kernel, containers, place)))
    const of = node === null ? threshold : at('node', () => watchAt(node))
    if (!mayWait(of)) throw new KernelError('EINVAL', `${path} has no timer there`)
    kernel.notifier.arm(of, end)
  })
}

function mayWait(of: Threshold | ThresholdWatch): boolean {
  if (of instanceof Threshold) return of.ttlMs !== null
  const { definition, forMs, everyMs } = of.threshold
  return of.state === 'armed' && (definition.on === 'cross' ? forMs : everyMs) !== null
}
