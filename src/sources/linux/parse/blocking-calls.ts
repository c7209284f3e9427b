/** Lists the system calls in which threads block: number by architecture, and the thread state of each. */

import type { ThreadState } from '../../../kernel/states.ts'

type FirstArgument = 'fd' | 'futex' | 'other'

interface CallRow {
  readonly name: string
  readonly state: ThreadState
  readonly first: FirstArgument
  /** Numbers by `process.arch`; null if the architecture has no such call. */
  readonly x64: number | null
  readonly arm64: number | null
}

export interface BlockingCall {
  readonly name: string
  readonly state: ThreadState
  readonly first: FirstArgument
}

function row(
  state: ThreadState,
  name: string,
  x64: number | null,
  arm64: number | null,
  first: FirstArgument = 'other',
): CallRow {
  return { name, state, first, x64, arm64 }
}

const rows: readonly CallRow[] = [
  row('RECEIVE', 'read', 0, 63, 'fd'),
  row('RECEIVE', 'readv', 19, 65, 'fd'),
  row('RECEIVE', 'pread64', 17, 67, 'fd'),
  row('RECEIVE', 'preadv', 295, 69, 'fd'),
  row('RECEIVE', 'preadv2', 327, 286, 'fd'),
  row('RECEIVE', 'recvfrom', 45, 207, 'fd'),
  row('RECEIVE', 'recvmsg', 47, 212, 'fd'),
  row('RECEIVE', 'recvmmsg', 299, 243, 'fd'),
  row('RECEIVE', 'accept', 43, 202, 'fd'),
  row('RECEIVE', 'accept4', 288, 242, 'fd'),
  row('RECEIVE', 'poll', 7, null),
  row('RECEIVE', 'ppoll', 271, 73),
  row('RECEIVE', 'select', 23, null),
  row('RECEIVE', 'pselect6', 270, 72),
  row('RECEIVE', 'epoll_wait', 232, null, 'fd'),
  row('RECEIVE', 'epoll_pwait', 281, 22, 'fd'),
  row('RECEIVE', 'epoll_pwait2', 441, 441, 'fd'),
  row('RECEIVE', 'io_getevents', 208, 4),
  row('RECEIVE', 'io_pgetevents', 333, 292),
  row('RECEIVE', 'io_uring_enter', 426, 426, 'fd'),
  row('RECEIVE', 'msgrcv', 70, 188),
  row('RECEIVE', 'mq_timedreceive', 243, 183, 'fd'),
  row('RECEIVE', 'wait4', 61, 260),
  row('RECEIVE', 'waitid', 247, 95),
  row('SEND', 'write', 1, 64, 'fd'),
  row('SEND', 'writev', 20, 66, 'fd'),
  row('SEND', 'pwrite64', 18, 68, 'fd'),
  row('SEND', 'pwritev', 296, 70, 'fd'),
  row('SEND', 'pwritev2', 328, 287, 'fd'),
  row('SEND', 'sendto', 44, 206, 'fd'),
  row('SEND', 'sendmsg', 46, 211, 'fd'),
  row('SEND', 'sendmmsg', 307, 269, 'fd'),
  row('SEND', 'connect', 42, 203, 'fd'),
  row('SEND', 'flock', 73, 32, 'fd'),
  row('SEND', 'fcntl', 72, 25, 'fd'),
  row('SEND', 'msgsnd', 69, 189),
  row('SEND', 'mq_timedsend', 242, 182, 'fd'),
  row('NANOSLEEP', 'nanosleep', 35, 101),
  row('NANOSLEEP', 'clock_nanosleep', 230, 115),
  row('SIGSUSPEND', 'pause', 34, null),
  row('SIGSUSPEND', 'rt_sigsuspend', 130, 133),
  row('SIGWAITINFO', 'rt_sigtimedwait', 128, 137),
  row('SEM', 'semop', 65, 193),
  row('SEM', 'semtimedop', 220, 192),
  row('CONDVAR', 'futex', 202, 98, 'futex'),
  row('CONDVAR', 'futex_waitv', 449, 449),
  row('CONDVAR', 'futex_wait', 455, 455),
]

function byNumber(arch: 'x64' | 'arm64'): ReadonlyMap<number, BlockingCall> {
  const calls = new Map<number, BlockingCall>()
  for (const { name, state, first, [arch]: number } of rows)
    if (number !== null) calls.set(number, { name, state, first })
  return calls
}

const tables: Readonly<Record<string, ReadonlyMap<number, BlockingCall>>> = {
  x64: byNumber('x64'),
  arm64: byNumber('arm64'),
}

/** The calls of this architecture (`process.arch`); null if they are not known. */
export function blockingCallsOf(arch: string): ReadonlyMap<number, BlockingCall> | null {
  return tables[arch] ?? null
}
