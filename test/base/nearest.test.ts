/** Tests the suggestions for misspelt words. */

import { expect, test } from 'vitest'
import { didYouMean, nearest } from '../../src/base/nearest.ts'

test.each([
  ['prot', 'port'],
  ['fdss', 'fds'],
  ['fsd', 'fds'],
  ['MEMORY', 'memory'],
  ['thraeds', 'threads'],
])('the suggestion for %s is %s', (word, name) => {
  expect(nearest(word, ['port', 'fds', 'memory', 'threads'])).toBe(name)
})

test('a word unlike every name, or a very long word, has no suggestion', () => {
  expect(nearest('colour', ['port', 'fds'])).toBeNull()
  expect(nearest('port'.repeat(1000), ['port'.repeat(1000)])).toBeNull()
  expect([didYouMean('colour', ['port']), didYouMean('prt', ['port'])]).toEqual(['', '; did you mean port?'])
})
