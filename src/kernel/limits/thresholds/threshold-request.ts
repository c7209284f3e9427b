/** Defines requests to set a threshold, and checks what every request must satisfy. */

import type { ActionAbilities } from '../../actions.ts'
import { KernelError } from '../../errno.ts'
import type { Node } from '../../nodes/node.ts'
import { isAbsent } from '../../nodes/partition.ts'
import type { Level, LimitRow } from '../limit-row.ts'
import { limits } from '../table.ts'
import type { Usage } from '../usage.ts'
import { checkAction } from './action.ts'
import { checkCapacity, checkDefinition, checkMeasurable } from './check-definition.ts'
import type { Threshold, ThresholdDefinition } from './threshold.ts'

/** A request of a client to set a threshold. */
export interface ThresholdRequest {
  readonly definition: ThresholdDefinition
  readonly owner: string | null
}

/** A threshold from before a restart. */
export interface RestoredThreshold extends ThresholdRequest {
  readonly revision: number
  /** When its `ttl` runs out, in ms of Unix time. */
  readonly endsAt: number | null
  /** Nodes at which it had tripped, or had emitted its only event (`once`). */
  readonly tripped: ReadonlySet<Node>
}

/** The change of a definition. `renewed` is the same definition with more time. */
export type DefinitionChange = 'set' | 'renewed' | 'gone'

export interface ThresholdDefined {
  /** Null: a limit or the whole notifier was switched on or off. */
  readonly threshold: Threshold | null
  readonly change: DefinitionChange
}

export interface RequestPorts {
  readonly usage: Usage
  /** The reason why a limit can never be measured at a node of this level; null if it can. */
  readonly unmeasurable: (row: LimitRow, level: Level) => string | null
  /** The actions that the source offers. */
  readonly actions: ActionAbilities
}

/**
 * The check that every threshold must pass, also one from before a restart.
 * @throws ESRCH for a thread that has ended, EINVAL for a contradiction, ENOTSUP for a limit that can never be measured
 * there.
 */
export function checkRequest(
  { unmeasurable, actions }: RequestPorts,
  node: Node,
  index: number,
  { definition }: ThresholdRequest,
): void {
  const row: LimitRow = limits[index]!
  if (node.isRemoved) throw new KernelError('ESRCH', `${node.path} has ended, and waits only to be joined`)
  checkDefinition(definition, row, node)
  checkAction(definition, { row, node, abilities: actions })
  checkMeasurable(row, unmeasurable(row, definition.per ?? node.level))
}

/**
 * A new percentage needs a capacity. One from before a restart may have lost it meanwhile, and waits for it.
 * @throws ENOTSUP if the node has no finite capacity.
 */
export function checkHasCapacity(
  { usage }: RequestPorts,
  node: Node,
  index: number,
  { definition }: ThresholdRequest,
): void {
  const capacity = isAbsent(node) ? Number.NaN : usage.capacity(node, index)
  checkCapacity(definition, limits[index]!, { node, capacity })
}
