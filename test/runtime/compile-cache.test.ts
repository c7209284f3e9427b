/** Tests the directory of compiled code: where it is, and that nobody else can put code into it. */

import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cacheDirectory, privatePath } from '../../src/runtime/compile-cache.ts'

const folder = mkdtempSync(join(tmpdir(), 'introspectd-cache-'))

afterAll(() => rmSync(folder, { recursive: true }))

test.each([
  [{ CACHE_DIRECTORY: '/var/cache/introspectd', XDG_CACHE_HOME: '/x' }, '/var/cache/introspectd/compiled'],
  [{ CACHE_DIRECTORY: '/var/cache/one:/var/cache/two' }, '/var/cache/one/compiled'],
  [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/introspectd/compiled'],
  [{ XDG_CACHE_HOME: 'x', HOME: '/h' }, '/h/.cache/introspectd/compiled'],
  [{ HOME: '' }, null],
  [{}, null],
] as const)('%j gives the directory %s', (environment, directory) => {
  expect(cacheDirectory(environment)).toBe(directory)
})

test('a directory is created for its owner only, and is refused if others could put code into it', () => {
  const own = join(folder, 'one/introspectd/compiled')
  expect(privatePath(own)).toBe(own)
  const link = join(folder, 'link')
  symlinkSync(own, link)
  expect(privatePath(link)).toBe(own)
  chmodSync(own, 0o775)
  expect([privatePath(own), privatePath(link)]).toEqual([null, null])
  const below = join(folder, 'two')
  mkdirSync(below)
  chmodSync(below, 0o777)
  expect(privatePath(join(below, 'compiled'))).toBe(null)
  expect(privatePath('/proc/introspectd')).toBe(null)
})

test.runIf(process.geteuid?.() === 0)('root does not use a cache in the home of a user', () => {
  const home = join(folder, 'home')
  mkdirSync(home)
  chownSync(home, 1000, 1000)
  expect(privatePath(join(home, '.cache/introspectd/compiled'))).toBe(null)
})
