/** Formats amounts of a limit for terminals, such as `1.5M` for bytes and `12%` for CPU. */

import { limits } from '../kernel/limits/table.ts'
import { countText, cpuText, sizeText } from '../tree/text.ts'

const texts: Readonly<Record<string, (amount: number) => string>> = {
  bytes: sizeText,
  permille: cpuText,
  µs: (amount) => `${(amount / 1e6).toFixed(1)}s`,
}

/** Formats an amount in the unit of the limit; `-` if it is unknown. */
export function amountText(limit: string, amount: number | null | undefined): string {
  const unit = limits.find(({ name }) => name === limit)?.unit ?? 'count'
  const text = texts[unit]
  return text === undefined || amount === null || amount === undefined ? countText(amount) : text(amount)
}
