import { expect, test } from 'vitest'
import { didYouMean, nearest } from '../../src/base/nearest.ts'

test.each([
  ['prot', 'port'],
  ['fdss', 'fds'],
  ['fsd', 'fds'],
  ['MEMORY', 'memory'],
  ['thraeds', 'threads'],
])('%s is probably %s', (word, name) => {
  expect(nearest(word, ['port', 'fds', 'memory', 'threads'])).toBe(name)
})

test('what is like no name has no suggestion, and neither has a word that is no slip of a finger', () => {
  expect(nearest('colour', ['port', 'fds'])).toBeNull()
  expect(nearest('port'.repeat(1000), ['port'.repeat(1000)])).toBeNull()
  expect([didYouMean('colour', ['port']), didYouMean('prt', ['port'])]).toEqual(['', '; did you mean port?'])
})
