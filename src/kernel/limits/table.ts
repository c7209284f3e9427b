/**
 * The limits: every resource that is counted, declared once. Routes, validation, documentation and `GET /sys/limits`
 * derive from this table. A threshold watches a limit; an rlimit (POSIX) refuses at one: three different words.
 */

import type { Errno } from '../errno.ts'

/** The four levels that carry limits, from the smallest container to the largest. */
export const levels = ['thread', 'process', 'partition', 'system'] as const
export type Level = (typeof levels)[number]

/**
 * How a limit adds up above its home level.
 * - `sum`: the sum of all subtending nodes.
 * - `maximum`: the largest of them.
 * - `read`: each level has a reading of its own (summing would count shared pages twice).
 * - `none`: it exists at its home level(s) only.
 */
export type Adding = 'sum' | 'maximum' | 'read' | 'none'

export interface LimitRow {
  readonly name: string
  readonly summary: string
  readonly unit: 'count' | 'bytes' | 'pages' | 'µs' | 'permille'
  /** Where it is counted. */
  readonly home: Level
  /** The levels at which it can be read. */
  readonly at: readonly Level[]
  readonly adds: Adding
  /** A dead node's share stays in the sums: the value never falls. */
  readonly keepsDead?: true
  /** What a refused call gets (model); null where nothing refuses. */
  readonly errno: Errno | null
  /** The POSIX rlimit it pairs with. */
  readonly rlimit: string | null
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
    rlimit: null,
  },
  {
    name: 'server-ids',
    summary: 'server connection ids (scoids) held by the server',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    rlimit: null,
  },
  {
    name: 'connections',
    summary: 'connection ids (coids) held by the client',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    rlimit: null,
  },
  {
    name: 'stack',
    summary: 'stack in use',
    unit: 'bytes',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    errno: 'ENOMEM',
    rlimit: 'stack',
  },
  {
    name: 'stack-size',
    summary: 'stack reserved',
    unit: 'bytes',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    errno: 'ENOMEM',
    rlimit: null,
  },
  {
    name: 'data-pages',
    summary: 'data pages',
    unit: 'pages',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'ENOMEM',
    rlimit: 'data',
  },
  {
    name: 'memory',
    summary: 'resident memory',
    unit: 'bytes',
    home: 'process',
    at: upFrom.process,
    adds: 'read',
    errno: 'ENOMEM',
    rlimit: 'rss',
  },
  {
    name: 'memory-free',
    summary: 'memory still available',
    unit: 'bytes',
    home: 'partition',
    at: upFrom.partition,
    adds: 'read',
    errno: null,
    rlimit: null,
  },
  {
    name: 'address-space',
    summary: 'virtual memory',
    unit: 'bytes',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'ENOMEM',
    rlimit: 'as',
  },
  {
    name: 'threads',
    summary: 'threads',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    rlimit: 'nthr',
  },
  {
    name: 'processes',
    summary: 'processes',
    unit: 'count',
    home: 'partition',
    at: upFrom.partition,
    adds: 'sum',
    errno: 'EAGAIN',
    rlimit: null,
  },
  {
    name: 'children',
    summary: 'live children',
    unit: 'count',
    home: 'process',
    at: ['process'],
    adds: 'none',
    errno: 'EAGAIN',
    rlimit: 'nproc',
  },
  {
    name: 'fds',
    summary: 'open file descriptors',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EMFILE',
    rlimit: 'nofile',
  },
  {
    name: 'timers',
    summary: 'POSIX timers',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    rlimit: null,
  },
  {
    name: 'signals',
    summary: 'signals and pulses queued',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'EAGAIN',
    rlimit: null,
  },
  {
    name: 'cpu-time',
    summary: 'CPU time used',
    unit: 'µs',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    keepsDead: true,
    errno: null,
    rlimit: 'cpu',
  },
  {
    name: 'cpu',
    summary: 'share of one CPU over the last second',
    unit: 'permille',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    errno: null,
    rlimit: null,
  },
  {
    name: 'mutexes',
    summary: 'mutexes owned',
    unit: 'count',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    errno: null,
    rlimit: null,
  },
  {
    name: 'memlock',
    summary: 'locked memory',
    unit: 'bytes',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: 'ENOMEM',
    rlimit: 'memlock',
  },
  {
    name: 'file-size',
    summary: 'largest file open for writing',
    unit: 'bytes',
    home: 'process',
    at: upFrom.process,
    adds: 'maximum',
    errno: 'EFBIG',
    rlimit: 'fsize',
  },
] as const satisfies readonly LimitRow[]

export type LimitName = (typeof limits)[number]['name']

/** A limit's place in the table: what counters are indexed by. */
export const limitIndex = Object.fromEntries(limits.map(({ name }, index) => [name, index])) as Readonly<
  Record<LimitName, number>
>
