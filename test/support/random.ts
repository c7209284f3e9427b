/** Seeded random numbers from 0 up to, but not including, 1. */

import { Random, seedMax } from '../../src/scenario/random.ts'

export function randomOf(seed: number): () => number {
  const random = new Random(seed)
  return () => random.between(0, seedMax) / (seedMax + 1)
}
