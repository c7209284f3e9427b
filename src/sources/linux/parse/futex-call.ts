/** Interprets the arguments of a futex(2) call, and defines the ways in which threads sleep in it. Pure. */

import type { SystemCall } from './syscall.ts'

export interface FutexCall {
  /** FUTEX_WAIT and so on, without flags. */
  readonly command: number
  readonly isPrivate: boolean
  readonly isRealtime: boolean
  /** It has a timeout, so it is never part of a deadlock. */
  readonly isTimed: boolean
  /** The value that the futex word had to have for the thread to sleep. */
  readonly value: number
  readonly address: number
  readonly stackPointer: number
  readonly programCounter: number
}

export const futexWait = 0
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

export function takesPi({ command }: FutexCall): boolean {
  return command === futexLockPi || command === futexLockPi2
}

/** Only another thread or a signal ends the wait: it has no timeout. */
export function waitsForEver(call: FutexCall): boolean {
  return !call.isTimed && (call.command === futexWait || call.command === futexWaitBitset || takesPi(call))
}

export function sleeps(call: FutexCall, command: number): boolean {
  return call.command === command && !call.isTimed
}

/** glibc's wait with FUTEX_WAIT_BITSET and CLOCK_REALTIME, which may have a timeout, but here has none. */
export function sleepsInGlibc(call: FutexCall): boolean {
  return sleeps(call, futexWaitBitset) && call.isRealtime
}

/** Bytes above the stack pointer in which a parked thread has its word, and the address of the mutex. */
export const parkedWithin = 256

/**
 * The kernel refuses a futex call that would close a cycle of priority-inheriting mutexes. glibc then parks that
 * thread: it sleeps without timeout on a word of its own stack. The mutex that it wanted can only be guessed from other
 * words there.
 */
export function isParked(call: FutexCall): boolean {
  const above = call.address - call.stackPointer
  return sleepsInGlibc(call) && call.value === 0 && above > 0 && above < parkedWithin
}
