import { beforeEach, expect, test } from 'vitest'
import { ServiceClock } from '../../src/runtime/clock.ts'

const second = 1_000
const hour = 3_600 * second

let wall: number
let monotonicMs: number
let clock: ServiceClock
let told: (number | 'agreed')[]

beforeEach(() => {
  wall = 1_700_000_000_000
  monotonicMs = 5_000
  told = []
  clock = new ServiceClock({ wall: () => wall, monotonic: () => BigInt(monotonicMs) * 1_000_000n })
  clock.start({ onSet: (ms) => told.push(ms), onAgreed: () => told.push('agreed') })
  clock.stop()
})

function pass(ms: number): void {
  wall += ms
  monotonicMs += ms
}

test('it is the wall clock while nobody sets that', () => {
  for (const ms of [0, 1, 25, 60_000]) {
    pass(ms)
    clock.look()
    expect([clock.now(), clock.aheadMs]).toEqual([wall, 0])
  }
  expect(told).toEqual([])
})

test('set back by an hour it goes on from where it was, a little slower, until the two agree', () => {
  let last = clock.now()
  wall -= hour
  expect(clock.now()).toBe(last)
  clock.look()
  expect(told).toEqual([-hour])
  pass(10 * second)
  expect(clock.now()).toBe(last + 9 * second)
  for (let passed = 10 * second; passed < 10 * hour; passed += second) {
    expect(told).toEqual([-hour])
    pass(second)
    const now = clock.now()
    expect(now).toBe(last + (passed === 10 * second ? 9 * second : 0) + 0.9 * second)
    last = now
    clock.look()
  }
  expect(told).toEqual([-hour, 'agreed'])
  expect(clock.now()).toBe(wall)
})

test('set forward it follows at once, and that is told and over', () => {
  pass(second)
  clock.look()
  wall += hour
  expect(clock.now()).toBe(wall)
  clock.look()
  clock.look()
  clock.look()
  expect(told).toEqual([hour, 'agreed'])
})

test('what the clock’s keepers mend by less than a second is followed, and not told', () => {
  wall -= 500
  for (let count = 0; count < 10; count++) {
    pass(second)
    clock.look()
  }
  expect([clock.now() - wall, told]).toEqual([0, []])
})

test('a reading during which this was put off the CPU changes nothing', () => {
  const before = clock.now()
  let readings = 0
  const slow = new ServiceClock({
    wall: () => wall,
    monotonic: () => {
      // The second reading of each pair comes late.
      if (readings++ % 2 === 0 && readings > 1) monotonicMs += 300
      return BigInt(monotonicMs) * 1_000_000n
    },
  })
  slow.now()
  expect(slow.offset[0]).toBe(clock.offset[0])
  expect(clock.now()).toBeGreaterThanOrEqual(before)
})
