/** The ratchet of the style rules lowers allowances and never raises one. */

import { expect, test } from 'vitest'
import { complaints, countsOf, shrink } from './ratchet.ts'

const always = () => true

test('a file with more or fewer faults than allowed is reported', () => {
  expect(complaints('words', { a: 3, b: 1, c: 2, d: 1 }, { a: 2, b: 2, c: 2, e: 1 })).toEqual([
    'a: 3 faults of rule "words", 2 allowed: npm run prose -- --rule words a',
    'b: 1 faults of rule "words", 2 allowed: npm run prose -- --shrink',
    'd: 1 faults of rule "words", 0 allowed: npm run prose -- --rule words d',
    'e: 0 faults of rule "words", 1 allowed: npm run prose -- --shrink',
  ])
})

test('shrinking lowers allowances to the present counts, drops empty ones and raises none', () => {
  expect(shrink({ a: 1, b: 5, d: 1 }, { a: 3, b: 4, c: 2 }, always)).toEqual({ a: 1, b: 4 })
})

test('a moved file takes over the allowance of its old path, and the sum does not grow', () => {
  const exists = (path: string) => path !== 'old'
  expect(shrink({ new: 3 }, { old: 3 }, exists)).toEqual({ new: 3 })
  expect(shrink({ new: 2, other: 4 }, { old: 3 }, exists)).toEqual({ new: 2, other: 1 })
  expect(shrink({ new: 3 }, { old: 3 }, always)).toEqual({})
})

test('findings are counted by path', () => {
  const finding = (path: string) => ({ path, line: 1, text: '' })
  expect(countsOf([finding('a'), finding('b'), finding('a')])).toEqual({ a: 2, b: 1 })
})
