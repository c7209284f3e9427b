/** Parses `/proc/P/stat` and `/proc/P/task/T/stat`. */

import { textOfBytes } from './byte-text.ts'
import { DecimalReader } from './decimal-reader.ts'

/** The used fields of `/proc/P/stat` and `/proc/P/task/T/stat`. */
export interface Stat {
  pid: number
  /** Position of the name in the bytes; `nameOfStat` decodes it. */
  nameStart: number
  nameEnd: number
  /** One character: R, S, D, T, t, Z, X, I, P. */
  state: string
  parent: number
  kernelThread: boolean
  /** The kernel may have added the thread to a process of a program, to work for it: io_uring and vhost do. */
  mayBeWorker: boolean
  /** It is ending: it has no memory and no descriptors any more, or will have none soon. */
  isEnding: boolean
  /** It called exec, so its memory is not a copy of its parent's. */
  hasExecuted: boolean
  priority: number
  threads: number
  startTicks: number
}

export function emptyStat(): Stat {
  return {
    pid: 0,
    nameStart: 0,
    nameEnd: 0,
    state: '',
    parent: 0,
    kernelThread: false,
    mayBeWorker: false,
    isEnding: false,
    hasExecuted: false,
    priority: 0,
    threads: 0,
    startTicks: 0,
  }
}

const pfKthread = 0x00200000
// PF_IO_WORKER and PF_USER_WORKER. Older kernels use these bits for other marks of a thread.
const pfWorker = 0x10 | 0x4000
const pfForkNoExec = 0x40
const pfExiting = 0x4
const openingParenthesis = 40
const closingParenthesis = 41
const stateNames = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
// In ticks of 10 ms since the machine was started: 178,000 years. Later times are no dates.
const startTicksMax = 2 ** 49
const numbers = new DecimalReader()

/**
 * Fills `into` from the first `length` bytes; returns false if they are not a whole `stat`. The name may have any
 * bytes, parentheses and newlines too.
 */
export function parseStat(bytes: Uint8Array, length: number, into: Stat): boolean {
  let opening = 0
  while (opening < length && bytes[opening] !== openingParenthesis) opening++
  let closing = length - 1
  while (closing > opening && bytes[closing] !== closingParenthesis) closing--
  if (closing <= opening || closing + 2 >= length) return false
  numbers.start(bytes, 0, opening)
  into.pid = numbers.next()
  into.nameStart = opening + 1
  into.nameEnd = closing
  into.state = stateNames[bytes[closing + 2]! & 0x7f]!
  numbers.start(bytes, closing + 3, length)
  into.parent = numbers.next()
  numbers.skip(4) // process group, session, terminal, its process group
  const flags = numbers.next()
  into.kernelThread = (flags & pfKthread) !== 0
  into.mayBeWorker = (flags & pfWorker) !== 0
  into.isEnding = into.state === 'Z' || into.state === 'X' || (flags & pfExiting) !== 0
  into.hasExecuted = (flags & pfForkNoExec) === 0
  numbers.skip(8) // faults and CPU ticks
  into.priority = numbers.next()
  numbers.skip(1) // nice
  into.threads = numbers.next()
  numbers.skip(1) // always 0
  into.startTicks = numbers.next()
  if (!(into.startTicks >= 0 && into.startTicks <= startTicksMax)) return false
  for (const number of [into.pid, into.parent, into.priority, into.threads])
    if (!Number.isSafeInteger(number)) return false
  return true
}

export function nameOfStat(bytes: Uint8Array, stat: Stat): string {
  return textOfBytes(bytes, stat.nameStart, stat.nameEnd)
}
