/** Holds the language and the size of the project's files to the house style, with a ratchet for faults of old. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readProject } from './project.ts'
import { allowancesPath, complaints, countsOf, readAllowances } from './ratchet.ts'
import { proseRules, rules } from './rules.ts'

const root = new URL('../..', import.meta.url).pathname
const files = readProject(root)
const allowances = readAllowances(join(root, allowancesPath))

test.each(proseRules.map((rule) => [rule.summary, rule] as const))('%s', (_, { name, find }) => {
  expect(complaints(name, countsOf(find(files)), allowances[name] ?? {})).toEqual([])
})

test('allowances exist for known rules only', () => {
  expect(Object.keys(allowances)).toEqual(rules.map(({ name }) => name))
})

test('the rules see every kind of file', () => {
  const paths = files.map(({ path }) => path)
  for (const path of [
    'README.md',
    'docs/architecture.md',
    'src/main.ts',
    'test/style/prose.test.ts',
    'vitest.config.ts',
  ])
    expect(paths).toContain(path)
  for (const ending of ['.c', '.py', '.sh', '.yaml']) expect(paths.some((path) => path.endsWith(ending))).toBe(true)
})
