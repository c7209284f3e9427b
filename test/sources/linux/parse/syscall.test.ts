/** Parsing of `/proc/P/task/T/syscall`. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptySystemCall, hexadecimalOf, parseSyscall } from '../../../../src/sources/linux/parse/syscall.ts'

const parse = (text: string) => {
  const call = emptySystemCall()
  const bytes = Buffer.from(text)
  return parseSyscall(bytes, bytes.length, call) ? call : null
}

describe('syscall', () => {
  test('a thread that runs has no call', () => {
    expect(parse('running\n')).toMatchObject({ kind: 'running', number: -1, stackPointer: 0 })
  })

  test('a thread blocked outside a call has a stack pointer', () => {
    expect(parse('-1 0x7ffe76facc88 0x7f5ed0ebdbd3\n')).toMatchObject({
      kind: 'outside',
      number: -1,
      stackPointer: 0x7ffe76facc88,
      programCounter: 0x7f5ed0ebdbd3,
    })
  })

  test('a call has its number, six arguments, stack pointer and program counter', () => {
    const call = parse('202 0x7f0055749c88 0x80 0x2 0x0 0x0 0xffffffffffffffff 0x7ffe76faccb8 0x7f5ed0ebdbd3\n')
    expect(call).toMatchObject({ kind: 'inside', number: 202, stackPointer: 0x7ffe76faccb8 })
    expect(call && hexadecimalOf(call, 0)).toBe('0x7f0055749c88')
    expect(call && hexadecimalOf(call, 1)).toBe('0x80')
    expect(call && hexadecimalOf(call, 5)).toBe('0xffffffffffffffff')
  })

  test('any 64-bit argument comes back exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (word) => {
        const text = `0x${word.toString(16)}`
        const call = parse(`1 ${text} 0x0 0x0 0x0 0x0 0x0 0x7ffe00000000 0x1\n`)
        expect(call && hexadecimalOf(call, 0)).toBe(text)
      }),
    )
  })

  test.each(['', '\n', '202', '202 0x1 0x2', '-1 0x7ffe'])('truncated text is rejected: %j', (text) => {
    expect(parse(text)).toBeNull()
  })
})
