/** Detection of lost events by the connector's sequence numbers. */

import { describe, expect, test } from 'vitest'
import { overflowWaitMs, SequenceGaps } from '../../../../src/sources/linux/processes/sequence-gaps.ts'

describe('sequence numbers', () => {
  test('show no loss when they follow one another on each CPU', () => {
    const gaps = new SequenceGaps(0)
    expect([gaps.record(0, 5, 1), gaps.record(1, 900, 2), gaps.record(0, 6, 3), gaps.record(1, 901, 4)]).toEqual([
      null,
      null,
      null,
      null,
    ])
  })

  test('show by a gap how many events were lost, and between which times', () => {
    const gaps = new SequenceGaps(0)
    gaps.record(0, 5, 10)
    gaps.record(1, 1, 15)
    expect(gaps.record(0, 9, 20)).toEqual({ count: 3, from: 10, to: 20, why: 'a gap in the sequence numbers' })
    expect(gaps.record(0, 10, 21)).toBeNull()
  })

  test('continue with zero after the highest number', () => {
    const gaps = new SequenceGaps(0)
    gaps.record(0, 0xffff_ffff, 1)
    expect(gaps.record(0, 0, 2)).toBeNull()
    expect(gaps.record(0, 2, 3)).toMatchObject({ count: 1 })
  })

  test('show no loss when the kernel restarts them', () => {
    const gaps = new SequenceGaps(0)
    gaps.record(0, 1000, 1)
    expect(gaps.record(0, 3, 2)).toBeNull()
    expect(gaps.record(0, 4, 3)).toBeNull()
  })

  test('show by a gap after an overflow how many events were lost', () => {
    const gaps = new SequenceGaps(0)
    gaps.record(0, 1, 10)
    gaps.overflowedAt(12)
    expect(gaps.record(0, 101, 20)).toEqual({ count: 99, from: 10, to: 20, why: 'the receive buffer overflowed' })
    expect(gaps.settle(12 + overflowWaitMs)).toBeNull()
  })

  test('leave the count of an overflow unknown when they have no gap', () => {
    const gaps = new SequenceGaps(0)
    gaps.record(0, 1, 10)
    gaps.overflowedAt(12)
    expect(gaps.settle(13)).toBeNull()
    expect(gaps.settle(12 + overflowWaitMs)).toMatchObject({ count: null, from: 10, to: 12 })
    expect(gaps.settle(12 + 2 * overflowWaitMs)).toBeNull()
  })

  test('do not count in answers, which belong to no CPU', () => {
    const gaps = new SequenceGaps(0)
    expect(gaps.record(0xffff_ffff, 7, 1)).toBeNull()
    expect(gaps.record(0xffff_ffff, 99, 2)).toBeNull()
  })
})
