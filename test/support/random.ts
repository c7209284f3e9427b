/** Random numbers from 0 up to 1 that a seed repeats. */

import { Random, seedMax } from '../../src/scenario/random.ts'

export function randomOf(seed: number): () => number {
  const random = new Random(seed)
  return () => random.between(0, seedMax) / (seedMax + 1)
}
