/** Recognition of locks and their owners from a futex call and the words in memory. */

import { describe, expect, test } from 'vitest'
import { futexCallOf, waitsForEver } from '../../../../src/sources/linux/parse/futex-call.ts'
import { lockOf, mayHaveOwner } from '../../../../src/sources/linux/parse/futex-lock.ts'
import { emptySystemCall, parseSyscall } from '../../../../src/sources/linux/parse/syscall.ts'

const callOf = (text: string) => {
  const call = emptySystemCall()
  const bytes = Buffer.from(`202 ${text}\n`)
  if (!parseSyscall(bytes, bytes.length, call)) throw new Error(`not a syscall: ${text}`)
  return futexCallOf(call)
}

/** Memory that holds these words of 32 bits at these addresses, and nothing else that can be read. */
const memoryOf =
  (objects: Readonly<Record<string, readonly number[]>>) =>
  (address: number, bytes: number): DataView | null => {
    for (const [start, words] of Object.entries(objects)) {
      const offset = address - Number(start)
      if (offset < 0 || offset + bytes > words.length * 4) continue
      return new DataView(Uint32Array.from(words).buffer, offset, bytes)
    }
    return null
  }

const uaddr = '0x5586e14c6160'
const stack = '0x7f9eccb96de0 0x7f9eccc20e96'
const plain = callOf(`${uaddr} 0x80 0x2 0x0 0x0 0x0 ${stack}`)
/** lock, count, owner, users, kind, spins, and two links. */
const mutex = (lock: number, count: number, owner: number, users: number, kind: number) =>
  memoryOf({ [uaddr]: [lock, count, owner, users, kind, 0, 0, 0, 0, 0] })

describe('a mutex of glibc', () => {
  test.each([
    ['normal', 0, 0],
    ['recursive', 1, 1],
    ['errorcheck', 0, 2],
    ['adaptive', 0, 3],
  ])('names its owner when it is %s', (_, count, kind) => {
    expect(lockOf(plain, mutex(2, count, 4242, 1, kind))).toEqual({
      kind: 'mutex',
      evidence: null,
      address: Number(uaddr),
      isPrivate: true,
      tid: 4242,
      isConfirmed: false,
      mayBeGate: true,
    })
  })

  test('is recognised only if the call and the mutex agree on whether processes share it', () => {
    const shared = callOf(`${uaddr} 0x0 0x2 0x0 0x0 0x0 ${stack}`)
    expect(lockOf(shared, mutex(2, 0, 4242, 1, 128))).toMatchObject({ tid: 4242, isPrivate: false })
    expect(lockOf(shared, mutex(2, 0, 4242, 1, 0))).toBeNull()
    expect(lockOf(plain, mutex(2, 0, 4242, 1, 128))).toBeNull()
  })

  test.each([
    ['is free by now', [1, 0, 4242, 1, 0]],
    ['has no owner at the moment', [2, 0, 0, 1, 0]],
    ['has no users', [2, 0, 4242, 0, 0]],
    ['counts though it is not recursive', [2, 1, 4242, 1, 0]],
    ['is recursive and does not count', [2, 0, 4242, 1, 1]],
    ['has a kind that does not exist', [2, 0, 4242, 1, 4]],
  ] as const)('is not recognised when it %s', (_, [lock, count, owner, users, kind]) => {
    expect(lockOf(plain, mutex(lock, count, owner, users, kind))).toBeNull()
  })

  test('holds the owner twice when it is robust', () => {
    const robust = callOf(`${uaddr} 0x0 0x80000b5e 0x0 0x55b59cb5b1a8 0x0 ${stack}`)
    expect(lockOf(robust, mutex(0x8000_0b5e, 1, 0xb5e, 1, 16))).toMatchObject({ tid: 0xb5e, evidence: null })
    expect(lockOf(robust, mutex(0x8000_0b5e, 1, 0xb5f, 1, 16))).toBeNull()
  })

  test('is not recognised when its memory cannot be read', () => {
    expect(lockOf(plain, () => null)).toBeNull()
  })
})

test.each(['0x6', '0x86', '0x8d'])('the owner of a priority-inheriting mutex (%s) is in the word', (operation) => {
  const call = callOf(`${uaddr} ${operation} 0x0 0x0 0x0 0x0 ${stack}`)
  expect(lockOf(call, memoryOf({ [uaddr]: [0x8000_1092] }))).toMatchObject({ tid: 0x1092, evidence: null })
})

describe('a thread parked on its own stack', () => {
  const parked = callOf(`0x7f9eccb96e34 0x189 0x0 0x0 0x0 0xffffffff ${stack}`)
  const frames = Array.from({ length: 64 }, () => 0)
  frames.splice(30, 2, 0xe14c_6160, 0x5586)
  const words = [0x8000_1092, 1, 0x1092, 1, 32, 0, 0, 0, 0, 0]

  test('likely wants the priority-inheriting mutex whose address lies there', () => {
    const memory = memoryOf({ '0x7f9eccb96de0': frames, [uaddr]: words })
    expect(lockOf(parked, memory)).toMatchObject({ tid: 0x1092, evidence: 'pi-stack', address: Number(uaddr) })
  })

  test('wants an unknown mutex when no such address lies there', () => {
    expect(lockOf(parked, memoryOf({ '0x7f9eccb96de0': frames, [uaddr]: words.with(4, 0) }))).toBeNull()
    expect(lockOf(parked, memoryOf({ '0x7f9eccb96de0': frames }))).toBeNull()
  })
})

describe('a join', () => {
  const join = callOf(`0x7f337995d990 0x109 0xbc1 0x0 0x0 0xffffffff ${stack}`)
  const descriptor = (tidAt: number) => {
    const words = Array.from({ length: tidAt / 4 + 1 }, () => 0)
    const [low, high] = [0x7995_d990 - tidAt, 0x7f33]
    words.splice(0, 2, low, high)
    words.splice(4, 2, low, high)
    words[tidAt / 4] = 0xbc1
    return words
  }

  test.each([0x2d0, 0x310])(
    'is proven by a thread descriptor that contains its own address, with the id at %i',
    (tidAt) => {
      const start = 0x7f33_7995_d990 - tidAt
      expect(lockOf(join, memoryOf({ [start]: descriptor(tidAt) }))).toMatchObject({ kind: 'thread', tid: 0xbc1 })
    },
  )

  test('is not recognised without that proof, or when the thread has ended', () => {
    const start = 0x7f33_7995_d990 - 0x2d0
    expect(lockOf(join, memoryOf({ [start]: descriptor(0x2d0).with(4, 0) }))).toBeNull()
    expect(lockOf(join, memoryOf({ [start]: descriptor(0x2d0).with(0x2d0 / 4, 0) }))).toBeNull()
  })
})

describe('a join of glibc up to 2.32', () => {
  test('is a plain wait for the id in a thread descriptor', () => {
    const join = callOf(`0x7f1beef5d9d0 0x0 0x37cd 0x0 0x0 0x2 ${stack}`)
    const words = Array.from({ length: 0x2d0 / 4 + 1 }, () => 0)
    for (const at of [0, 4]) words.splice(at, 2, 0xeef5_d700, 0x7f1b)
    const memory = memoryOf({ 139757949933312: words.with(-1, 0x37cd) })
    expect(lockOf(join, memory)).toMatchObject({ kind: 'thread', tid: 0x37cd, isConfirmed: true })
    expect(lockOf(callOf(`0x7f1beef5d9d0 0x80 0x37cd 0x0 0x0 0x2 ${stack}`), memory)).toBeNull()
  })
})

describe('a join of glibc since 2.43', () => {
  const joinAt = (address: number, value = 2) =>
    callOf(`0x${address.toString(16)} 0x109 0x${value.toString(16)} 0x0 0x0 0xffffffff ${stack}`)
  /** A page boundary lies `before` bytes before the descriptor, and nothing below it can be read. */
  const stateOf = (state: number, { before = 0x400, at = 0x628 } = {}) => {
    const start = 0x7f1d_8000_1000
    const words = Array.from({ length: (before + at) / 4 + 1 }, () => 0)
    for (const place of [before / 4, before / 4 + 4]) words.splice(place, 2, 0x8000_1000 + before, 0x7f1d)
    return { memory: memoryOf({ [start]: words.with(-1, state) }), address: start + before + at }
  }

  test.each([
    ['a state at 0x628', {}],
    ['a state at another offset', { at: 0x640 }],
    ['a descriptor at the beginning of its mapping', { before: 0 }],
    ['a descriptor far within its mapping', { before: 0x800 }],
  ])('leaves its thread to the kernel, for %s', (_, place) => {
    const { memory, address } = stateOf(2, place)
    expect(lockOf(joinAt(address), memory)).toMatchObject({
      kind: 'thread',
      tid: 0,
      isConfirmed: true,
      address: address - ('at' in place ? place.at : 0x628),
    })
  })

  test('goes on while the thread is about to end, and is over when the kernel has cleared the state', () => {
    const [ending, ended] = [stateOf(1), stateOf(0)]
    expect(lockOf(joinAt(ending.address), ending.memory)).toMatchObject({ kind: 'thread' })
    expect(lockOf(joinAt(ended.address), ended.memory)).toBeNull()
  })

  test('is not recognised by words that are no descriptor', () => {
    const { memory, address } = stateOf(2, { at: 0x18 })
    expect(lockOf(joinAt(address), memory)).not.toBeNull()
    expect(lockOf(joinAt(address - 8), memory)).toBeNull()
    expect(lockOf(joinAt(address, 3), memory)).toBeNull()
  })
})

describe('a mutex of musl', () => {
  const call = callOf(`0x40b16c 0x80 0xffffffff80000c83 0x0 0x0 0x0 ${stack}`)
  const words = (type: number) => [type, 0x8000_0c83, 1, 0, 0, 0, 0x2d10, 0x7f08, 0x2d10, 0x7f08]

  test('has its owner in the futex word when it is recursive', () => {
    expect(lockOf(call, memoryOf({ '0x40b168': words(1) }))).toMatchObject({ tid: 0xc83, address: 0x40b168 })
  })

  test('has no owner when it is normal, whatever the word', () => {
    expect(lockOf(call, memoryOf({ '0x40b168': words(0) }))).toBeNull()
  })
})

describe('a read-write lock', () => {
  const wanting = callOf(`0x55830082eba4 0x189 0x3 0x0 0x0 0xffffffff ${stack}`)
  const rwlock = (readers: number, writer: number) =>
    memoryOf({ '0x55830082eb98': [readers, 1, 1, 3, 0, 0, writer, 0, 0, 0, 0, 0, 0, 0] })

  test('has the writer as its likely owner when the words say that a writer holds it', () => {
    expect(lockOf(wanting, rwlock(3, 77))).toMatchObject({ kind: 'rwlock', evidence: 'rwlock-writer', tid: 77 })
  })

  test('has no owner when readers hold it', () => {
    expect(lockOf(wanting, rwlock(0x12, 0))).toBeNull()
  })
})

test('a wait with a timeout needs no owner', () => {
  const timed = callOf(`${uaddr} 0x189 0x2 0x7fa6421cbe90 0x0 0xffffffff ${stack}`)
  expect([mayHaveOwner(timed), waitsForEver(timed)]).toEqual([false, false])
  expect(mayHaveOwner(callOf(`${uaddr} 0x86 0x0 0x7fa6421cbe90 0x0 0x0 ${stack}`))).toBe(false)
})

test('a condition variable or a semaphore has no owner, and the wait for it has no timeout', () => {
  const condvar = callOf(`${uaddr} 0x189 0x0 0x0 0x0 0xffffffff ${stack}`)
  expect([mayHaveOwner(condvar), waitsForEver(condvar)]).toEqual([false, true])
})
