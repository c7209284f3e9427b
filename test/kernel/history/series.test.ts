/** The ring of intervals that stores the history of one limit on one node. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Interval, Series } from '../../../src/kernel/history/series.ts'

const everyMs = 100
const intervals = 5

test('each interval has its minimum, maximum and last value', () => {
  const series = new Series({ everyMs, intervals })
  for (const [at, value] of [
    [1000, 5],
    [1040, 2],
    [1099, 3],
    [1100, 7],
  ] as const)
    series.note(at, value, false)
  expect(series.since(0)).toEqual([
    { start: 1000, minimum: 2, maximum: 5, last: 3 },
    { start: 1100, minimum: 7, maximum: 7, last: 7 },
  ])
})

test('a sampled value is unknown in intervals without a sample', () => {
  const series = new Series({ everyMs, intervals })
  series.note(1000, 5, false)
  series.note(1250, 6, false)
  expect(series.since(1100)).toEqual([
    { start: 1100, minimum: null, maximum: null, last: null },
    { start: 1200, minimum: 6, maximum: 6, last: 6 },
  ])
})

test('a counted value fills the intervals since it was last noted', () => {
  const series = new Series({ everyMs, intervals })
  series.note(1000, 5, true)
  series.note(1250, 6, true)
  expect(series.since(0)).toEqual([
    { start: 1000, minimum: 5, maximum: 6, last: 6 },
    { start: 1100, minimum: 6, maximum: 6, last: 6 },
    { start: 1200, minimum: 6, maximum: 6, last: 6 },
  ])
})

test('a clock that is set back begins a new history', () => {
  const series = new Series({ everyMs, intervals })
  series.note(5000, 5, true)
  series.note(1000, 6, true)
  expect(series.since(0)).toEqual([{ start: 1000, minimum: 6, maximum: 6, last: 6 }])
})

/** Computes the same from a list of all values. */
function naive(notes: readonly { at: number; value: number }[]): Interval[] {
  const newest = Math.floor(notes.at(-1)!.at / everyMs)
  const first = Math.max(Math.floor(notes[0]!.at / everyMs), newest - intervals + 1)
  return Array.from({ length: newest - first + 1 }, (_, place) => {
    const start = (first + place) * everyMs
    const values = notes.filter(({ at }) => at >= start && at < start + everyMs).map(({ value }) => value)
    if (values.length === 0) return { start, minimum: null, maximum: null, last: null }
    return { start, minimum: Math.min(...values), maximum: Math.max(...values), last: values.at(-1)! }
  })
}

test('after any sequence of values the ring has the same intervals as the whole list', () => {
  const notes = fc.array(fc.record({ after: fc.integer({ min: 0, max: 350 }), value: fc.nat(50) }), { minLength: 1 })
  fc.assert(
    fc.property(notes, (steps) => {
      const series = new Series({ everyMs, intervals })
      let at = 10_000
      const noted = steps.map(({ after, value }) => {
        at += after
        series.note(at, value, false)
        return { at, value }
      })
      expect(series.since(0)).toEqual(naive(noted))
    }),
  )
})
