/**
 * Defines the table of rlimits: the POSIX soft and hard limits of a process, one row each. The pathname space, the
 * model and the Linux source derive from it. A soft rlimit is the capacity of the process for the limit that it refuses
 * at.
 */

import type { LimitName } from './table.ts'

export interface RlimitRow {
  /** POSIX name, in lower case without `RLIMIT_`. */
  readonly name: string
  readonly unit: 'bytes' | 'seconds' | 'count'
  /** The limit whose capacity is the soft rlimit; null where that is not counted. */
  readonly limit: LimitName | null
  /** Units of the limit per unit of the rlimit; `page`: the limit counts pages, the rlimit bytes. */
  readonly factor: number | 'page'
  readonly linux: LinuxRlimit | null
  readonly model: ModelRlimit
}

/** An rlimit of Linux. */
export interface LinuxRlimit {
  /** `RLIMIT_<NAME>`, the same on x86-64 and arm64. */
  readonly resource: number
  /** Its name in `/proc/<pid>/limits`. */
  readonly title: string
  /** It is the capacity of its limit there; otherwise Linux ignores it, or holds something else to it. */
  readonly isCapacity: boolean
}

/** An rlimit of the model, which follows QNX Neutrino. */
export interface ModelRlimit {
  /**
   * - `process`: setting it sets the capacity of the process.
   * - `main-thread`: setting it sets the capacity of the main thread.
   * - `none`: it can be set, and has no effect.
   * - `unsupported`: setting it is refused.
   */
  readonly effect: 'process' | 'main-thread' | 'none' | 'unsupported'
  /** The soft limit is at least this. */
  readonly least?: number
  /** The soft limit is at least what is in use. */
  readonly checksUse?: true
  /** Soft and hard limit of a process without a parent; left out: unlimited. */
  readonly initial?: number
}

export const rlimits = [
  {
    name: 'as',
    unit: 'bytes',
    limit: 'address-space',
    factor: 1,
    linux: { resource: 9, title: 'Max address space', isCapacity: true },
    model: { effect: 'process' },
  },
  {
    name: 'core',
    unit: 'bytes',
    limit: null,
    factor: 1,
    linux: { resource: 4, title: 'Max core file size', isCapacity: false },
    model: { effect: 'none' },
  },
  {
    name: 'cpu',
    unit: 'seconds',
    limit: 'cpu-time',
    factor: 1e6,
    linux: { resource: 0, title: 'Max cpu time', isCapacity: true },
    model: { effect: 'process' },
  },
  {
    name: 'data',
    unit: 'bytes',
    limit: 'data-pages',
    factor: 'page',
    linux: { resource: 2, title: 'Max data size', isCapacity: true },
    model: { effect: 'process' },
  },
  {
    name: 'fsize',
    unit: 'bytes',
    limit: 'file-size',
    factor: 1,
    linux: { resource: 1, title: 'Max file size', isCapacity: true },
    model: { effect: 'unsupported' },
  },
  {
    name: 'memlock',
    unit: 'bytes',
    limit: 'memlock',
    factor: 1,
    linux: { resource: 8, title: 'Max locked memory', isCapacity: true },
    model: { effect: 'unsupported' },
  },
  {
    name: 'nofile',
    unit: 'count',
    limit: 'fds',
    factor: 1,
    linux: { resource: 7, title: 'Max open files', isCapacity: true },
    model: { effect: 'process', least: 100, checksUse: true, initial: 1000 },
  },
  {
    // In QNX the children of a process; in Linux the threads of a user, which no limit counts.
    name: 'nproc',
    unit: 'count',
    limit: 'children',
    factor: 1,
    linux: { resource: 6, title: 'Max processes', isCapacity: false },
    model: { effect: 'process' },
  },
  {
    name: 'nthr',
    unit: 'count',
    limit: 'threads',
    factor: 1,
    linux: null,
    model: { effect: 'process', checksUse: true },
  },
  {
    // Linux ignores it.
    name: 'rss',
    unit: 'bytes',
    limit: 'memory',
    factor: 1,
    linux: { resource: 5, title: 'Max resident set', isCapacity: false },
    model: { effect: 'process' },
  },
  {
    // The capacity of the main thread. On Linux that is read from the stack itself.
    name: 'stack',
    unit: 'bytes',
    limit: 'stack',
    factor: 1,
    linux: { resource: 3, title: 'Max stack size', isCapacity: false },
    model: { effect: 'main-thread' },
  },
] as const satisfies readonly RlimitRow[]

export type RlimitName = (typeof rlimits)[number]['name']

export const rlimitNames = rlimits.map(({ name }) => name) as readonly RlimitName[]

const rows: ReadonlyMap<string, RlimitRow> = new Map(rlimits.map((row) => [row.name, row]))
const byLimit: ReadonlyMap<string, RlimitName> = new Map(
  rlimits.flatMap(({ limit, name }) => (limit === null ? [] : [[limit, name]])),
)

export function isRlimitName(name: string): name is RlimitName {
  return rows.has(name)
}

/** @returns undefined where there is no rlimit of this name */
export function rlimitRow(name: RlimitName): RlimitRow
export function rlimitRow(name: string): RlimitRow | undefined
export function rlimitRow(name: string): RlimitRow | undefined {
  return rows.get(name)
}

/** The rlimit that refuses new use of a limit; null where there is none. */
export function rlimitOf(limit: string): RlimitName | null {
  return byLimit.get(limit) ?? null
}

/** A soft rlimit as a capacity, in the unit of the limit. Infinity is unlimited. */
export function capacityOfRlimit({ factor }: RlimitRow, soft: number, pageBytes: number): number {
  return factor === 'page' ? Math.floor(soft / pageBytes) : soft * factor
}
