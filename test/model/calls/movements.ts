/** Kernel calls that raise and lower the usage of each limit. */

import type { LimitName } from '../../../src/kernel/limits/table.ts'
import type { KernelCall } from '../../../src/model/calls/table.ts'

export const page = 4096

export interface Movement {
  readonly by: number
  readonly up: readonly KernelCall[]
  readonly down: readonly KernelCall[]
}

/** For each limit of a process: a call that raises it, by how much, and a call that lowers it by the same amount. */
export const movements: Partial<Record<LimitName, Movement>> = {
  channels: {
    by: 1,
    up: [{ name: 'ChannelCreate', args: {} }],
    down: [{ name: 'ChannelDestroy', args: { chid: 1 } }],
  },
  'server-ids': {
    by: 1,
    up: [
      { name: 'ChannelCreate', args: {} },
      { name: 'ConnectAttach', args: { pid: 0, chid: 1 } },
      { name: 'ConnectAttach', args: { pid: 0, chid: 1 } },
    ],
    down: [
      { name: 'ConnectDetach', args: { coid: 1 } },
      { name: 'ConnectDetach', args: { coid: 2 } },
    ],
  },
  connections: {
    by: 2,
    up: [
      { name: 'ChannelCreate', args: {} },
      { name: 'ConnectAttach', args: { pid: 0, chid: 1 } },
      { name: 'ConnectAttach', args: { pid: 0, chid: 1 } },
    ],
    down: [
      { name: 'ConnectDetach', args: { coid: 1 } },
      { name: 'ConnectDetach', args: { coid: 2 } },
    ],
  },
  stack: { by: 100, up: [{ name: 'enter', args: { bytes: 100 } }], down: [{ name: 'leave', args: { bytes: 100 } }] },
  'stack-size': {
    by: 2 * page,
    up: [{ name: 'ThreadCreate', args: { stackSize: 2 * page } }],
    down: [{ name: 'ThreadDestroy', args: { tid: 2 } }],
  },
  'data-pages': { by: 3, up: [{ name: 'mmap', args: { pages: 3 } }], down: [{ name: 'munmap', args: { pages: 3 } }] },
  memory: {
    by: 3 * page,
    up: [{ name: 'mmap', args: { pages: 3 } }],
    down: [{ name: 'munmap', args: { pages: 3 } }],
  },
  'address-space': {
    by: 3 * page,
    up: [{ name: 'mmap', args: { pages: 3 } }],
    down: [{ name: 'munmap', args: { pages: 3 } }],
  },
  memlock: {
    by: 3 * page,
    up: [{ name: 'mmap', args: { pages: 3, locked: true } }],
    down: [{ name: 'munmap', args: { pages: 3 } }],
  },
  threads: {
    by: 1,
    up: [{ name: 'ThreadCreate', args: { detached: true } }],
    down: [{ name: 'ThreadDestroy', args: { tid: 2 } }],
  },
  fds: { by: 1, up: [{ name: 'open', args: { path: '/f' } }], down: [{ name: 'close', args: { fd: 0 } }] },
  timers: {
    by: 1,
    up: [{ name: 'TimerCreate', args: { notify: { signal: 'SIGALRM' } } }],
    down: [{ name: 'TimerDestroy', args: { timerid: 1 } }],
  },
  signals: {
    by: 1,
    up: [
      { name: 'SignalProcmask', args: { how: 'block', signals: ['SIGUSR1'] } },
      { name: 'kill', args: { pid: 0, signal: 'SIGUSR1' } },
    ],
    down: [{ name: 'SignalWaitinfo', args: { signals: ['SIGUSR1'] } }],
  },
  mutexes: {
    by: 1,
    up: [{ name: 'SyncMutexLock', args: { mutex: 'm' } }],
    down: [{ name: 'SyncMutexUnlock', args: { mutex: 'm' } }],
  },
  'file-size': {
    by: 50,
    up: [{ name: 'open', args: { path: '/f', write: true, size: 50 } }],
    down: [{ name: 'close', args: { fd: 0 } }],
  },
}
