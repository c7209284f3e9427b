/**
 * Defines the units of limits: each row says how people write an amount of that unit, and how it is shown to them. Text
 * forms, the command line, events and the reference derive from it.
 */

import { cpuText, microsecondsText, sizeText } from './unit-text.ts'

interface UnitRow {
  /** Factors by suffix. */
  readonly suffixes: Readonly<Record<string, number>>
  /** The suffixes may be written in lower case, too. */
  readonly anyCase?: true
  /** Explains to a person how to write an amount. */
  readonly written: string
  /** Writes an amount for people, rounded where that is shorter. */
  text(amount: number): string
}

const [kibi, minuteUs] = [1024, 60e6]

const byteSuffixes: Readonly<Record<string, number>> = {
  B: 1,
  ...Object.fromEntries(
    ['K', 'M', 'G', 'T', 'P'].flatMap((letter, place) => [
      [letter, kibi ** (place + 1)],
      [`${letter}iB`, kibi ** (place + 1)],
    ]),
  ),
}

export const units = {
  count: {
    suffixes: {},
    written: 'counted in ones: a whole number without a unit',
    text: String,
  },
  bytes: {
    suffixes: byteSuffixes,
    anyCase: true,
    written: 'counted in bytes: a number, or one with K, M, G, T or P, as in 1.5G; 1K is 1024',
    text: sizeText,
  },
  'bytes/s': {
    suffixes: {
      ...byteSuffixes,
      ...Object.fromEntries(Object.entries(byteSuffixes).map(([suffix, factor]) => [`${suffix}/s`, factor])),
    },
    anyCase: true,
    written: 'counted in bytes a second: a number, or one with K, M, G, T or P, as in 1.5M or 1.5M/s; 1K is 1024',
    text: (amount) => `${sizeText(amount)}/s`,
  },
  '1/s': {
    suffixes: {},
    written: 'counted in ones a second: a whole number without a unit',
    text: String,
  },
  pages: {
    suffixes: {},
    written: 'counted in pages: a whole number without a unit',
    text: String,
  },
  µs: {
    suffixes: { µs: 1, us: 1, ms: 1000, s: 1e6, m: minuteUs, h: 60 * minuteUs },
    written: 'counted in µs: a number, or one with us, ms, s, m or h, as in 250ms',
    text: microsecondsText,
  },
  permille: {
    suffixes: { cpu: 1000, cpus: 1000 },
    written:
      'counted in thousandths of one CPU: a number, or one with cpu, as in 1.5cpu; a percentage is of the capacity',
    text: cpuText,
  },
} as const satisfies Readonly<Record<string, UnitRow>>

export type LimitUnit = keyof typeof units

/** Rows of the table without their literal types. */
const rows: Readonly<Record<LimitUnit, UnitRow>> = units

export type ParsedAmount =
  | { readonly kind: 'amount'; readonly amount: number }
  /** The word is a number with a unit that amounts of this unit cannot have. */
  | { readonly kind: 'misfit'; readonly expected: string }
  | { readonly kind: 'other' }

/** Parses an amount as people write it: `1.5G` bytes, `250ms`, `2cpu`. It is rounded to a whole number. */
export function parseAmount(unit: LimitUnit, word: string): ParsedAmount {
  const [, number, suffix] = /^(-?\d+(?:\.\d+)?)([a-zµ]+[a-z/]*)$/i.exec(word) ?? []
  if (number === undefined || suffix === undefined) return { kind: 'other' }
  const { suffixes, anyCase, written } = rows[unit]
  const same = (one: string) => one === suffix || (anyCase && one.toLowerCase() === suffix.toLowerCase())
  const factor = Object.entries(suffixes).find(([name]) => same(name))?.[1]
  if (factor === undefined) return { kind: 'misfit', expected: written }
  return { kind: 'amount', amount: Math.round(Number(number) * factor) }
}

export function unitText(unit: LimitUnit, amount: number): string {
  return rows[unit].text(amount)
}

/** Writes an amount for people, with all digits where `unitText` would round. */
export function exactText(unit: LimitUnit, amount: number): string {
  const text = rows[unit].text(amount)
  if (text === String(amount) || unit === 'permille') return text
  const parsed = parseAmount(unit, text)
  return parsed.kind === 'amount' && parsed.amount === amount ? text : `${amount} ${unit}`
}
