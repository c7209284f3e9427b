/**
 * Defines the layouts of locks in memory, as glibc and musl have them on x86-64, with the place of the owner's TID in
 * each. A function here returns 0 unless the words fit the layout exactly. Pure.
 */

import type { FutexCall } from './futex-call.ts'

export const tidMask = 0x3fff_ffff
export const waitersBit = 0x8000_0000
/** Largest possible TID (PID_MAX_LIMIT). */
export const tidMax = 4 * 1024 * 1024
export function u32(words: DataView, at: number): number {
  return words.getUint32(at, true)
}

function isZero(words: DataView, from: number, to: number): boolean {
  for (let at = from; at < to; at += 4) if (u32(words, at) !== 0) return false
  return true
}

// ---- glibc's pthread_mutex_t: lock, count, owner, users, kind, spins, list ----

const countAt = 4
const ownerAt = 8
const usersAt = 12
const kindAt = 16
const listAt = 24
export const mutexBytes = 40
const typeMask = 3
const recursiveType = 1
const robustKind = 16
const inheritingKind = 32
const sharedKind = 128
const elisionKinds = 256 | 512

/** Returns the mutex's kind if its other fields are as glibc leaves them in a locked mutex; -1 if not. */
function kindOfMutex(words: DataView): number {
  const kind = u32(words, kindAt)
  // Robust and priority-inheriting mutexes use the count even if they are not recursive.
  const counts = (kind & (robustKind | inheritingKind)) !== 0 || (kind & typeMask) === recursiveType
  return u32(words, usersAt) > 0 && counts === u32(words, countAt) > 0 ? kind : -1
}

function has(kind: number, wanted: number, allowed: number): boolean {
  return kind !== -1 && (kind & wanted) === wanted && (kind & ~(wanted | allowed | typeMask)) === 0
}

export function plainOwner(words: DataView, { isPrivate }: FutexCall): number {
  const kind = kindOfMutex(words)
  if (u32(words, 0) !== 2 || !has(kind, 0, sharedKind | elisionKinds)) return 0
  if (((kind & sharedKind) === 0) !== isPrivate || !isZero(words, listAt, mutexBytes)) return 0
  return u32(words, ownerAt)
}

/** The TID stands in the futex word and again in the owner field. */
function ownerTwice(words: DataView): number {
  const tid = u32(words, 0) & tidMask
  return tid === u32(words, ownerAt) ? tid : 0
}

export function robustOwner(words: DataView, call: FutexCall): number {
  return u32(words, 0) === call.value && has(kindOfMutex(words), robustKind, sharedKind | elisionKinds)
    ? ownerTwice(words)
    : 0
}

export function inheritingOwner(words: DataView, { isPrivate }: FutexCall): number {
  const kind = kindOfMutex(words)
  if (!has(kind, inheritingKind, robustKind | sharedKind | elisionKinds) || ((kind & sharedKind) === 0) !== isPrivate)
    return 0
  return ownerTwice(words)
}

// ---- musl's pthread_mutex_t: type, lock, waiters, …, links to other mutexes of its owner ----

const muslTypes = 7
export const muslLockAt = 4
const muslWaitersAt = 8
const muslLinksAt = 24
export const muslBytes = 40

const highUserWord = 0x7fff
const firstPage = 4096

/** A possible address of an object in user space; 0 if it cannot be one. */
export function pointerAt(words: DataView, at: number): number {
  const [low, high] = [u32(words, at), u32(words, at + 4)]
  const address = high * 0x1_0000_0000 + low
  return low % 8 === 0 && high <= highUserWord && address >= firstPage ? address : 0
}

/** A normal mutex of musl holds no TID. All others do, and are linked in their owner's list. */
export function muslOwner(words: DataView, { value, isPrivate }: FutexCall): number {
  const type = u32(words, 0)
  if ((type & muslTypes) === 0 || (type & ~(muslTypes | sharedKind)) !== 0 || (type & typeMask) === typeMask) return 0
  if (((type & sharedKind) === 0) !== isPrivate || u32(words, muslLockAt) !== value) return 0
  if (u32(words, muslWaitersAt) === 0) return 0
  return pointerAt(words, muslLinksAt) !== 0 && pointerAt(words, muslLinksAt + 8) !== 0 ? value & tidMask : 0
}

// ---- glibc's pthread_rwlock_t: readers, writers, wrphase_futex, writers_futex, pads, cur_writer, shared … flags ----

export const wrphaseAt = 8
export const writersFutexAt = 12
const currentWriterAt = 24
const rwSharedAt = 28
const rwFlagsAt = 48
export const rwlockBytes = 56
// Bits of the readers' word: the lock is in the write phase, and a writer holds it.
const writerHasIt = 3

export function writerOf(words: DataView, { isPrivate }: FutexCall): number {
  const shared = u32(words, rwSharedAt)
  if (shared > 1 || (shared === 0) !== isPrivate || u32(words, rwFlagsAt) > 2) return 0
  if ((u32(words, 0) & writerHasIt) !== writerHasIt || !isZero(words, 16, currentWriterAt)) return 0
  return isZero(words, rwSharedAt + 4, rwFlagsAt) ? u32(words, currentWriterAt) : 0
}

// ---- a joined thread: glibc waits until the kernel clears a word in its descriptor, the TID or a state ----

const selfAt = 16
// The TID has another offset in other versions of glibc; the check below finds out which one applies.
const defaultTidOffset = 0x2d0
export const tidPlaces = [defaultTidOffset, ...Array.from({ length: 48 }, (_, place) => 0x200 + 16 * place)]
/** Size of the largest descriptor. */
export const descriptorBytes = 0x900

/** A thread descriptor holds its own address in two places, by which a thread finds its descriptor. */
function isDescriptor(words: DataView, at: number, address: number): boolean {
  return pointerAt(words, at) === address && pointerAt(words, at + selfAt) === address
}

/** glibc before 2.43: the word is the TID. */
export function joinedThread(words: DataView, { value, address }: FutexCall, start: number): number {
  return isDescriptor(words, 0, address + start) && u32(words, -start) === value ? value : 0
}

/** The state of a thread that can be joined, or that is about to end. In the end the kernel writes 0. */
export function isLivingState(state: number): boolean {
  return state === 1 || state === 2
}

/**
 * Since glibc 2.43 the word is a state, whose offset is found by the same proof. `words` are those before it and the
 * word itself. Returns the address of the descriptor; 0 if there is none.
 */
export function descriptorBefore(words: DataView, { address }: FutexCall): number {
  const wordAt = words.byteLength - 4
  if (!isLivingState(u32(words, wordAt))) return 0
  for (let at = wordAt - (address % 8); at >= 0; at -= 8) {
    const descriptor = address - wordAt + at
    if (at + selfAt + 8 <= wordAt && isDescriptor(words, at, descriptor)) return descriptor
  }
  return 0
}
