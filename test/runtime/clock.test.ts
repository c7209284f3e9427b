/** Tests the clock of the service while the wall clock is set or adjusted. */

import { beforeEach, expect, test } from 'vitest'
import { ServiceClock } from '../../src/runtime/clock.ts'

const second = 1_000
const hour = 3_600 * second

let wall: number
let monotonicMs: number
let clock: ServiceClock
let reports: (number | 'agreed')[]

beforeEach(() => {
  wall = 1_700_000_000_000
  monotonicMs = 5_000
  reports = []
  clock = new ServiceClock({ wall: () => wall, monotonic: () => BigInt(monotonicMs) * 1_000_000n })
  clock.start({ onSet: (ms) => reports.push(ms), onAgreed: () => reports.push('agreed') })
  clock.stop()
})

function advance(ms: number): void {
  wall += ms
  monotonicMs += ms
}

test('the service clock equals the wall clock while that is not set', () => {
  for (const ms of [0, 1, 25, 60_000]) {
    advance(ms)
    clock.look()
    expect([clock.now(), clock.aheadMs]).toEqual([wall, 0])
  }
  expect(reports).toEqual([])
})

test('after the wall clock is set back by an hour, it continues more slowly until the two agree', () => {
  let last = clock.now()
  wall -= hour
  expect(clock.now()).toBe(last)
  clock.look()
  expect(reports).toEqual([-hour])
  advance(10 * second)
  expect(clock.now()).toBe(last + 9 * second)
  for (let passed = 10 * second; passed < 10 * hour; passed += second) {
    expect(reports).toEqual([-hour])
    advance(second)
    const now = clock.now()
    expect(now).toBe(last + (passed === 10 * second ? 9 * second : 0) + 0.9 * second)
    last = now
    clock.look()
  }
  expect(reports).toEqual([-hour, 'agreed'])
  expect(clock.now()).toBe(wall)
})

test('after the wall clock is set forward, it follows at once and reports the step', () => {
  advance(second)
  clock.look()
  wall += hour
  expect(clock.now()).toBe(wall)
  clock.look()
  clock.look()
  clock.look()
  expect(reports).toEqual([hour, 'agreed'])
})

test('adjustments of less than a second are followed and not reported', () => {
  wall -= 500
  for (let count = 0; count < 10; count++) {
    advance(second)
    clock.look()
  }
  expect([clock.now() - wall, reports]).toEqual([0, []])
})

test('a reading that was interrupted by the scheduler changes nothing', () => {
  const before = clock.now()
  let readings = 0
  const slow = new ServiceClock({
    wall: () => wall,
    monotonic: () => {
      // The second reading of each pair is late.
      if (readings++ % 2 === 0 && readings > 1) monotonicMs += 300
      return BigInt(monotonicMs) * 1_000_000n
    },
  })
  slow.now()
  expect(slow.offset[0]).toBe(clock.offset[0])
  expect(clock.now()).toBeGreaterThanOrEqual(before)
})
