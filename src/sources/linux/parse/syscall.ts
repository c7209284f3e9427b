/**
 * Parses `/proc/P/task/T/syscall`: `running`, `-1 sp pc` (blocked outside a system call) or `nr six-arguments sp pc`.
 */
export interface SystemCall {
  kind: 'running' | 'outside' | 'inside'
  number: number
  /** Arguments in halves of 32 bits, because a double cannot hold 64 bits exactly. */
  readonly low: Uint32Array
  readonly high: Uint32Array
  /** Addresses in user space are below 2^53, so doubles hold them. */
  stackPointer: number
  programCounter: number
}

export function emptySystemCall(): SystemCall {
  return {
    kind: 'running',
    number: -1,
    low: new Uint32Array(8),
    high: new Uint32Array(8),
    stackPointer: 0,
    programCounter: 0,
  }
}

const space = 32
const letterX = 120
const minus = 45

function digitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  if (byte >= 97 && byte <= 102) return byte - 87
  return -1
}

function wordOf(call: SystemCall, index: number): number {
  return call.high[index]! * 0x1_0000_0000 + call.low[index]!
}

/** Reads hexadecimal words (`0x…`) from `start` into the halves; returns their number. */
function parseWords(bytes: Uint8Array, start: number, end: number, into: SystemCall): number {
  let count = 0
  for (let at = start; at < end && count < 8; ) {
    while (at < end && bytes[at] !== letterX) at++
    at++
    let low = 0
    let high = 0
    let digits = 0
    for (; at < end; at++, digits++) {
      const digit = digitOf(bytes[at]!)
      if (digit < 0) break
      high = ((high << 4) | (low >>> 28)) >>> 0
      low = ((low << 4) | digit) >>> 0
    }
    if (digits === 0) break
    into.low[count] = low
    into.high[count] = high
    count++
  }
  return count
}

/** Fills `into`; returns false if the bytes are not a whole `syscall`. */
export function parseSyscall(bytes: Uint8Array, length: number, into: SystemCall): boolean {
  if (length < 2) return false
  if (bytes[0] === 114) {
    into.kind = 'running'
    into.number = -1
    into.stackPointer = 0
    into.programCounter = 0
    return true
  }
  const outside = bytes[0] === minus
  let at = outside ? 1 : 0
  let number = 0
  for (; at < length && bytes[at] !== space; at++) number = number * 10 + bytes[at]! - 48
  const words = parseWords(bytes, at, length, into)
  if (words !== (outside ? 2 : 8)) return false
  into.kind = outside ? 'outside' : 'inside'
  into.number = outside ? -1 : number
  into.stackPointer = wordOf(into, words - 2)
  into.programCounter = wordOf(into, words - 1)
  return true
}

/** A 64-bit argument as `0x…`, exact. */
export function hexadecimalOf(call: SystemCall, index: number): string {
  const high = call.high[index]!
  const low = call.low[index]!
  return high === 0 ? `0x${low.toString(16)}` : `0x${high.toString(16)}${low.toString(16).padStart(8, '0')}`
}

/** Whether the thread has registers of a program. A thread that the kernel added to a process has none. */
export function hasUserRegisters({ kind, stackPointer, programCounter }: SystemCall): boolean {
  return kind === 'running' || stackPointer !== 0 || programCounter !== 0
}
