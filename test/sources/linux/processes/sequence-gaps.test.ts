import { describe, expect, test } from 'vitest'
import { overflowWaitMs, SequenceGaps } from '../../../../src/sources/linux/processes/sequence-gaps.ts'

describe('sequence numbers', () => {
  test('that follow one another on each CPU tell of no loss', () => {
    const gaps = new SequenceGaps(0)
    expect([gaps.record(0, 5, 1), gaps.record(1, 900, 2), gaps.record(0, 6, 3), gaps.record(1, 901, 4)]).toEqual([
      null,
      null,
      null,
      null,
    ])
  })

  test('with a gap tell how many were lost, and between which times', () => {
    const gaps = new SequenceGaps(0)
    gaps.record(0, 5, 10)
    gaps.record(1, 1, 15)
    expect(gaps.record(0, 9, 20)).toEqual({ count: 3, from: 10, to: 20, why: 'a gap in the sequence numbers' })
    expect(gaps.record(0, 10, 21)).toBeNull()
  })

  test('go on after the highest with zero', () => {
    const gaps = new SequenceGaps(0)
    gaps.record(0, 0xffff_ffff, 1)
    expect(gaps.record(0, 0, 2)).toBeNull()
    expect(gaps.record(0, 2, 3)).toMatchObject({ count: 1 })
  })

  test('that begin anew tell of no loss', () => {
    const gaps = new SequenceGaps(0)
    gaps.record(0, 1000, 1)
    expect(gaps.record(0, 3, 2)).toBeNull()
    expect(gaps.record(0, 4, 3)).toBeNull()
  })

  test('after an overflow tell its count', () => {
    const gaps = new SequenceGaps(0)
    gaps.record(0, 1, 10)
    gaps.overflowedAt(12)
    expect(gaps.record(0, 101, 20)).toEqual({ count: 99, from: 10, to: 20, why: 'the receive buffer overflowed' })
    expect(gaps.settle(12 + overflowWaitMs)).toBeNull()
  })

  test('that show no gap after an overflow leave the count unknown', () => {
    const gaps = new SequenceGaps(0)
    gaps.record(0, 1, 10)
    gaps.overflowedAt(12)
    expect(gaps.settle(13)).toBeNull()
    expect(gaps.settle(12 + overflowWaitMs)).toMatchObject({ count: null, from: 10, to: 12 })
    expect(gaps.settle(12 + 2 * overflowWaitMs)).toBeNull()
  })

  test('of answers that belong to no CPU do not count', () => {
    const gaps = new SequenceGaps(0)
    expect(gaps.record(0xffff_ffff, 7, 1)).toBeNull()
    expect(gaps.record(0xffff_ffff, 99, 2)).toBeNull()
  })
})
