/** Writes amounts of a limit for people, in the unit of the limit. */

import { limits } from './table.ts'
import { countText } from './unit-text.ts'
import { exactText, type LimitUnit, unitText } from './units.ts'

/** Null where there is no such limit. */
export function unitOfLimit(limit: string): LimitUnit | null {
  return limits.find(({ name }) => name === limit)?.unit ?? null
}

/** In the unit of the limit; `-` where the amount is not known. A limit that does not exist counts in ones. */
export function amountText(limit: string, amount: number | null | undefined): string {
  if (amount === null || amount === undefined) return countText(amount)
  return unitText(unitOfLimit(limit) ?? 'count', amount)
}

/** A trip or re-arm point. It is not rounded. For CPU it says whether a percentage is of the capacity or of one CPU. */
export function pointText(limit: string, point: number | string): string {
  const unit = unitOfLimit(limit) ?? 'count'
  if (typeof point === 'number') return `${exactText(unit, point)}${unit === 'permille' ? ' of one CPU' : ''}`
  return unit === 'permille' ? `${point} of the capacity` : point
}
