/** Failures that the scan worker reports, and their ends. */

import { expect, test } from 'vitest'
import type { ScanMessage } from '../../../../src/sources/linux/protocol.ts'
import { DegradationReports } from '../../../../src/sources/linux/scan/degrading.ts'

function reportsOf() {
  const posted: ScanMessage[] = []
  return { posted, reports: new DegradationReports((message) => posted.push(message)) }
}

test('a failure is posted once, again with another reason, and its end once', () => {
  const { posted, reports } = reportsOf()
  for (const reason of ['one', 'one', 'two']) reports.degraded('system', reason)
  for (let scan = 0; scan < 3; scan++) reports.recovered('system')
  expect(posted).toEqual([
    { type: 'degraded', what: 'system', reason: 'one' },
    { type: 'degraded', what: 'system', reason: 'two' },
    { type: 'recovered', what: 'system' },
  ])
})

test('a new worker takes back what the worker before it had reported and what works now', () => {
  const { posted, reports } = reportsOf()
  for (let scan = 0; scan < 3; scan++) reports.recovered('descriptors')
  expect(posted).toEqual([{ type: 'recovered', what: 'descriptors' }])
})
