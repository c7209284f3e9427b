/** Defines columns that lists of thresholds share: amounts in the unit of the limit. */

import { amountText, pointText } from '../kernel/limits/amount-text.ts'
import type { Column } from './definition.ts'
import type { ThresholdView } from './threshold-views.ts'

/** Name of the limit in the pathname of a threshold. */
export function limitOfThreshold(path: string): string {
  return path.split('/').at(-3)!
}

export const atColumn: Column<ThresholdView> = {
  title: 'AT',
  align: 'right',
  cell: ({ path, at }) => (at === null ? 'change' : pointText(limitOfThreshold(path), at)),
}

export const valueColumn: Column<ThresholdView> = {
  title: 'VALUE',
  align: 'right',
  cell: ({ path, value }) => amountText(limitOfThreshold(path), value),
}
