/** Writes amounts of limits for people: bytes as 1.5K, CPU as a percentage, times in seconds. */

import { limits } from './table.ts'

const sizes = ['B', 'K', 'M', 'G', 'T', 'P']

/** Bytes for people: 0B, 1.5K, 12M. */
export function sizeText(bytes: number | undefined): string {
  if (bytes === undefined) return '-'
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < sizes.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)}${sizes[unit]}`
}

export function countText(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : String(value)
}

/** Permille of one CPU as a percentage. */
export function cpuText(permille: number | undefined): string {
  return permille === undefined ? '-' : `${(permille / 10).toFixed(1)}%`
}

const texts: Readonly<Record<string, (amount: number) => string>> = {
  bytes: sizeText,
  permille: cpuText,
  µs: (amount) => `${(amount / 1e6).toFixed(1)}s`,
}

/** In the unit of the limit; `-` where the amount is not known. A limit that does not exist counts in ones. */
export function amountText(limit: string, amount: number | null | undefined): string {
  const unit = limits.find(({ name }) => name === limit)?.unit ?? 'count'
  const text = texts[unit]
  return text === undefined || amount === null || amount === undefined ? countText(amount) : text(amount)
}
