/** Tests the units of limits: how amounts are parsed and written. */

import { expect, test } from 'vitest'
import { amountText, pointText } from '../../../src/kernel/limits/amount-text.ts'
import { exactText, type LimitUnit, parseAmount, units, unitText } from '../../../src/kernel/limits/units.ts'

test.each([
  ['bytes', '1G', 1024 ** 3],
  ['bytes', '1.5GiB', 1.5 * 1024 ** 3],
  ['bytes', '512k', 512 * 1024],
  ['bytes', '7B', 7],
  ['bytes', '0.3K', 307],
  ['µs', '250ms', 250_000],
  ['µs', '1.5s', 1_500_000],
  ['µs', '2m', 120e6],
  ['µs', '12us', 12],
  ['permille', '1.5cpu', 1500],
  ['permille', '0.29cpus', 290],
] as const)('in %s, %s is %d', (unit, word, amount) => {
  expect(parseAmount(unit, word)).toEqual({ kind: 'amount', amount })
})

test.each([
  ['bytes', '250ms'],
  ['bytes', '1MB'],
  ['count', '1G'],
  ['pages', '1K'],
  ['µs', '2M'],
  ['µs', '1G'],
  ['permille', '5s'],
] as const)('in %s, %s does not fit, and the expected forms are named', (unit, word) => {
  expect(parseAmount(unit, word)).toEqual({ kind: 'misfit', expected: expect.stringContaining('counted in') })
})

test.each(['many', '80%', '100', '', 'G', '1.5', '1,5G'])('%j is no amount with a unit', (word) => {
  expect(parseAmount('bytes', word)).toEqual({ kind: 'other' })
})

test('each text for people is understood again, or has all digits', () => {
  const names = Object.keys(units) as LimitUnit[]
  for (const unit of names) {
    for (const amount of [0, 1, 999, 1000, 1024, 1500, 250_000, 1_500_000, 1024 ** 3, 1_000_001]) {
      const text = exactText(unit, amount)
      const parsed = parseAmount(unit, text)
      if (parsed.kind === 'amount') expect([unit, text, parsed.amount]).toEqual([unit, text, amount])
      else if (unit !== 'permille') expect(Number.parseInt(text, 10)).toBe(amount)
    }
  }
})

test('amounts are written for people, in the unit of the limit', () => {
  expect(unitText('µs', 12)).toBe('12µs')
  expect(unitText('µs', 250_000)).toBe('250ms')
  expect(amountText('cpu-time', 1_500_000)).toBe('1.5s')
  expect(amountText('memory', 1.5 * 1024 ** 3)).toBe('1.5G')
  expect(amountText('cpu', 905)).toBe('90.5%')
  expect(amountText('fds', null)).toBe('-')
  expect(amountText('no-such-limit', 5)).toBe('5')
})

test('a trip point has all digits, and says what a percentage of CPU refers to', () => {
  expect(pointText('memory', 1024 ** 3)).toBe('1.0G')
  expect(pointText('memory', 1_000_000)).toBe('1000000 bytes')
  expect(pointText('memory', '80%')).toBe('80%')
  expect(pointText('fds', 100)).toBe('100')
  expect(pointText('cpu', 900)).toBe('90.0% of one CPU')
  expect(pointText('cpu', '90%')).toBe('90% of the capacity')
})
