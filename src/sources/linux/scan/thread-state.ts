/** Maps Linux's own readings to a thread state. Pure: readings in, the state and its reason out. */

import type { ThreadState } from '../../../kernel/states.ts'
import { type BlockingCall, blockingCallsOf } from '../parse/blocking-calls.ts'
import { hasUserRegisters, hexadecimalOf, type SystemCall } from '../parse/syscall.ts'
import type { WaitsOn } from '../protocol.ts'
import { futexUnknown } from '../reasons.ts'

export interface ThreadClassification {
  readonly state: ThreadState | null
  readonly on: WaitsOn | null
  readonly certain: boolean
  readonly why: string | null
  /** The readings hold until the thread runs again. */
  readonly blocked: boolean
  /** It sleeps in futex(2): the words in memory may show more. */
  readonly isFutex?: true
}

function known(state: ThreadState, on: WaitsOn | null, blocked = true): ThreadClassification {
  return {
    state,
    on,
    certain: true,
    why: null,
    blocked,
  }
}

function unknown(why: string): ThreadClassification {
  return { state: null, on: null, certain: false, why, blocked: true }
}

const running: ThreadClassification = {
  state: 'RUNNING',
  on: null,
  certain: false,
  why: 'Linux does not distinguish running from ready',
  blocked: false,
}
const stopped = known('STOPPED', null)
const dead = known('DEAD', null)
const waitsForPage: ThreadClassification = {
  ...known('WAITPAGE', null),
  certain: false,
  why: 'an uninterruptible sleep: Linux does not distinguish a wait for memory from one for a disk, a network file system or the thaw of a frozen cgroup',
}
const waitsForChild = unknown('waits for a child of vfork(2) to execute a program or to end')
const mayWaitForChild = unknown(
  'an uninterruptible sleep in clone3(2): perhaps for a child of posix_spawn(3), or for memory',
)
const kernelThreadSleeps = unknown('kernel thread: no system call shows what it waits for')
const workerSleeps = unknown('works for the kernel in this process (io_uring, vhost): no system call shows its wait')
const outsideCall = unknown('sleeps outside a system call')
const ranMeanwhile: ThreadClassification = { ...unknown('it ran while it was read'), blocked: false }
const program32 = unknown('a 32-bit program: its system calls have other numbers')

const futexCommandMask = 127
const futexLockPi = 6
const futexLockPi2 = 13
const cloneVfork = 0x4000
/** The same on all architectures. */
const clone3 = 435
const processCalls: Readonly<Record<string, { readonly vfork: number | null; readonly clone: number }>> = {
  x64: { vfork: 58, clone: 56 },
  arm64: { vfork: null, clone: 220 },
}
const addresses32 = 0x1_0000_0000

function whyUnknown(arch: string): string {
  return arch === 'x64' ? futexUnknown : `${futexUnknown}: owners of locks are not read on ${arch}`
}

function inFutex(name: string, call: SystemCall, arch: string): ThreadClassification {
  const on = { call: name, address: hexadecimalOf(call, 0) }
  const command = call.low[1]! & futexCommandMask
  if (command === futexLockPi || command === futexLockPi2) return { ...known('MUTEX', on), isFutex: true }
  return { state: 'CONDVAR', on, certain: false, why: whyUnknown(arch), blocked: true, isFutex: true }
}

function inCall(waiting: BlockingCall, call: SystemCall, arch: string): ThreadClassification {
  const { name, state, first } = waiting
  if (first === 'futex') return inFutex(name, call, arch)
  if (state === 'CONDVAR') return { state, on: { call: name }, certain: false, why: futexUnknown, blocked: true }
  return known(state, first === 'fd' ? { call: name, fd: call.low[0]! | 0 } : { call: name })
}

function asleep(call: SystemCall, arch: string): ThreadClassification {
  if (call.kind === 'running') return ranMeanwhile
  if (!hasUserRegisters(call)) return workerSleeps
  if (call.kind === 'outside') return outsideCall
  if (call.stackPointer < addresses32 && call.programCounter < addresses32) return program32
  const calls = blockingCallsOf(arch)
  if (!calls) return unknown(`the system calls of ${arch} are not known`)
  const waiting = calls.get(call.number)
  return waiting ? inCall(waiting, call, arch) : unknown(`sleeps in system call ${call.number}`)
}

/** A parent that shares its memory with its child until the child executes a program sleeps as for a page. */
function uninterruptible(call: SystemCall | string, arch: string): ThreadClassification {
  const calls = typeof call !== 'string' && call.kind === 'inside' ? processCalls[arch] : undefined
  if (calls === undefined || typeof call === 'string') return waitsForPage
  if (call.number === calls.vfork) return waitsForChild
  if (call.number === calls.clone) return (call.low[0]! & cloneVfork) === 0 ? waitsForPage : waitsForChild
  return call.number === clone3 ? mayWaitForChild : waitsForPage
}

export interface ThreadReading {
  /** State letter in `stat`. */
  readonly letter: string
  readonly kernelThread: boolean
  /** Content of `syscall`, or the reason why it could not be read. */
  readonly call: SystemCall | string
  readonly arch: string
}

export function classifyThread({ letter, kernelThread, call, arch }: ThreadReading): ThreadClassification {
  switch (letter) {
    case 'R':
      return running
    case 'D':
      return uninterruptible(call, arch)
    case 'T':
    case 't':
      return stopped
    case 'Z':
    case 'X':
      return dead
    case 'S':
    case 'I':
      if (kernelThread) return kernelThreadSleeps
      return typeof call === 'string' ? unknown(call) : asleep(call, arch)
    default:
      return unknown(`the kernel reports the unknown state ${letter}`)
  }
}
