import { beforeEach, expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { EventLoopMonitor } from '../../src/runtime/event-loop-monitor.ts'

const { loopBlockedMs, loopCalmMs, loopLookEveryMs } = bounds

let now: number
let watch: EventLoopMonitor
let told: (number | 'calm')[]

beforeEach(() => {
  now = 1_000
  told = []
  watch = new EventLoopMonitor(() => now)
  watch.start({ onBlocked: (ms) => told.push(ms), onCalm: () => told.push('calm') })
  watch.stop()
})

function lookAfter(ms: number): void {
  now += ms
  watch.look()
}

test('a timer that comes in time, or a little late, is nothing to tell', () => {
  for (const late of [0, 5, loopBlockedMs - 1]) lookAfter(loopLookEveryMs + late)
  expect([told, watch.isBlocked]).toEqual([[], false])
})

test('one that comes too late is told with how late, each time', () => {
  lookAfter(loopLookEveryMs + loopBlockedMs)
  lookAfter(loopLookEveryMs)
  lookAfter(loopLookEveryMs + 7_000)
  expect([told, watch.isBlocked]).toEqual([[loopBlockedMs, 7_000], true])
})

test('it is over when the loop has turned freely for a while, and not before', () => {
  lookAfter(loopLookEveryMs + loopBlockedMs)
  for (let passed = 0; passed < loopCalmMs; passed += loopLookEveryMs) {
    expect(told).toEqual([loopBlockedMs])
    lookAfter(loopLookEveryMs)
  }
  expect([told, watch.isBlocked]).toEqual([[loopBlockedMs, 'calm'], false])
})
