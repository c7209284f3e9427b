import { expect, test } from 'vitest'
import { linuxAbilities } from '../../../src/sources/linux/abilities.ts'

const told = linuxAbilities({ fastMs: 25, fullMs: 1000, birthsReported: true })
const polled = linuxAbilities({ fastMs: 25, fullMs: 1500, birthsReported: false })

test('the period of a limit is that of the scan which reads it', () => {
  expect(told.period('fds', 'process', true)).toBe('25ms')
  expect(told.period('fds', 'process', false)).toBe('1s')
  expect(told.period('memory', 'system', true)).toBe('25ms')
  expect(told.period('memory', 'partition', true)).toBe('1s')
  expect(told.period('threads', 'process', true)).toBeNull()
  expect(polled.period('threads', 'process', true)).toBe('1.5s')
})
