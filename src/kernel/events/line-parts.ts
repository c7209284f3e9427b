/**
 * Writes the parts of one-line texts of events. Values come from a service of any version, so they are of unknown type.
 */

import { amountText } from '../limits/amount-text.ts'

/** `-` for what is absent. */
export function plainText(value: unknown): string {
  return value === null || value === undefined ? '-' : String(value)
}

export function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

export function limitAmountText(limit: unknown, amount: unknown): string {
  return amountText(plainText(limit), numberOrNull(amount))
}

/** The note of a threshold in brackets; nothing where there is none. */
export function noteText(note: unknown): string {
  return typeof note === 'string' ? ` (${note})` : ''
}

/** With the name of the process in front, where it is known. */
export function withName(name: unknown, rest: string): string {
  return typeof name === 'string' ? `${name}: ${rest}` : rest
}

/** Every plain value of the data, as `name=value`. */
export function plainValuesText(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .filter(([, value]) => typeof value !== 'object')
    .map(([name, value]) => `${name}=${plainText(value)}`)
    .join(' ')
}
