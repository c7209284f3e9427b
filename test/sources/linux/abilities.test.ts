/** Periods that the live source states for its limits. */

import { expect, test } from 'vitest'
import { linuxAbilities } from '../../../src/sources/linux/abilities.ts'

const reported = linuxAbilities({ fastMs: 25, fullMs: 1000, birthsReported: true })
const polled = linuxAbilities({ fastMs: 25, fullMs: 1500, birthsReported: false })

test('the period of a limit is that of the scan which reads it', () => {
  expect(reported.period('fds', 'process', true)).toBe('25ms')
  expect(reported.period('fds', 'process', false)).toBe('1s')
  expect(reported.period('memory', 'system', true)).toBe('25ms')
  expect(reported.period('memory', 'partition', true)).toBe('1s')
  expect(reported.period('threads', 'process', true)).toBeNull()
  expect(polled.period('threads', 'process', true)).toBe('1.5s')
})
