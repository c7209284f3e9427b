/** Tests the address of a socket, as the kernel writes it. */

import { expect, test } from 'vitest'
import { parseSocketAddress } from '../../../../src/sources/linux/native/socket-facts.ts'

const words = (...numbers: readonly number[]) => Buffer.from(numbers)

test.each([
  [words(2, 0, 0x1b, 0x5f, 127, 0, 0, 1), { host: '127.0.0.1', port: 7007, path: null }],
  [words(10, 0, 0x1b, 0x5f, 0, 0, 0, 0, ...Array(15).fill(0), 1, 0, 0, 0, 0), { host: '::1', port: 7007, path: null }],
  [words(10, 0, 0, 80, 0, 0, 0, 0, ...Array(16).fill(0), 0, 0, 0, 0), { host: '::', port: 80, path: null }],
  [Buffer.from('\x01\x00/run/x.sock\0'), { host: null, port: 0, path: '/run/x.sock' }],
  [Buffer.from('\x01\x00'), { host: null, port: 0, path: '' }],
])('an address is parsed: %#', (bytes, address) => {
  expect(parseSocketAddress(bytes)).toEqual(address)
})

test('a family without addresses that clients reach is refused', () => {
  expect(() => parseSocketAddress(words(16, 0, 0, 0))).toThrow('its family of addresses is 16')
})
