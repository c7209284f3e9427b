/** Parsing of `/proc/P/maps`. */

import { describe, expect, test } from 'vitest'
import {
  canBeStack,
  findImageStart,
  findMainStack,
  findPlace,
  findVma,
  mapsShared,
} from '../../../../src/sources/linux/parse/maps.ts'

const maps = Buffer.from(
  [
    '55b0c5a00000-55b0c5a30000 r--p 00000000 fe:00 1234                       /usr/bin/a b (deleted)',
    '7f0000000000-7f0000001000 ---p 00000000 00:00 0 ',
    '7f0000001000-7f0000801000 rw-p 00000000 00:00 0 ',
    '7f0000900000-7f0000a00000 rw-s 00000000 00:05 99                         /dev/shm/x',
    '7ffe76f8d000-7ffe76fae000 rw-p 00000000 00:00 0                          [stack]',
    'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]',
    '',
  ].join('\n'),
)

describe('maps', () => {
  test.each([
    [0x7f0000001000, { start: 0x7f0000001000, end: 0x7f0000801000, permissions: 'rw-p', name: '' }],
    [0x7f0000800fff, { start: 0x7f0000001000, end: 0x7f0000801000, permissions: 'rw-p', name: '' }],
    [0x7f0000000010, { start: 0x7f0000000000, end: 0x7f0000001000, permissions: '---p', name: '' }],
    [0x55b0c5a00001, { permissions: 'r--p', name: '/usr/bin/a b (deleted)' }],
    [0x7ffe76f8d000, { name: '[stack]' }],
  ])('the mapping that holds %x is found', (address, vma) => {
    expect(findVma(maps, maps.length, address)).toMatchObject(vma)
  })

  test.each([0, 0x7f0000801000, 0x7ffe76fae000])('no mapping is found for %x', (address) => {
    expect(findVma(maps, maps.length, address)).toBeNull()
  })

  test('the stack of the main thread is marked', () => {
    expect(findMainStack(maps, maps.length)).toMatchObject({ start: 0x7ffe76f8d000, end: 0x7ffe76fae000 })
    expect(findMainStack(maps, 100)).toBeNull()
    expect(findMainStack(Buffer.alloc(0), 0)).toBeNull()
  })

  test('a stack is private, writable and belongs to no file', () => {
    const vmaAt = (address: number) => findVma(maps, maps.length, address)!
    expect(canBeStack(vmaAt(0x7f0000001000))).toBe(true)
    expect(canBeStack(vmaAt(0x7ffe76f8d000))).toBe(true)
    expect(canBeStack(vmaAt(0x7f0000000000))).toBe(false)
    expect(canBeStack(vmaAt(0x7f0000900000))).toBe(false)
    expect(canBeStack(vmaAt(0x55b0c5a00000))).toBe(false)
  })
})

describe('the place in a file', () => {
  test('is where an address lies in what is mapped, which others may share', () => {
    const place = { isShared: true, device: '00:05', inode: '99', offset: 0x128 }
    expect(findPlace(maps, maps.length, 0x7f0000900128)).toMatchObject(place)
    expect(findPlace(maps, maps.length, 0x7f0000001000)).toMatchObject({ isShared: false })
    expect(findPlace(maps, maps.length, 0x7f0000a00000)).toBeNull()
  })

  test('counts the offset at which the file was mapped', () => {
    const line = Buffer.from('7f0000900000-7f0000a00000 rw-s 00002000 00:05 99 /dev/shm/x\n')
    expect(findPlace(line, line.length, 0x7f0000900010)?.offset).toBe(0x2010)
  })

  test('is shared by a process that maps the file shared', () => {
    const isShared = (device: string, inode: string) => mapsShared(maps, maps.length, { device, inode })
    expect(isShared('00:05', '99')).toBe(true)
    expect(isShared('fe:00', '1234')).toBe(false)
    expect(isShared('00:05', '9')).toBe(false)
  })

  test('is not shared because of a file name that looks like its numbers', () => {
    const lines = Buffer.from('7f0000900000-7f0000a00000 rw-s 00000000 00:06 7   /tmp/a 00:05 99 b\n')
    expect(mapsShared(lines, lines.length, { device: '00:05', inode: '99' })).toBe(false)
    const both = Buffer.concat([lines, maps])
    expect(mapsShared(both, both.length, { device: '00:05', inode: '99' })).toBe(true)
  })
})

describe('the beginning of a mapped file', () => {
  const parts = Buffer.from(
    [
      '7f0000000000-7f0000001000 r--p 00000000 fe:00 12    /lib/other.so',
      '7f0000001000-7f0000002000 r--p 00000000 fe:00 99    /lib/libc.so.6 (deleted)',
      '7f0000002000-7f0000003000 r-xp 00001000 fe:00 99    /lib/libc.so.6 (deleted)',
      '7f0000004000-7f0000005000 r-xp 00005000 fe:00 13    /lib/cut.so',
      '',
    ].join('\n'),
  )
  test.each([
    [0x7f0000002abc, 0x7f0000001000],
    [0x7f0000001000, 0x7f0000001000],
    [0x7f0000000fff, 0x7f0000000000],
    [0x7f0000004000, null],
    [0x7f0000003000, null],
  ])('for %x is %o', (address, start) => {
    expect(findImageStart(parts, parts.length, address)).toBe(start)
  })
})
