/** Tests the seeded random numbers of scenarios. */

import { expect, test } from 'vitest'
import { Random } from '../../src/scenario/random.ts'

const take = (seed: number, count: number, [low, high]: [number, number]): number[] => {
  const random = new Random(seed)
  return Array.from({ length: count }, () => random.between(low, high))
}

test('the words are those of Mulberry32', () => {
  const all: [number, number] = [0, 2 ** 32 - 1]
  expect(take(0, 3, all)).toEqual([1144304738, 1416247, 958946056])
  expect(take(1, 3, all)).toEqual([2693262067, 11749833, 2265367787])
  expect(take(2 ** 32 - 1, 3, all)).toEqual([3850105811, 813802916, 3073704848])
})

test('numbers lie between the bounds and reach both', () => {
  const numbers = take(1, 10_000, [-2, 3])
  expect([...new Set(numbers)].sort((one, other) => one - other)).toEqual([-2, -1, 0, 1, 2, 3])
  expect(take(1, 5, [4, 4])).toEqual([4, 4, 4, 4, 4])
})
