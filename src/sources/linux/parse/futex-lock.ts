/**
 * Recognises locks and their owners from a futex call and the words in memory around its futex word. Pure: words in, a
 * lock and its owner's TID out. Layouts are those of glibc and musl on x86-64; words that do not fit exactly are no
 * lock.
 */

import type { WeakEvidence } from '../../../kernel/nodes/wait.ts'
import { type FutexCall, futexWait, isParked, parkedWithin, sleeps, sleepsInGlibc, takesPi } from './futex-call.ts'
import {
  descriptorBefore,
  descriptorBytes,
  inheritingOwner,
  isLivingState,
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
  /** Address at which the object begins; for a join, the descriptor of the joined thread. */
  readonly address: number
  /** False: other processes may have the object too. The mapping shows whether they do, and which object it is. */
  readonly isPrivate: boolean
  /**
   * TID of the owner, in the pid namespace of the program; 0 if only the kernel shows which thread has the descriptor
   * at `address`.
   */
  readonly tid: number
  /** The kernel or a thread descriptor confirms the owner, so it does not matter which code made the call. */
  readonly isConfirmed: boolean
  /**
   * The library lets a thread other than the owner unlock it, although POSIX does not: some programs use it as a gate.
   */
  readonly mayBeGate: boolean
}

/** Up to glibc 2.32 a join is a plain wait. */
function joins(call: FutexCall): boolean {
  return !call.isPrivate && (sleepsInGlibc(call) || sleeps(call, futexWait))
}

interface LockRow {
  readonly kind: FutexLock['kind']
  readonly evidence: WeakEvidence | null
  readonly isConfirmed?: true
  readonly mayBeGate?: true
  /** Whether the call alone permits this kind of lock. */
  readonly fits: (call: FutexCall) => boolean
  /** Offsets from the futex word at which the object may begin, and its size; null means up to the futex word. */
  readonly starts: readonly number[]
  readonly bytes: number | null
  /** TID of the owner; 0 if there is none, or if these words are something else. */
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
    // The kernel itself puts the owner's TID in this word, whichever C library is used.
    kind: 'mutex',
    evidence: null,
    isConfirmed: true,
    fits: (call) => takesPi(call) && !call.isTimed,
    starts: [0],
    bytes: 4,
    ownerIn: (words) => u32(words, 0) & tidMask,
  },
  {
    kind: 'thread',
    evidence: null,
    isConfirmed: true,
    fits: (call) => joins(call) && call.value !== 0 && call.value <= tidMask,
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

/** Reads memory of a program; null if it cannot be read. */
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
        isConfirmed: true,
        mayBeGate: false,
      }
  }
  return null
}

const pageBytes = 4096

/** A join that waits for the state of the thread, not for its TID. */
function joinByState(call: FutexCall, read: ReadWords): FutexLock | null {
  if (!joins(call) || !isLivingState(call.value)) return null
  // The page before may be in no mapping.
  const words =
    read(call.address + 4 - descriptorBytes, descriptorBytes) ??
    read(call.address - (call.address % pageBytes), (call.address % pageBytes) + 4)
  const address = words === null ? 0 : descriptorBefore(words, call)
  if (address === 0) return null
  return { kind: 'thread', evidence: null, address, isPrivate: false, tid: 0, isConfirmed: true, mayBeGate: false }
}

/** Whether, from the call alone, its object may have an owner. */
export function mayHaveOwner(call: FutexCall): boolean {
  return isParked(call) || rows.some(({ fits }) => fits(call))
}

/** The lock that the thread waits for, with its owner; null if it has no owner, or the words show none. */
export function lockOf(call: FutexCall, read: ReadWords): FutexLock | null {
  if (isParked(call)) return wantedByParked(call, read)
  const joined = joinByState(call, read)
  if (joined !== null) return joined
  for (const { fits, starts, bytes, kind, evidence, isConfirmed = false, mayBeGate = false, ownerIn } of rows) {
    if (!fits(call)) continue
    for (const start of starts) {
      const words = read(call.address + start, bytes ?? 4 - start)
      const tid = words === null ? 0 : ownerIn(words, call, start)
      if (tid === 0 || tid > tidMax) continue
      return { kind, evidence, address: call.address + start, isPrivate: call.isPrivate, tid, isConfirmed, mayBeGate }
    }
  }
  return null
}
