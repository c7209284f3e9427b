/**
 * Locks and their owners, from a futex call and the words in memory around the one it waits for. Pure: words come in, a
 * lock and the TID in it go out. Layouts are those of glibc and musl on x86-64; what does not fit exactly is no lock.
 */

import type { WeakEvidence } from '../../../kernel/nodes/wait.ts'
import { type FutexCall, futexWait, isParked, parkedWithin, sleeps, sleepsInGlibc, takesPi } from './futex-call.ts'
import {
  inheritingOwner,
  joinedThread,
  muslBytes,
  muslLockAt,
  muslOwner,
  mutexBytes,
  plainOwner,
  pointerAt,
  robustOwner,
  rwlockBytes,
  tidMask,
  tidMax,
  tidPlaces,
  u32,
  waitersBit,
  writerOf,
  writersFutexAt,
  wrphaseAt,
} from './lock-layouts.ts'

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
