/**
 * Parses the pending signals of `/proc/P/task/T/status`. The masks show only kinds, not how many of each are pending;
 * only the total for the user is a number.
 */

export interface PendingSignals {
  /** Number of kinds pending to the thread alone, and to its process. */
  readonly ofThread: number
  readonly ofProcess: number
  /** Some pending kinds queue, so there may be more of them than the one in the mask. */
  readonly ofThreadQueue: boolean
  readonly ofProcessQueue: boolean
  /** Number of signals queued to all processes of the user together; null if unknown. */
  readonly ofUser: number | null
}

// Hexadecimal of 64 bits: the upper half, then the lower half. Its highest bit is signal 32, the first kind that
// queues.
const maskDigits = 16
const queueingInLowerHalf = 0x8000_0000

interface Mask {
  readonly kinds: number
  readonly queues: boolean
}

function maskOf(text: string, name: string): Mask | null {
  const at = text.indexOf(`\n${name}:\t`)
  const digits = at === -1 ? '' : text.slice(at + name.length + 3, at + name.length + 3 + maskDigits)
  if (!/^[0-9a-f]{16}$/.test(digits)) return null
  const [upper, lower] = [Number.parseInt(digits.slice(0, 8), 16), Number.parseInt(digits.slice(8), 16)]
  return { kinds: bitsOf(upper) + bitsOf(lower), queues: upper !== 0 || (lower & queueingInLowerHalf) !== 0 }
}

function bitsOf(mask: number): number {
  let count = 0
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++
  return count
}

/** Null if the masks are absent. */
export function parsePendingSignals(text: string): PendingSignals | null {
  const [own, shared] = [maskOf(text, 'SigPnd'), maskOf(text, 'ShdPnd')]
  if (own === null || shared === null) return null
  const [, ofUser] = /\nSigQ:\t(\d+)\//.exec(text) ?? []
  return {
    ofThread: own.kinds,
    ofProcess: shared.kinds,
    ofThreadQueue: own.queues,
    ofProcessQueue: shared.queues,
    ofUser: ofUser === undefined ? null : Number(ofUser),
  }
}

// Signals 32 to 34, which the C library handles itself: for cancellation, and for changes of ids in all threads.
const ownInLowerHalf = 0x8000_0000
const ownInUpperHalf = 0x3
// The kernel sends these for what a running thread does: SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS. Runtimes of
// languages handle some of them in every program: that of Rust, SIGSEGV and SIGBUS.
const faultsInLowerHalf = [4, 5, 7, 8, 11, 31].reduce((mask, signal) => mask | (1 << (signal - 1)), 0)

/**
 * Whether the program has handlers of its own that may run while all its threads sleep, and may then do anything. Null
 * if unknown.
 */
export function handlesSignals(text: string): boolean | null {
  const [, upper, lower] = /\nSigCgt:\t([0-9a-f]{8})([0-9a-f]{8})/.exec(text) ?? []
  if (upper === undefined || lower === undefined) return null
  const others = [
    Number.parseInt(upper, 16) & ~ownInUpperHalf,
    Number.parseInt(lower, 16) & ~(ownInLowerHalf | faultsInLowerHalf),
  ]
  return others.some((mask) => mask !== 0)
}
