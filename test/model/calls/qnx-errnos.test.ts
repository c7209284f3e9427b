/** Holds the errnos of each kernel call to its page in the QNX library reference. Exceptions must be documented. */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type KernelCallName, kernelCallNames } from '../../../src/model/calls/table.ts'
import { docstrings } from './docstrings.ts'

/** Errnos of the pages, as far as the model knows them. A call that is missing here is not in QNX. */
const pages: Partial<Record<KernelCallName, string>> = {
  spawn: 'E2BIG EACCES EAGAIN EBADF EINTR EINVAL EMFILE ENOENT ENOMEM EPERM',
  exit: '',
  waitpid: 'ECHILD EINTR EINVAL',
  kill: 'EAGAIN EINVAL EPERM ESRCH',
  setrlimit: 'EINVAL EPERM',
  ThreadCreate: 'EAGAIN EINVAL ENOTSUP EPERM',
  ThreadDestroy: 'ESRCH',
  ThreadJoin: 'EBUSY EDEADLK EINTR EINVAL ESRCH ETIMEDOUT',
  ThreadDetach: 'EINVAL ESRCH',
  ChannelCreate: 'EAGAIN EINVAL EPERM',
  ChannelDestroy: 'EINVAL',
  ConnectAttach: 'EAGAIN EINVAL ENXIO EPERM ESRCH',
  ConnectDetach: 'EINVAL',
  MsgSend: 'EBADF EINTR ENXIO ESRCH ETIMEDOUT',
  MsgReceive: 'EINTR ESRCH ETIMEDOUT',
  MsgReply: 'EBADF ESRCH',
  MsgError: 'EBADF ESRCH',
  MsgSendPulse: 'EAGAIN EBADF ESRCH',
  SyncTypeCreate: 'EAGAIN EINVAL',
  SyncDestroy: 'EBUSY EINVAL',
  SyncMutexLock: 'EAGAIN EDEADLK EINVAL ETIMEDOUT',
  SyncMutexTryLock: 'EAGAIN EBUSY EINVAL',
  SyncMutexUnlock: 'EINVAL EPERM',
  SyncCondvarWait: 'EAGAIN EINVAL EPERM ETIMEDOUT',
  SyncCondvarSignal: 'EAGAIN EINVAL',
  SyncSemWait: 'EAGAIN EDEADLK EINTR EINVAL ETIMEDOUT',
  SyncSemPost: 'EINTR EINVAL',
  SignalKill: 'EAGAIN EINVAL EPERM ESRCH',
  SignalAction: 'EINVAL EPERM ESRCH',
  SignalProcmask: 'EAGAIN EINVAL EPERM ESRCH',
  SignalWaitinfo: 'EINTR EINVAL ETIMEDOUT',
  SignalSuspend: 'EINTR ETIMEDOUT',
  TimerCreate: 'EAGAIN EINVAL',
  TimerSettime: 'EINVAL',
  TimerDestroy: 'EINVAL',
  TimerTimeout: 'EAGAIN EINVAL',
  nanosleep: 'EINTR EINVAL ETIMEDOUT',
  mmap: 'EACCES EAGAIN EBADF EINVAL ENOMEM ENXIO EPERM',
  munmap: 'EINVAL',
  open: 'EACCES EBUSY EEXIST EFBIG EINTR EINVAL EMFILE ENOENT ENOSPC ENXIO',
  close: 'EBADF EINTR',
  write: 'EAGAIN EBADF EFBIG EINTR ENOSPC ENXIO EPERM',
}

const reference = readFileSync(new URL('../../../docs/reference/calls.md', import.meta.url), 'utf8')
const differences = reference.slice(reference.indexOf('## Differences from QNX'), reference.indexOf('<!-- from here'))
const rows = differences.split('\n').filter((line) => line.startsWith('| '))

/** Errnos that the page of differences gives for a call. */
const excepted = (call: string): Set<string> =>
  new Set(
    rows
      .map((row) => row.split('|'))
      .filter(([, calls = '']) => calls.trim().split(', ').includes(call))
      .flatMap(([, , text = '']) => [...text.matchAll(/\bE[A-Z]+\b/g)].map(([errno]) => errno)),
  )

describe('the errnos of', () => {
  for (const call of kernelCallNames) {
    const page = pages[call]
    test(`${call} ${page === undefined ? 'have no page in QNX' : 'are those of its page in QNX, or a documented exception'}`, () => {
      const { errnos, text } = docstrings.get(call)!
      expect(text.includes('Not in QNX')).toBe(page === undefined)
      if (page === undefined) return
      const known = new Set(page.split(' '))
      const others = [...errnos].filter((errno) => !known.has(errno))
      expect(others.filter((errno) => !excepted(call).has(errno))).toEqual([])
    })
  }
})
