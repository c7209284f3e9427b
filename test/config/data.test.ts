import { homedir } from 'node:os'
import { expect, test } from 'vitest'
import { dataDirectory } from '../../src/config/data.ts'

const linux = { data: undefined, source: 'linux' } as const

test.each([
  ['of systemd', { STATE_DIRECTORY: '/var/lib/introspectd', XDG_STATE_HOME: '/x', HOME: '/h' }, '/var/lib/introspectd'],
  ['the first of several of systemd', { STATE_DIRECTORY: '/var/lib/one:/var/lib/two' }, '/var/lib/one'],
  ['of the user as XDG says', { XDG_STATE_HOME: '/x', HOME: '/h' }, '/x/introspectd'],
  ['in the home', { HOME: '/h' }, '/h/.local/state/introspectd'],
  ['in the home where XDG says nothing valid', { XDG_STATE_HOME: 'x', HOME: '/h' }, '/h/.local/state/introspectd'],
  ['in the home that the system knows', {}, `${homedir()}/.local/state/introspectd`],
])('a live machine has the state directory %s', (_whose, environment, expected) => {
  expect(dataDirectory(linux, environment)).toBe(expected)
})

test('what is said counts, for both sources; memory is nowhere', () => {
  for (const source of ['linux', 'model'] as const) {
    expect(dataDirectory({ data: 'here', source }, { HOME: '/h' })).toBe('here')
    expect(dataDirectory({ data: 'memory', source }, { HOME: '/h' })).toBeNull()
  }
})

test('a directory of that name can be had all the same', () => {
  expect(dataDirectory({ data: './memory', source: 'model' }, {})).toBe('./memory')
})

test('the model keeps nothing unless it is told where', () => {
  expect(dataDirectory({ data: undefined, source: 'model' }, { STATE_DIRECTORY: '/s', HOME: '/h' })).toBeNull()
})
