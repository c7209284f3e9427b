/** Defines a rule: a threshold or a timeout from a file, which the service sets and removes. */

import type { TimeoutDefinition } from '../kernel/deadlock/default-timeout.ts'
import type { LimitName } from '../kernel/limits/table.ts'
import type { ThresholdDefinition } from '../kernel/limits/thresholds/threshold.ts'
import type { RulePlace } from '../tree/rule-owner.ts'

interface PlacedRule extends RulePlace {
  /** Canonical pathname of the threshold or timeout. */
  readonly path: string
  /** Pathname of the system or partition that it is set at. */
  readonly node: string
}

export interface ThresholdRule extends PlacedRule {
  readonly kind: 'threshold'
  readonly limit: LimitName
  readonly name: string
  readonly definition: ThresholdDefinition
}

export interface TimeoutRule extends PlacedRule {
  readonly kind: 'timeout'
  readonly definition: TimeoutDefinition
}

export type Rule = ThresholdRule | TimeoutRule
