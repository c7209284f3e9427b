/**
 * Locks and their owners, from a futex call and the words in memory around the one it waits for. Pure: words come in, a
 * lock and the TID in it go out. Layouts are those of glibc and musl on x86-64; what does not fit exactly is no lock.
 */

import type { WeakEvidence } from '../../../kernel/nodes/wait.ts'
import type { SystemCall } from './syscall.ts'

export interface FutexCall {
  /** FUTEX_WAIT and so on, without its flags. */
  readonly command: number
  readonly isPrivate: boolean
  readonly isRealtime: boolean
  /** It has an end, so it is never part of a deadlock. */
  readonly isTimed: boolean
  /** What the word had to hold for the thread to sleep. */
  readonly value: number
  readonly address: number
  readonly stackPointer: number
  readonly programCounter: number
}

const futexWait = 0
const futexLockPi = 6
const futexWaitBitset = 9
const futexLockPi2 = 13
const commandMask = 127
const privateFlag = 128
const realtimeFlag = 256

/** Preconditions: `call` is futex(2). */
export function futexCallOf({ low, high, stackPointer, programCounter }: SystemCall): FutexCall {
  return {
    command: low[1]! & commandMask,
    isPrivate: (low[1]! & privateFlag) !== 0,
    isRealtime: (low[1]! & realtimeFlag) !== 0,
    isTimed: low[3] !== 0 || high[3] !== 0,
    value: low[2]!,
    address: high[0]! * 0x1_0000_0000 + low[0]!,
    stackPointer,
    programCounter,
  }
}

function takesPi({ command }: FutexCall): boolean {
  return command === futexLockPi || command === futexLockPi2
}

/** Nobody but another thread, or a signal, ends it: not time. */
export function waitsForEver(call: FutexCall): boolean {
  return !call.isTimed && (call.command === futexWait || call.command === futexWaitBitset || takesPi(call))
}

export interface FutexLock {
  readonly kind: 'mutex' | 'rwlock' | 'thread'
  readonly evidence: WeakEvidence | null
  /** Where the object begins: of a thread that is joined, its descriptor. */
  readonly address: number
  /** Other processes may have it too: whether they do, and which object it then is, the mapping says. */
  readonly isPrivate: boolean
  /** Of the owner, in the pid namespace of the program. */
  readonly tid: number
  /** The kernel or a descriptor vouches for it, whoever it was that called. */
  readonly isVouched: boolean
  /** The library lets others than the owner unlock it, though POSIX does not: some programs use it as a gate. */
  readonly mayBeGate: boolean
}

interface LockRow {
  readonly kind: FutexLock['kind']
  readonly evidence: WeakEvidence | null
  readonly isVouched?: true
  readonly mayBeGate?: true
  /** Whether the call alone says that it may be this. */
  readonly fits: (call: FutexCall) => boolean
  /** Where the object may begin, seen from the futex word, and how much of it is read; null is up to that word. */
  readonly starts: readonly number[]
  readonly bytes: number | null
  /** The owner's TID; 0 where there is none, or these words are something else. */
  readonly ownerIn: (words: DataView, call: FutexCall, start: number) => number
}

const tidMask = 0x3fff_ffff
const waitersBit = 0x8000_0000
/** The kernel gives no higher ids. */
const tidMax = 4 * 1024 * 1024
function u32(words: DataView, at: number): number {
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
const mutexBytes = 40
const typeMask = 3
const recursiveType = 1
const robustKind = 16
const inheritingKind = 32
const sharedKind = 128
const elisionKinds = 256 | 512

/** Its kind, where the other fields are such as glibc leaves them while it is locked; -1 where these are other words. */
function kindOfMutex(words: DataView): number {
  const kind = u32(words, kindAt)
  // Robust and priority-inheriting ones count even where they are not recursive.
  const counts = (kind & (robustKind | inheritingKind)) !== 0 || (kind & typeMask) === recursiveType
  return u32(words, usersAt) > 0 && counts === u32(words, countAt) > 0 ? kind : -1
}

function has(kind: number, wanted: number, allowed: number): boolean {
  return kind !== -1 && (kind & wanted) === wanted && (kind & ~(wanted | allowed | typeMask)) === 0
}

function plainOwner(words: DataView, { isPrivate }: FutexCall): number {
  const kind = kindOfMutex(words)
  if (u32(words, 0) !== 2 || !has(kind, 0, sharedKind | elisionKinds)) return 0
  if (((kind & sharedKind) === 0) !== isPrivate || !isZero(words, listAt, mutexBytes)) return 0
  return u32(words, ownerAt)
}

/** What is kept in the word and once more beside it. */
function ownerTwice(words: DataView): number {
  const tid = u32(words, 0) & tidMask
  return tid === u32(words, ownerAt) ? tid : 0
}

function robustOwner(words: DataView, call: FutexCall): number {
  return u32(words, 0) === call.value && has(kindOfMutex(words), robustKind, sharedKind | elisionKinds)
    ? ownerTwice(words)
    : 0
}

function inheritingOwner(words: DataView, { isPrivate }: FutexCall): number {
  const kind = kindOfMutex(words)
  if (!has(kind, inheritingKind, robustKind | sharedKind | elisionKinds) || ((kind & sharedKind) === 0) !== isPrivate)
    return 0
  return ownerTwice(words)
}

// ---- musl's pthread_mutex_t: type, lock, waiters, …, links to other mutexes of its owner ----

const muslTypes = 7
const muslLockAt = 4
const muslWaitersAt = 8
const muslLinksAt = 24
const muslBytes = 40

const highUserWord = 0x7fff
const firstPage = 4096

/** What can be the address of an object in user space; 0 where it cannot. */
function pointerAt(words: DataView, at: number): number {
  const [low, high] = [u32(words, at), u32(words, at + 4)]
  const address = high * 0x1_0000_0000 + low
  return low % 8 === 0 && high <= highUserWord && address >= firstPage ? address : 0
}

/** A normal mutex of musl holds no TID; all others do, and are linked in the list of their owner. */
function muslOwner(words: DataView, { value, isPrivate }: FutexCall): number {
  const type = u32(words, 0)
  if ((type & muslTypes) === 0 || (type & ~(muslTypes | sharedKind)) !== 0 || (type & typeMask) === typeMask) return 0
  if (((type & sharedKind) === 0) !== isPrivate || u32(words, muslLockAt) !== value) return 0
  if (u32(words, muslWaitersAt) === 0) return 0
  return pointerAt(words, muslLinksAt) !== 0 && pointerAt(words, muslLinksAt + 8) !== 0 ? value & tidMask : 0
}

// ---- glibc's pthread_rwlock_t: readers, writers, wrphase_futex, writers_futex, pads, cur_writer, shared … flags ----

const wrphaseAt = 8
const writersFutexAt = 12
const currentWriterAt = 24
const rwSharedAt = 28
const rwFlagsAt = 48
const rwlockBytes = 56
// Of the readers' word: it is in the writers' phase, and a writer has it.
const writerHasIt = 3

function writerOf(words: DataView, { isPrivate }: FutexCall): number {
  const shared = u32(words, rwSharedAt)
  if (shared > 1 || (shared === 0) !== isPrivate || u32(words, rwFlagsAt) > 2) return 0
  if ((u32(words, 0) & writerHasIt) !== writerHasIt || !isZero(words, 16, currentWriterAt)) return 0
  return isZero(words, rwSharedAt + 4, rwFlagsAt) ? u32(words, currentWriterAt) : 0
}

// ---- a thread that is joined: glibc waits for the TID in its descriptor to become 0 ----

const selfAt = 16
// Where the TID lies in the descriptor is another place in other versions of glibc; the proof below says which it is.
const usualTidAt = 0x2d0
const tidPlaces = [usualTidAt, ...Array.from({ length: 48 }, (_, place) => 0x200 + 16 * place)]

/** The descriptor holds its own address in two places, so that threads find themselves by it. */
function joinedThread(words: DataView, { value, address }: FutexCall, start: number): number {
  const descriptor = address + start
  if (pointerAt(words, 0) !== descriptor || pointerAt(words, selfAt) !== descriptor) return 0
  return u32(words, -start) === value ? value : 0
}

// ---- the table ----

function sleeps(call: FutexCall, command: number): boolean {
  return call.command === command && !call.isTimed
}

/** glibc's way of waiting where it could also be told an end, and is not. */
function sleepsInGlibc(call: FutexCall): boolean {
  return sleeps(call, futexWaitBitset) && call.isRealtime
}

const rows: readonly LockRow[] = [
  {
    kind: 'mutex',
    evidence: null,
    mayBeGate: true,
    fits: (call) => sleeps(call, futexWait) && call.value === 2,
    starts: [0],
    bytes: mutexBytes,
    ownerIn: plainOwner,
  },
  {
    kind: 'mutex',
    evidence: null,
    fits: (call) => sleeps(call, futexWait) && !call.isPrivate && call.value > waitersBit,
    starts: [0],
    bytes: mutexBytes,
    ownerIn: robustOwner,
  },
  {
    kind: 'mutex',
    evidence: null,
    fits: (call) => sleeps(call, futexWait) && call.value > waitersBit && call.address % 8 === muslLockAt,
    starts: [-muslLockAt],
    bytes: muslBytes,
    ownerIn: muslOwner,
  },
  {
    // The kernel itself keeps the owner's TID in this word, whichever library it is.
    kind: 'mutex',
    evidence: null,
    isVouched: true,
    fits: (call) => takesPi(call) && !call.isTimed,
    starts: [0],
    bytes: 4,
    ownerIn: (words) => u32(words, 0) & tidMask,
  },
  {
    kind: 'thread',
    evidence: null,
    isVouched: true,
    fits: (call) => sleepsInGlibc(call) && !call.isPrivate && call.value !== 0 && call.value <= tidMask,
    starts: tidPlaces.map((at) => -at),
    bytes: null,
    ownerIn: joinedThread,
  },
  {
    kind: 'rwlock',
    evidence: 'rwlock-writer',
    fits: (call) => sleepsInGlibc(call) && (call.value === 2 || call.value === 3),
    starts: [-wrphaseAt, -writersFutexAt],
    bytes: rwlockBytes,
    ownerIn: writerOf,
  },
]

/** Reads memory of a program; null where it cannot be read. */
export type ReadWords = (address: number, bytes: number) => DataView | null

const parkedWithin = 256

/**
 * The kernel refuses the call that would close a loop of priority-inheriting mutexes, and glibc has that thread sleep for
 * ever on a word of its own stack. Which mutex it wanted can only be guessed from what else lies there.
 */
export function isParked(call: FutexCall): boolean {
  const above = call.address - call.stackPointer
  return sleepsInGlibc(call) && call.value === 0 && above > 0 && above < parkedWithin
}

function wantedByParked(call: FutexCall, read: ReadWords): FutexLock | null {
  const stack = read(call.stackPointer, parkedWithin)
  for (let at = 0; stack !== null && at < parkedWithin; at += 8) {
    const address = pointerAt(stack, at)
    const words = address === 0 ? null : read(address, mutexBytes)
    const tid = words === null ? 0 : inheritingOwner(words, call)
    if (tid !== 0)
      return {
        kind: 'mutex',
        evidence: 'pi-stack',
        address,
        isPrivate: call.isPrivate,
        tid,
        isVouched: true,
        mayBeGate: false,
      }
  }
  return null
}

/** Whether the call alone leaves it possible that somebody owns what it waits for. */
export function mayHaveOwner(call: FutexCall): boolean {
  return isParked(call) || rows.some(({ fits }) => fits(call))
}

/** What the thread waits for and who owns it; null where there is no owner, or nothing tells of one. */
export function lockOf(call: FutexCall, read: ReadWords): FutexLock | null {
  if (isParked(call)) return wantedByParked(call, read)
  for (const { fits, starts, bytes, kind, evidence, isVouched = false, mayBeGate = false, ownerIn } of rows) {
    if (!fits(call)) continue
    for (const start of starts) {
      const words = read(call.address + start, bytes ?? 4 - start)
      const tid = words === null ? 0 : ownerIn(words, call, start)
      if (tid === 0 || tid > tidMax) continue
      return { kind, evidence, address: call.address + start, isPrivate: call.isPrivate, tid, isVouched, mayBeGate }
    }
  }
  return null
}
