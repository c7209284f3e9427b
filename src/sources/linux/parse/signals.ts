/** Signals that are pending, in `/proc/P/task/T/status`: masks, that is kinds and not how many of each. How many is told per user only. */

export interface PendingSignals {
  /** To the thread alone, and to its process. */
  readonly ofThread: number
  readonly ofProcess: number
  /** There are kinds among them that queue, of which there may be more than the one that the mask tells of. */
  readonly ofThreadQueue: boolean
  readonly ofProcessQueue: boolean
  /** How many are queued to all processes of its user together; null where that is not told. */
  readonly ofUser: number | null
}

// Written as hexadecimal of 64 bits: the upper half, then the lower, whose last bit is signal 32, the first that queues.
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

/** Null where the masks are not there. */
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

// 32 to 34, which the C library handles for itself: cancellation, and ids that are changed for all threads.
const ownInLowerHalf = 0x8000_0000
const ownInUpperHalf = 0x3

/** Whether the program handles signals of its own accord: then any of them may do anything. Null where it is not told. */
export function handlesSignals(text: string): boolean | null {
  const [, upper, lower] = /\nSigCgt:\t([0-9a-f]{8})([0-9a-f]{8})/.exec(text) ?? []
  if (upper === undefined || lower === undefined) return null
  const others = [Number.parseInt(upper, 16) & ~ownInUpperHalf, Number.parseInt(lower, 16) & ~ownInLowerHalf]
  return others.some((mask) => mask !== 0)
}
