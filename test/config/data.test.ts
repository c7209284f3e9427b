/** Tests the choice of the data directory. */

import { homedir } from 'node:os'
import { expect, test } from 'vitest'
import { dataDirectory } from '../../src/config/data.ts'

const linux = { data: undefined, source: 'linux' } as const

test.each([
  [
    'from systemd',
    { STATE_DIRECTORY: '/var/lib/introspectd', XDG_STATE_HOME: '/x', HOME: '/h' },
    '/var/lib/introspectd',
  ],
  ['from systemd, the first of several', { STATE_DIRECTORY: '/var/lib/one:/var/lib/two' }, '/var/lib/one'],
  ['from XDG_STATE_HOME', { XDG_STATE_HOME: '/x', HOME: '/h' }, '/x/introspectd'],
  ['in HOME', { HOME: '/h' }, '/h/.local/state/introspectd'],
  [
    'in HOME if XDG_STATE_HOME is not an absolute path',
    { XDG_STATE_HOME: 'x', HOME: '/h' },
    '/h/.local/state/introspectd',
  ],
  ['in the home directory of the user database if HOME is not set', {}, `${homedir()}/.local/state/introspectd`],
])('the live source uses the state directory %s', (_whose, environment, expected) => {
  expect(dataDirectory(linux, environment)).toBe(expected)
})

test('an explicit directory applies to both sources, and memory means none', () => {
  for (const source of ['linux', 'model'] as const) {
    expect(dataDirectory({ data: 'here', source }, { HOME: '/h' })).toBe('here')
    expect(dataDirectory({ data: 'memory', source }, { HOME: '/h' })).toBeNull()
  }
})

test('a directory named memory can be written as ./memory', () => {
  expect(dataDirectory({ data: './memory', source: 'model' }, {})).toBe('./memory')
})

test('the model stores nothing without an explicit directory', () => {
  expect(dataDirectory({ data: undefined, source: 'model' }, { STATE_DIRECTORY: '/s', HOME: '/h' })).toBeNull()
})
