/**
 * Defines the types of the `linux` column of the limits table: which reading of a live Linux machine feeds a limit.
 * They are plain data. The Linux source derives from them what it reads and when, and the reference derives its tables.
 */

import type { Level } from './limit-row.ts'

/** Readings that the scan worker takes for each process or thread. */
export const scanFeeds = [
  'faults',
  'fd-size',
  'fd-table',
  'io',
  'schedstat',
  'stack',
  'statm',
  'status',
  'switches',
  'timers',
  'zombies',
] as const

/**
 * A reading that feeds a limit.
 * - `births`: not read, but counted by births and deaths of processes and threads.
 * - `cgroup`: the files of a cgroup.
 * - `faults`: the numbers of page faults in `/proc/<pid>/stat`.
 * - `fd-size`: the number of entries in `/proc/<pid>/fd`.
 * - `fd-table`: the descriptors in `/proc/<pid>/fd`, one by one.
 * - `io`: `/proc/<pid>/io`.
 * - `meminfo`: `/proc/meminfo`.
 * - `pressure`: `/proc/pressure`, and the files of that kind in a cgroup.
 * - `restarts`: not read, but counted when a cgroup is made again.
 * - `schedstat`: `/proc/<pid>/task/<tid>/schedstat`.
 * - `stack`: the mapping of a thread's stack, and its stack pointer.
 * - `statm`: `/proc/<pid>/statm`.
 * - `status`: `/proc/<pid>/status`.
 * - `swap`: the file of a cgroup with its usage of swap.
 * - `switches`: the number of times that a thread ran, in `schedstat`.
 * - `timers`: `/proc/<pid>/timers`.
 * - `vmstat`: `/proc/vmstat`.
 * - `zombies`: the states and the parents of all processes.
 */
export type LinuxFeed =
  | (typeof scanFeeds)[number]
  | 'births'
  | 'cgroup'
  | 'meminfo'
  | 'pressure'
  | 'restarts'
  | 'swap'
  | 'vmstat'

/**
 * A line of `/proc/<pid>/status` with one whole number. Lines in kB belong to an address space: kernel threads have
 * none, and neither has a process that is ending.
 */
export interface StatusLine {
  /** For example `VmLck`. */
  readonly line: string
  readonly unit: 'kB' | 'count'
}

/** The reading of a live Linux machine that feeds a limit. */
export interface LinuxReading {
  /** The source of the value, for the reference. Markdown. */
  readonly summary: string
  /** Feeds the limit at its home level. */
  readonly from: LinuxFeed
  /** With `from: 'status'`: the line to read. Left out where the limit has a parser of its own. */
  readonly status?: StatusLine
  /** Feeds the limit at levels above its home, where it does not add up. */
  readonly above?: Readonly<Partial<Record<Level, LinuxFeed>>>
  /**
   * Levels at which the reading takes files that nothing else needs. It is taken only while a threshold watches it,
   * and for a while after a client requested it.
   */
  readonly onDemand?: readonly Level[]
  /** The reading can change while no thread of the process runs. */
  readonly changesAtRest?: true
  /**
   * The source of the capacity at each level that has one, for the reference. Markdown. Capacities that are soft
   * rlimits of the process are not here: their source is the table of rlimits.
   */
  readonly capacity?: Readonly<Partial<Record<Level, string>>>
}

/** Stands for the reading where a source cannot measure a limit. */
export interface Unavailable {
  /** The reason, for clients. */
  readonly unavailable: string
}
