/** The page on scenarios says what the code says. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { ExpectBody, FileBody } from '../../src/scenario/file.ts'
import { allowedKeys } from '../../src/scenario/steps.ts'
import { differences, runText, shipped } from './support.ts'

const page = readFileSync(new URL('../../docs/reference/scenarios.md', import.meta.url), 'utf8')

test('it documents each key of a file, step, what may stand beside one, expectation and scenario, and no others', () => {
  const documented = [...page.matchAll(/^\| `([^`$]+)`/gm)].map(([, name]) => name)
  const there = [FileBody, ExpectBody].flatMap(({ shape }) => Object.keys(shape))
  expect(documented.sort()).toEqual([...there, 'sleep', 'repeat', 'random', ...allowedKeys.call, ...shipped].sort())
})

test('its example is a scenario, and comes out as it expects', () => {
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text)
  expect(differences(runText(blocks.join('')))).toEqual([])
  // It has all that a file can have.
  for (const key of Object.keys(FileBody.shape)) expect(blocks.join('')).toMatch(new RegExp(`^${key}:`, 'm'))
})

test('the bounds that it names are those that hold', () => {
  const { scenarioBytesMax, scenarioMsMax, scenarioCallsMax, scenarioExpiriesMax } = bounds
  const number = (value: number): string => value.toLocaleString('en')
  expect(page).toContain(`at most ${scenarioBytesMax / 2 ** 20} MiB`)
  expect(page).toContain(`up to ${scenarioMsMax / 3_600_000}h`)
  expect(page).toContain(`${number(scenarioCallsMax)} calls or ${number(scenarioExpiriesMax)} expiries of timers`)
})
