/**
 * Defines the table of limits: every resource that is counted, one row each. Routes, validation, what each source
 * reads, the reference and `GET /sys/limits` derive from it. A limit is counted, a threshold watches a limit, and an
 * rlimit (POSIX) refuses new use of one.
 */

import type { Errno } from '../errno.ts'
import type { LinuxReading, Unavailable } from './linux-reading.ts'

/** The four levels that carry limits, from the smallest container to the largest. */
export const levels = ['thread', 'process', 'partition', 'system'] as const
export type Level = (typeof levels)[number]

/**
 * The rule by which a limit adds up above its home level.
 * - `sum`: the sum of all subtending nodes.
 * - `maximum`: the largest of them.
 * - `read`: each level has a reading of its own, because a sum would count shared pages twice.
 * - `none`: it exists at its home level only.
 */
export type Adding = 'sum' | 'maximum' | 'read' | 'none'

export interface LimitRow {
  readonly name: string
  readonly summary: string
  readonly unit: 'count' | 'bytes' | 'pages' | 'µs' | 'permille'
  /** The level at which it is counted. */
  readonly home: Level
  /** The levels at which it can be read. */
  readonly at: readonly Level[]
  readonly adds: Adding
  /** The share of a dead node stays in the sums, so the value never falls. */
  readonly includesDead?: true
  /** The errno of a call of the model that would pass the limit; null where no call is refused. */
  readonly errno: Errno | null
  /** Left out: the model counts it. */
  readonly model?: Unavailable
  readonly linux: LinuxReading | Unavailable
}

const upFrom = { thread: levels, process: levels.slice(1), partition: levels.slice(2), system: levels.slice(3) }

export const limits = [
  {
    name: 'channels',
    summary: 'channels created',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    linux: { summary: 'listening sockets, TCP and unix (`sock_diag`)', from: 'fd-table' },
  },
  {
    name: 'server-ids',
    summary: 'server connection ids (scoids) held by the server',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    linux: { summary: 'accepted sockets (`sock_diag`)', from: 'fd-table' },
  },
  {
    name: 'connections',
    summary: 'connection ids (coids) held by the client',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    linux: { summary: 'connected sockets (`sock_diag`)', from: 'fd-table' },
  },
  {
    name: 'stack',
    summary: 'stack in use',
    unit: 'bytes',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    errno: 'ENOMEM',
    linux: {
      summary: 'stack pointer of a blocked thread, touched extent of a running one',
      from: 'stack',
      capacity: { thread: 'the size of the stack' },
    },
  },
  {
    name: 'stack-size',
    summary: 'stack reserved',
    unit: 'bytes',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    errno: 'ENOMEM',
    linux: { summary: 'the mapping; for the main thread its rlimit', from: 'stack' },
  },
  {
    name: 'data-pages',
    summary: 'data pages',
    unit: 'pages',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'ENOMEM',
    linux: { summary: '`statm`: data and stacks', from: 'statm', changesAtRest: true },
  },
  {
    name: 'memory',
    summary: 'resident memory',
    unit: 'bytes',
    home: 'process',
    at: upFrom.process,
    adds: 'read',
    errno: 'ENOMEM',
    linux: {
      summary: '`statm`; above processes `/proc/meminfo` and the cgroup',
      from: 'statm',
      above: { partition: 'cgroup', system: 'meminfo' },
      changesAtRest: true,
      capacity: { partition: 'the least `memory.max` or `memory.high` on its path', system: 'total memory' },
    },
  },
  {
    name: 'memory-free',
    summary: 'memory still available',
    unit: 'bytes',
    home: 'partition',
    at: upFrom.partition,
    adds: 'read',
    errno: null,
    linux: {
      summary: '`MemAvailable`; for a cgroup its maximum minus its usage that cannot be reclaimed',
      from: 'cgroup',
      above: { system: 'meminfo' },
      changesAtRest: true,
      capacity: { partition: 'the least `memory.max` or `memory.high` on its path', system: 'total memory' },
    },
  },
  {
    name: 'address-space',
    summary: 'virtual memory',
    unit: 'bytes',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'ENOMEM',
    linux: { summary: '`statm`', from: 'statm', changesAtRest: true },
  },
  {
    name: 'threads',
    summary: 'threads',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    linux: {
      summary: 'counted by births and deaths',
      from: 'births',
      capacity: { partition: 'the least `pids.max` on its path', system: '`threads-max` or `pid_max`, the least' },
    },
  },
  {
    name: 'processes',
    summary: 'processes',
    unit: 'count',
    home: 'partition',
    at: upFrom.partition,
    adds: 'sum',
    errno: 'EAGAIN',
    linux: {
      summary: 'counted by births and deaths; zombies are dead',
      from: 'births',
      capacity: { partition: 'the least `pids.max` on its path', system: '`threads-max` or `pid_max`, the least' },
    },
  },
  {
    name: 'children',
    summary: 'live children',
    unit: 'count',
    home: 'process',
    at: ['process'],
    adds: 'none',
    errno: 'EAGAIN',
    linux: { summary: 'counted by births and deaths', from: 'births' },
  },
  {
    name: 'fds',
    summary: 'open file descriptors',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EMFILE',
    linux: { summary: 'entries of `/proc/<pid>/fd`', from: 'fd-size', capacity: { system: '`file-max`' } },
  },
  {
    name: 'timers',
    summary: 'POSIX timers',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    linux: { summary: '`/proc/<pid>/timers`', from: 'timers' },
  },
  {
    name: 'signals',
    summary: 'signals and pulses queued',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    linux: {
      summary: '`SigPnd`, `ShdPnd` in `status`: kinds, not the number of each',
      from: 'status',
      changesAtRest: true,
    },
  },
  {
    name: 'cpu-time',
    summary: 'CPU time used',
    unit: 'µs',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    includesDead: true,
    errno: null,
    linux: { summary: '`schedstat`; includes dead threads', from: 'schedstat' },
  },
  {
    name: 'cpu',
    summary: 'share of one CPU over the last second',
    unit: 'permille',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    errno: null,
    linux: {
      summary: '`schedstat`, over the last second',
      from: 'schedstat',
      capacity: { partition: 'the least `cpu.max` or set of CPUs on its path', system: '1000 for each CPU' },
    },
  },
  {
    name: 'mutexes',
    summary: 'mutexes owned',
    unit: 'count',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    errno: null,
    linux: { unavailable: 'Linux knows the owner of a lock only while a thread waits for it' },
  },
  {
    name: 'memlock',
    summary: 'locked memory',
    unit: 'bytes',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'ENOMEM',
    linux: { summary: '`VmLck` in `status`', from: 'status', status: { line: 'VmLck', unit: 'kB' } },
  },
  {
    name: 'file-size',
    summary: 'largest file open for writing',
    unit: 'bytes',
    home: 'process',
    at: upFrom.process,
    adds: 'maximum',
    errno: 'EFBIG',
    linux: { summary: 'the largest regular file open for writing', from: 'fd-table' },
  },
  {
    name: 'oom-kills',
    summary: 'processes that the kernel killed because memory ran out',
    unit: 'count',
    home: 'partition',
    at: upFrom.partition,
    adds: 'read',
    errno: null,
    model: { unavailable: 'the model refuses memory beyond a limit, and kills no process for it' },
    linux: {
      summary: '`memory.events` or `memory.oom_control` of the cgroup; `/proc/vmstat`',
      from: 'cgroup',
      above: { system: 'vmstat' },
      changesAtRest: true,
    },
  },
] as const satisfies readonly LimitRow[]

export type LimitName = (typeof limits)[number]['name']

/** The place of a limit in the table. Counters are indexed by it. */
export const limitIndex = Object.fromEntries(limits.map(({ name }, index) => [name, index])) as Readonly<
  Record<LimitName, number>
>
