/** Checks the documentation of scenarios against the code. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { ExpectBody, FileBody } from '../../src/scenario/file.ts'
import { allowedKeys } from '../../src/scenario/steps.ts'
import { differences, runText, shipped } from './support.ts'

const page = readFileSync(new URL('../../docs/reference/scenarios.md', import.meta.url), 'utf8')

test('the page documents exactly the existing keys, steps, modifiers, expectations and scenarios', () => {
  const documented = [...page.matchAll(/^\| `([^`$]+)`/gm)].map(([, name]) => name)
  const there = [FileBody, ExpectBody].flatMap(({ shape }) => Object.keys(shape))
  expect(documented.sort()).toEqual([...there, 'sleep', 'repeat', 'random', ...allowedKeys.call, ...shipped].sort())
})

test('the example on the page is a valid scenario and meets its expectations', () => {
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text)
  expect(differences(runText(blocks.join('')))).toEqual([])
  // The example uses every part of a file.
  for (const key of Object.keys(FileBody.shape)) expect(blocks.join('')).toMatch(new RegExp(`^${key}:`, 'm'))
})

test('the bounds on the page are the actual ones', () => {
  const { scenarioBytesMax, scenarioMsMax, scenarioCallsMax, scenarioExpiriesMax } = bounds
  const number = (value: number): string => value.toLocaleString('en')
  expect(page).toContain(`at most ${scenarioBytesMax / 2 ** 20} MiB`)
  expect(page).toContain(`up to ${scenarioMsMax / 3_600_000}h`)
  expect(page).toContain(`${number(scenarioCallsMax)} calls or ${number(scenarioExpiriesMax)} expiries of timers`)
})
