/** Finding the record of a thread's stack in its descriptor. */

import { describe, expect, test } from 'vitest'
import { findStackBlock } from '../../../../src/sources/linux/parse/thread-descriptor.ts'

const address = 0x7f70_8aeb_d9a0

function wordsOf(...words: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * words.length)
  for (const [place, word] of words.entries()) bytes.writeBigUInt64LE(word, 8 * place)
  return bytes
}

function blockIn(...words: readonly bigint[]) {
  const bytes = wordsOf(...words)
  return findStackBlock(bytes, bytes.length, address)
}

describe('the stack in a descriptor', () => {
  // The words before are as glibc 2.36 has them: a list of one element, a cleanup handler and two counters.
  const before = [0x7f708aebd9a0n, 0xffffffffffffffe0n, 0n, 0n, 0x7f708aebcef0n, 0x8800000002n, 0n]

  test('is the block that contains the descriptor', () => {
    expect(blockIn(...before, 0x7f708ae7e000n, 0x40000n, 0n)).toEqual({ start: 0x7f708ae7e000, end: 0x7f708aebe000 })
  })

  test('begins above its guard', () => {
    expect(blockIn(...before, 0x7f708ae7e000n, 0x40000n, 0x1000n)?.start).toBe(0x7f708ae7f000)
  })

  test.each([
    ['the record is cut off', [0x7f708ae7e000n, 0x40000n]],
    ['the block ends below the descriptor', [0x7f708a000000n, 0x40000n, 0n]],
    ['the block begins above it', [0x7f708aebe000n, 0x40000n, 0n]],
    ['it is the main thread, which has no block', [0n, 0x7ffe_0000_0000n, 0n]],
  ])('is not found if %s', (_, words) => {
    expect(blockIn(...before, ...words)).toBeNull()
  })
})
