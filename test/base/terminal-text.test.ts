/** Escaping of characters that would control a terminal or change the direction of its text. */

import { expect, test } from 'vitest'
import { printable, terminalJson } from '../../src/base/terminal-text.ts'

test.each([
  ['\u001b[2J', '\\x1b[2J'],
  ['\u009b2J', '\\x9b2J'],
  ['a\u2028b', 'a\\u2028b'],
  ['exe\u202ecod.', 'exe\\u202ecod.'],
  ['\u202b\u2066\u2069\u200e\u200f\u061c', '\\u202b\\u2066\\u2069\\u200e\\u200f\\u061c'],
  ['ü 漢字 😀 עברית', 'ü 漢字 😀 עברית'],
])('%j is shown as %s', (text, shown) => {
  expect(printable(text)).toBe(shown)
})

test('JSON for a terminal has the same values, and no such character', () => {
  const value = { name: 'a\u202eb\u009b\u001b\u2066ü' }
  const json = terminalJson(JSON.stringify(value))
  expect(json).toBe('{"name":"a\\u202eb\\u009b\\u001b\\u2066ü"}')
  expect(JSON.parse(json)).toEqual(value)
})
