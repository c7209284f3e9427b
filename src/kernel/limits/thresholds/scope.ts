/** Finds the nodes that a threshold watches: present ones, later ones, and those about to be born. */

import type { Node } from '../../nodes/node.ts'
import { partitionOf } from '../../nodes/owners.ts'
import { isAbsent } from '../../nodes/partition.ts'
import { nodesWithin } from '../../nodes/within.ts'
import type { Switches } from './switches.ts'
import type { Threshold } from './threshold.ts'
import type { ThresholdSet } from './threshold-set.ts'
import { type Expected, fits, isMeant } from './where.ts'

export class Scope {
  readonly #set: ThresholdSet
  readonly #switches: Switches

  constructor(set: ThresholdSet, switches: Switches) {
    this.#set = set
    this.#switches = switches
  }

  /** The present nodes of a threshold; none if its limit is switched off or its partition is not there. */
  nodesOf({ node, index, definition: { per, where } }: Threshold): Iterable<Node> {
    if (!this.#switches.isOn(index) || isAbsent(node)) return []
    if (per === null) return [node]
    const living = [...nodesWithin(node, per)].filter((each) => !each.isRemoved)
    return where === null ? living : living.filter((each) => isMeant(where, each))
  }

  /** Whether the threshold watches the node. Preconditions: the threshold is above the node. */
  isFor({ index, definition: { per, where } }: Threshold, node: Node): boolean {
    return per === node.level && this.#switches.isOn(index) && (where === null || isMeant(where, node))
  }

  /** The thresholds with `per` that would watch a node about to be born at or below this one. */
  awaiting(at: Node, index: number, { level, process }: Expected): Threshold[] {
    if (!this.#switches.isOn(index)) return []
    return [...this.#set.over(at)].filter(
      ({ index: own, definition: { per, where } }) =>
        own === index && per === level && (where === null || fits(where, process, partitionOf(at))),
    )
  }
}
