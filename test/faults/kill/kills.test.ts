/** `npm run faults` in short: the real service, killed at random moments under load. */

import { expect, test } from 'vitest'
import { killOverAndOver } from './lives.ts'

test('killed over and over, it has kept all that anybody was told or answered, and tells it once', async () => {
  const { kept, sent, acknowledged, faults } = await killOverAndOver({ kills: 6, seed: 20_261_122 })
  expect(faults).toEqual([])
  // Something was at stake.
  expect(Math.min(kept, sent / 2)).toBeGreaterThan(100)
  expect(acknowledged).toBeGreaterThan(10)
}, 180_000)
