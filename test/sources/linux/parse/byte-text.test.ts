/** Decoding of names that the kernel reports as bytes. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { textOfBytes, textUpToNul } from '../../../../src/sources/linux/parse/byte-text.ts'

describe('text of bytes', () => {
  test.each([
    [[0x61, 0x62], 'ab'],
    [[0xc3, 0xa9], 'é'],
    [[0xff], '\\xff'],
    [[0xc3], '\\xc3'],
    [[0xc3, 0x28], '\\xc3('],
    [[0xc0, 0xaf], '\\xc0\\xaf'], // overlong
    [[0xe0, 0x80, 0x80], '\\xe0\\x80\\x80'], // overlong
    [[0xed, 0xa0, 0x80], '\\xed\\xa0\\x80'], // a surrogate
    [[0xf4, 0x90, 0x80, 0x80], '\\xf4\\x90\\x80\\x80'], // above U+10FFFF
    [[0xf0, 0x9f, 0x98, 0x80], '😀'],
    [[0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
  ])('%j is %j', (bytes, text) => {
    expect(textOfBytes(Buffer.from(bytes))).toBe(text)
  })

  test('valid UTF-8 is unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(textOfBytes(Buffer.from(text))).toBe(text)
      }),
    )
  })

  test('no bytes yield a replacement character that they do not contain', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const given = Buffer.from(bytes)
        expect(textOfBytes(given).includes('\ufffd')).toBe(given.includes(Buffer.from('\ufffd')))
      }),
    )
  })

  test('a name ends at its NUL or with its field', () => {
    expect(textUpToNul(Buffer.from('abc\0def'), 0, 7)).toBe('abc')
    expect(textUpToNul(Buffer.from('abcdef\0'), 0, 4)).toBe('abcd')
  })
})
