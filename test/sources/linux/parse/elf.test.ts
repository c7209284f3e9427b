/** Functions of ELF files, found in the file and in its image in memory, within bounds. */

import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  definesMutexes,
  namesAt,
  parseFile,
  parseImage,
  type ReadBytes,
} from '../../../../src/sources/linux/parse/elf.ts'

/** Memory that holds these bytes from an address on; `read.bytes` counts what was read. */
function memoryOf(content: Buffer, start = 0) {
  const counted = { bytes: 0 }
  const read: ReadBytes = (position, bytes) => {
    if (position < start || position + bytes > start + content.length) return null
    counted.bytes += bytes
    return new DataView(Uint8Array.from(content.subarray(position - start, position - start + bytes)).buffer)
  }
  return { read, counted }
}

interface Wanted {
  readonly symbols: number
  readonly nameBytes: number
  readonly name?: string
  /** The dynamic linker of glibc left it in memory at this address. */
  readonly placedAt?: number
}

const tablesAt = 4096

/** A file whose symbols are all functions over the whole file and all have the same name. */
function fileOf({ symbols, nameBytes, name = 'a'.repeat(nameBytes - 1), placedAt = 0 }: Wanted): Buffer {
  const namesAt = tablesAt + 24 * symbols
  const file = Buffer.alloc(namesAt + nameBytes)
  file.write('\x7fELF\x02\x01\x01', 0, 'latin1')
  file.writeUInt32LE(64, 32)
  file.writeUInt32LE(512, 40)
  file.writeUInt16LE(2, 56)
  file.writeUInt16LE(4, 60)
  const words = (at: number, ...values: readonly number[]) =>
    values.forEach((value, place) => void file.writeBigUInt64LE(BigInt(value), at + 8 * place))
  // Type and flags, offset, address, physical address, size in the file and in memory, alignment.
  words(64, 1, 0, 0, 0, file.length, file.length, 4096)
  words(120, 2, 2048, 2048, 2048, 64, 64, 8)
  // Rows of sections: names and type, flags, address, offset, size, link.
  for (const [row, type] of [2, 11].entries()) {
    file.writeUInt32LE(type, 512 + 64 * (row + 1) + 4)
    words(512 + 64 * (row + 1) + 24, tablesAt, 24 * symbols, 3)
  }
  words(512 + 64 * 3 + 24, namesAt, nameBytes)
  words(2048, 5, placedAt + namesAt, 6, placedAt + tablesAt, 10, nameBytes)
  for (let symbol = 0; symbol < symbols; symbol++) {
    const at = tablesAt + 24 * symbol
    file[at + 4] = 2
    file.writeUInt16LE(1, at + 6)
    words(at + 16, file.length)
  }
  file.write(name, namesAt)
  return file
}

const base = 0x7f12_3456_7000

/** The segments where a dynamic linker puts them. */
function imageOf(file: Buffer): Buffer {
  const [first, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(56)]
  const segments = Array.from({ length: count }, (_, row) => {
    const word = (at: number) => Number(file.readBigUInt64LE(first + 56 * row + at))
    return { isLoaded: file.readUInt32LE(first + 56 * row) === 1, from: word(8), to: word(16), bytes: word(32) }
  }).filter(({ isLoaded }) => isLoaded)
  const image = Buffer.alloc(Math.max(...segments.map(({ to, bytes }) => to + bytes)))
  for (const { from, to, bytes } of segments) file.copy(image, to, from, from + bytes)
  return image
}

describe('the functions of an ELF file', () => {
  const small = { symbols: 3, nameBytes: 64, name: 'pthread_mutex_lock' }

  test('are found in the file', () => {
    const tables = parseFile(memoryOf(fileOf(small)).read)!
    expect(definesMutexes(tables)).toBe(true)
    expect(new Set(namesAt(tables, 100))).toEqual(new Set(['pthread_mutex_lock']))
  })

  test.each([
    ['with addresses of the file, as musl leaves them', 0],
    ['with addresses in memory, as glibc leaves them', base],
  ])('are found in the image %s', (_, placedAt) => {
    const tables = parseImage(memoryOf(fileOf({ ...small, placedAt }), base).read, base)!
    expect(definesMutexes(tables)).toBe(true)
    expect(namesAt(tables, 100)).toEqual(['pthread_mutex_lock', 'pthread_mutex_lock', 'pthread_mutex_lock'])
  })

  const libc = '/lib/x86_64-linux-gnu/libc.so.6'
  test.runIf(existsSync(libc))('are the same in the file and in the image of the C library here', () => {
    const content = readFileSync(libc)
    const ofFile = parseFile(memoryOf(content).read)!
    const ofImage = parseImage(memoryOf(imageOf(content), base).read, base)!
    expect([definesMutexes(ofFile), definesMutexes(ofImage)]).toEqual([true, true])
    for (let offset = 0x26000; offset < 0x100000; offset += 0x777)
      expect(namesAt(ofImage, offset)).toEqual(namesAt(ofFile, offset))
  })
})

describe('a file that somebody made to be read for long', () => {
  test.each([
    { symbols: 1_000, nameBytes: 4_000_000 },
    { symbols: 100_000, nameBytes: 8_000_000 },
    { symbols: 170_000, nameBytes: 1_000 },
  ])('is searched in bounded time, and has too many names to mean a function: %o', (wanted) => {
    const { read, counted } = memoryOf(fileOf(wanted))
    const before = performance.now()
    const tables = parseFile(read)!
    expect(definesMutexes(tables)).toBe(false)
    expect(namesAt(tables, 100)).toBeNull()
    expect(performance.now() - before).toBeLessThan(2_000)
    expect(counted.bytes).toBeLessThan(2 * (4 + 8) * 1024 * 1024)
  })

  test.each([
    { symbols: 200_000, nameBytes: 100 },
    { symbols: 100, nameBytes: 9_000_000 },
  ])('is not read when its tables are larger than those of any C library: %o', (wanted) => {
    const { read, counted } = memoryOf(fileOf(wanted))
    const tables = parseFile(read)!
    expect([tables.exported, tables.all, namesAt(tables, 100)]).toEqual([null, null, null])
    expect(counted.bytes).toBeLessThan(10_000)
  })

  test('has numbers that lie outside of it', () => {
    const file = fileOf({ symbols: 3, nameBytes: 64 })
    for (const at of [32, 40, 64 + 8, 512 + 64 + 24, 512 + 64 + 32]) {
      const broken = Buffer.from(file)
      broken.writeBigUInt64LE(2n ** 64n - 1n, at)
      const tables = parseFile(memoryOf(broken).read)
      if (tables !== null) expect(namesAt(tables, 100)?.length ?? 0).toBeLessThanOrEqual(6)
    }
    const cut = Buffer.from(file.subarray(0, 4096))
    expect(parseFile(memoryOf(cut).read)).toMatchObject({ exported: null, all: null })
  })

  test('has any bytes in place of its header, rows and tables', () => {
    const file = fileOf({ symbols: 3, nameBytes: 64, name: 'pthread_mutex_lock' })
    const changes = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 20 })
    fc.assert(
      fc.property(changes, (places) => {
        const broken = Buffer.from(file)
        for (const [at, byte] of places) broken[at] = byte
        for (const tables of [parseFile(memoryOf(broken).read), parseImage(memoryOf(broken, base).read, base)]) {
          if (tables === null) continue
          expect([true, false]).toContain(definesMutexes(tables))
          expect(namesAt(tables, 100)?.length ?? 0).toBeLessThanOrEqual(64)
        }
      }),
    )
  })
})
