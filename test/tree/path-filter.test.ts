/** Tests pathname patterns of event streams: which pathnames they match, and which are refused. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePathFilter } from '../../src/tree/path-filter.ts'
import { Bench } from '../kernel/support.ts'

const bench = new Bench({ selfPid: 42 })
const process = bench.process(42, { partition: ['web', 'a/b'] })
bench.thread(process, 42)
bench.process(43, { partition: ['*'] })
const filter = (path: string, past = false) => parsePathFilter(bench.kernel, path, { past })

describe('matching pathnames', () => {
  test.each([
    ['/sys', ['/sys', '/sys/proc/1', '/sys/deadlocks/7'], ['/system']],
    ['/sys/proc', ['/sys/proc', '/sys/proc/1/fds'], ['/sys', '/sys/part/web']],
    ['/sys/proc/42', ['/sys/proc/42', '/sys/proc/42/thread/42'], ['/sys/proc/4', '/sys/proc/420']],
    ['/sys/proc/self', ['/sys/proc/42'], ['/sys/proc/self']],
    ['/sys/part/web/part/a%2Fb/proc/42', ['/sys/proc/42/fds'], ['/sys/proc/4']],
    [
      '/sys/proc/*/fds',
      ['/sys/proc/42/fds', '/sys/proc/1/fds/threshold/hog'],
      ['/sys/proc/1', '/sys/fds', '/sys/proc/1/fdsx'],
    ],
    ['/sys/proc/*/thread/*/stack', ['/sys/proc/42/thread/1/stack'], ['/sys/proc/42/stack', '/sys/proc/42/thread/1']],
    ['/sys/proc/**', ['/sys/proc/1', '/sys/proc/1/fds'], ['/sys/proc', '/sys/processes']],
    ['/sys/proc/42/**', ['/sys/proc/42/fds'], ['/sys/proc/42', '/sys/proc/421/fds']],
    ['/sys/*/threshold/*', ['/sys/fds/threshold/hog'], ['/sys/proc/42/fds/threshold/hog', '/sys/fds']],
    ['/sys/part/*', ['/sys/part/web', '/sys/part/*', '/sys/part/web/part/a%2Fb'], ['/sys/part']],
    ['/sys/part/%2A', ['/sys/part/*'], ['/sys/part/web']],
    ['/sys/part/web/part/*', ['/sys/part/web/part/a%2Fb'], ['/sys/part/web']],
    ['/sys/deadlocks/*', ['/sys/deadlocks/1047'], ['/sys/deadlocks']],
  ])('%s', (path, yes, no) => {
    const { concerns } = { concerns: (place: string) => filter(path).concerns([place]) }
    expect([yes.filter((place) => !concerns(place)), no.filter(concerns)]).toEqual([[], []])
  })

  test('processes of a partition match by their own pathnames', () => {
    for (const path of ['/sys/part/web/proc', '/sys/part/web/proc/*', '/sys/part/*/proc/**']) {
      const found = filter(path)
      expect(found.root).toBe('/sys/proc')
      expect(found.concerns(['/sys/proc/42/fds', '/sys/part/web/part/a%2Fb'])).toBe(true)
      expect(found.concerns(['/sys/proc/42/fds'])).toBe(false)
      expect(found.concerns(['/sys/part/web'])).toBe(false)
    }
  })

  test('the root of a plain pathname is itself, and that of a pattern is the part before its first *', () => {
    expect(filter('/sys/proc/42/fds')).toMatchObject({
      text: '/sys/proc/42/fds',
      root: '/sys/proc/42/fds',
      isPlain: true,
    })
    expect(filter('/sys/proc/42/*/threshold/x')).toMatchObject({ root: '/sys/proc/42', isPlain: false })
    expect(filter('/sys/part/%2A').text).toBe('/sys/part/%2A')
  })
})

describe('impossible pathnames are refused', () => {
  test.each([
    '/sys/proc/*/fdz',
    '/sys/proc/*/thread/*/thread',
    '/sys/*/nothing/else',
    '/sysx/*',
    '/*',
    '/sys/proc/x/**',
    '/sys/fdz/**',
  ])('%s', (path) => {
    expect(() => filter(path)).toThrow('does not exist')
  })

  test.each(['/sys/proc/4*', '/sys/**/fds', '/sys/***', '/sys//*', '/sys/part/%zz/*'])(
    '%s is not a valid pattern',
    (path) => {
      expect(() => filter(path)).toThrow(/\*|empty segment|percent-encoded/)
    },
  )

  test('for past events only impossible pathnames are refused, because others may have existed', () => {
    expect(() => filter('/sys/proc/99')).toThrow('does not exist')
    expect(filter('/sys/proc/99', true).concerns(['/sys/proc/99/fds'])).toBe(true)
    expect(() => filter('/sys/proc/99/fdz', true)).toThrow('does not exist')
    expect(filter('/sys/part/gone/proc/7', true).concerns(['/sys/proc/7', '/sys/part/gone'])).toBe(true)
  })
})

test('a pathname with some segments replaced by * matches the pathname and everything below it', () => {
  const places = [
    '/sys/proc/42/thread/42/stack',
    '/sys/part/web/part/a%2Fb/fds/threshold/x',
    '/sys/part/%2A/memory',
    '/sys/fds/threshold/a.b',
  ]
  fc.assert(
    fc.property(
      fc.constantFrom(...places),
      fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
      (place, stars) => {
        const segments = place.split('/').map((segment, at) => (at > 1 && stars[at] ? '*' : segment))
        const found = filter(segments.join('/'), true)
        const canonical = place.replace('%2A', '*')
        expect(found.concerns([canonical])).toBe(true)
        expect(found.concerns([`${canonical}/more`])).toBe(true)
        expect(found.concerns([`${canonical}more`])).toBe(segments.at(-1) === '*')
        expect(canonical.startsWith(found.root)).toBe(true)
      },
    ),
  )
})
