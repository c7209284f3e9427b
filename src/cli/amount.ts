/** Amounts of a limit for people. */

import { limits } from '../kernel/limits/table.ts'
import { countText, cpuText, sizeText } from '../tree/text.ts'

const texts: Readonly<Record<string, (amount: number) => string>> = {
  bytes: sizeText,
  permille: cpuText,
  µs: (amount) => `${(amount / 1e6).toFixed(1)}s`,
}

/** In the unit of the limit; `-` where it is not known. */
export function amountText(limit: string, amount: number | null | undefined): string {
  const unit = limits.find(({ name }) => name === limit)?.unit ?? 'count'
  const text = texts[unit]
  return text === undefined || amount === null || amount === undefined ? countText(amount) : text(amount)
}
