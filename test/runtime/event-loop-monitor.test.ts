/** Tests the monitor that reports a blocked event loop. */

import { beforeEach, expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { EventLoopMonitor } from '../../src/runtime/event-loop-monitor.ts'

const { loopBlockedMs, loopCalmMs, loopLookEveryMs } = bounds

let now: number
let watch: EventLoopMonitor
let reports: (number | 'calm')[]

beforeEach(() => {
  now = 1_000
  reports = []
  watch = new EventLoopMonitor(() => now)
  watch.start({ onBlocked: (ms) => reports.push(ms), onCalm: () => reports.push('calm') })
  watch.stop()
})

function lookAfter(ms: number): void {
  now += ms
  watch.look()
}

test('a timer that fires in time or a little late is not reported', () => {
  for (const late of [0, 5, loopBlockedMs - 1]) lookAfter(loopLookEveryMs + late)
  expect([reports, watch.isBlocked]).toEqual([[], false])
})

test('every timer that fires too late is reported with its delay', () => {
  lookAfter(loopLookEveryMs + loopBlockedMs)
  lookAfter(loopLookEveryMs)
  lookAfter(loopLookEveryMs + 7_000)
  expect([reports, watch.isBlocked]).toEqual([[loopBlockedMs, 7_000], true])
})

test('the end is reported only after the event loop has run freely for a while', () => {
  lookAfter(loopLookEveryMs + loopBlockedMs)
  for (let passed = 0; passed < loopCalmMs; passed += loopLookEveryMs) {
    expect(reports).toEqual([loopBlockedMs])
    lookAfter(loopLookEveryMs)
  }
  expect([reports, watch.isBlocked]).toEqual([[loopBlockedMs, 'calm'], false])
})
