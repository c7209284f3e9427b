/** A short run of `npm run faults`: a real service is killed at random moments under load. */

import { expect, test } from 'vitest'
import { killRepeatedly } from './kill-runs.ts'

test('a service that is killed repeatedly loses nothing that it sent or acknowledged, and sends each event once', async () => {
  const { stored, sent, acknowledged, faults } = await killRepeatedly({ kills: 6, seed: 20_261_122 })
  expect(faults).toEqual([])
  // The load was large enough to be meaningful.
  expect(Math.min(stored, sent / 2)).toBeGreaterThan(100)
  expect(acknowledged).toBeGreaterThan(10)
}, 180_000)
