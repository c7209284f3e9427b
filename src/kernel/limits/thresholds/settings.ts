/** Defines thresholds and switches as plain data: their settings, without their present state. Exports the switches. */

import type { Kernel } from '../../kernel.ts'
import { type LimitName, limits } from '../table.ts'
import type { ThresholdDefinition } from './threshold.ts'

export interface ThresholdState {
  /** Pathname of the node that it is set at. */
  readonly node: string
  readonly limit: LimitName
  readonly name: string
  readonly definition: ThresholdDefinition
  readonly revision: number
  readonly owner: string | null
}

/** Switches of the notifier: the notifier as a whole, and the limits that are off. */
export interface SwitchesState {
  readonly enabled: boolean
  readonly disabled: readonly LimitName[]
}

export function exportSwitches({ notifier: { switches } }: Kernel): SwitchesState {
  const disabled = limits.filter((_, index) => !switches.isLimitOn(index)).map(({ name }) => name)
  return { enabled: switches.all, disabled }
}
