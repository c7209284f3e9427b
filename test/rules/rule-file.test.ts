/** Tests the parsing of rules files: definitions as PUT takes them, and every fault with its line. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRules } from '../../src/rules/rule-file.ts'

const parse = (text: string, otherKeys: readonly string[] = []) => parseRules(text, { file: '/r.yaml', otherKeys })

test('a definition is the body of a PUT, its text form, or the trip point alone', () => {
  const { rules, faults } = parse(`# rules
thresholds:
  /sys/fds/threshold/a: 100 per=process where.exe=nginx
  /sys/fds/threshold/b: 100
  /sys/memory-free/threshold/low:
    at: 10%
    direction: falling
    rearm: 12%
    for: 5s
    once: true
    note: low memory
  /sys/memory/threshold/big: { at: 1.5G, rearm: 500M }
  /sys/part/system.slice/part/a%25b.service/threads/threshold/every: { on: change, delta: 2, every: 1s, ttl: 1h }
timeouts:
  /sys/timeout: 30s states=MUTEX
  /sys/part/web/timeout: { states: [] }
`)
  expect(faults).toEqual([])
  expect(rules.map(({ path, line }) => `${line} ${path}`)).toEqual([
    '3 /sys/fds/threshold/a',
    '4 /sys/fds/threshold/b',
    '5 /sys/memory-free/threshold/low',
    '12 /sys/memory/threshold/big',
    '13 /sys/part/system.slice/part/a%25b.service/threads/threshold/every',
    '15 /sys/timeout',
    '16 /sys/part/web/timeout',
  ])
  expect(rules[0]).toMatchObject({
    kind: 'threshold',
    node: '/sys',
    limit: 'fds',
    name: 'a',
    definition: { at: 100, per: 'process', where: { exe: 'nginx', name: null } },
  })
  expect(rules[5]).toMatchObject({ kind: 'timeout', node: '/sys', definition: { afterMs: 30_000, states: ['MUTEX'] } })
})

describe('one fault names its line for', () => {
  test.each([
    ['no YAML', 'thresholds: {\n', 2, /^this is not YAML/],
    ['an unknown key', 'threshold:\n  /sys/fds/threshold/a: 1\n', 1, /^there is no key threshold; did you mean/],
    ['a list', '- 1\n', 1, /^expected the keys thresholds and timeouts$/],
    ['a list of thresholds', 'thresholds:\n  - 1\n', 2, /^expected a map from pathnames to thresholds$/],
    [
      'a limit that there is not',
      'thresholds:\n\n  /sys/fdz/threshold/a: 1\n',
      3,
      /no limit fdz at \/sys; did you mean fds\?$/,
    ],
    ['a limit of another level', 'thresholds:\n  /sys/part/a/children/threshold/a: 1\n', 2, /no limit children/],
    [
      'a process',
      'thresholds:\n  /sys/proc/42/fds/threshold/a: 1\n',
      2,
      /a process ends, and a rule stays.*per: process and where$/,
    ],
    ['a path without a threshold', 'thresholds:\n  /sys/fds: 1\n', 2, /expected the pathname of a threshold/],
    ['a path elsewhere', 'thresholds:\n  /proc/fds: 1\n', 2, /expected the pathname of a threshold/],
    ['a wrong escape', 'thresholds:\n  /sys/part/%zz/fds/threshold/a: 1\n', 2, /%zz is not percent-encoded UTF-8$/],
    ['a timeout elsewhere', 'timeouts:\n  /sys/fds: 1s\n', 2, /expected the pathname of a timeout/],
    ['a number for a timeout', 'timeouts:\n  /sys/timeout: 5\n', 2, /^expected the fields of a PUT, or its text form$/],
    [
      'a pathname twice',
      'thresholds:\n  /sys/fds/threshold/a: 1\n  /sys/fds/threshold/a: 2\n',
      3,
      /^this is not YAML: Map keys must be unique$/,
    ],
    ['an unknown field', 'thresholds:\n  /sys/fds/threshold/a:\n    at: 1\n    att: 1\n', 4, /^there is no field att$/],
    ['a wrong value', 'thresholds:\n  /sys/fds/threshold/a:\n    per: process\n    at: -1\n', 4, /^at: Too small/],
    [
      'a wrong nested value',
      'thresholds:\n  /sys/fds/threshold/a:\n    per: process\n    at: 1\n    where:\n      uid: x\n',
      6,
      /^where.uid: Invalid input/,
    ],
    [
      'a contradiction',
      'thresholds:\n  /sys/fds/threshold/a:\n    at: 5\n    rearm: 6\n',
      4,
      /^"rearm" must lie strictly below/,
    ],
    [
      'a filter without per',
      'thresholds:\n  /sys/fds/threshold/a:\n    at: 5\n    where: {uid: 0}\n',
      4,
      /goes with "per"$/,
    ],
    ['malformed text', 'thresholds:\n  /sys/fds/threshold/a: 5 rearm\n', 2, /"rearm" is not name=value/],
  ])('%s', (_, text, line, detail) => {
    expect(parse(text)).toEqual({
      rules: [],
      faults: [{ file: '/r.yaml', line, detail: expect.stringMatching(detail) }],
    })
  })
})

test('a file is checked to its end, and an empty one has no rules', () => {
  expect(
    parse('thresholds:\n  /sys/fdz/threshold/a: 1\n  /sys/fds/threshold/b: -1\n').faults.map(({ line }) => line),
  ).toEqual([2, 3])
  for (const text of ['', '# nothing\n', 'thresholds:\n', 'timeouts: {}\n'])
    expect(parse(text)).toEqual({ rules: [], faults: [] })
})

test('a configuration file may have other keys, which are not checked here', () => {
  expect(parse('port: x\nthresholds:\n  /sys/fds/threshold/a: 1\n', ['port']).rules).toHaveLength(1)
})

test('any values give rules or faults with lines, and never another error', () => {
  const path = fc.constantFrom(
    '/sys/fds/threshold/a',
    '/sys/part/x/memory/threshold/%20',
    '/sys/timeout',
    '/sys//fds',
    '',
  )
  const field = fc.constantFrom(
    'at',
    'rearm',
    'per',
    'where',
    'for',
    'after',
    'states',
    'on',
    'ttl',
    'action',
    'signal',
  )
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('5', '80%', '1G', 'process', '1s', 'change', 'signal', -1, 0.5),
  )
  const body = fc.oneof(value, fc.dictionary(field, value))
  const section = fc.oneof(fc.dictionary(path, body), fc.jsonValue())
  const file = fc.record({ thresholds: section, timeouts: section }, { requiredKeys: [] })
  fc.assert(
    fc.property(file, (content) => {
      const { rules, faults } = parse(JSON.stringify(content, null, 1))
      for (const { line, detail } of faults) {
        expect(line).toBeGreaterThan(0)
        expect(detail).toMatch(/^[^\n]+$/)
      }
      for (const rule of rules) expect(rule.path.startsWith(rule.node)).toBe(true)
    }),
    { numRuns: 500 },
  )
})
