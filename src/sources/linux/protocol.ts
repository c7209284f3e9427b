/**
 * What the two workers of the live Linux source and its main thread say to one another. The connector worker hears
 * of births and deaths from the kernel; the scan worker reads /proc. Both are only readers: they keep no model,
 * the main thread does. Times are milliseconds of Unix time, with a fraction; pid is a thread group's id.
 */

import type { WeakEvidence } from '../../kernel/nodes/wait.ts'
import type { ThreadState } from '../../kernel/states.ts'
import { type ScannedLimit, scannedLimits } from './linux-limits.ts'

// ---- connector → main ----

export type ProcessEvent = { readonly at: number } & (
  | {
      readonly what: 'fork'
      readonly pid: number
      readonly parent: number
      /** Field 22 of `stat`; where the process was gone before it could be read, from the kernel's time stamp of its birth. */
      readonly startTicks: number
      /** From `stat`; null where the process was gone before it could be read: then it has its parent's. */
      readonly name: string | null
      readonly kernelThread: boolean
    }
  | { readonly what: 'clone'; readonly pid: number; readonly tid: number }
  | {
      /** All threads but the one that called exec are gone by now, and that one has the tid of the leader. */
      readonly what: 'exec'
      readonly pid: number
      /** Each null where the process was gone before it could be read. */
      readonly name: string | null
      readonly executable: string | null
      readonly uid: number | null
    }
  | { readonly what: 'name'; readonly pid: number; readonly tid: number; readonly name: string }
  | { readonly what: 'uid'; readonly pid: number; readonly uid: number }
  | {
      /** A thread ended; the process ends with its last one. One of `code` and `signal` is null. */
      readonly what: 'exit'
      readonly pid: number
      readonly tid: number
      readonly code: number | null
      readonly signal: string | null
    }
)

export type ConnectorMessage =
  | { readonly type: 'listening' }
  /** The kernel does not let us listen; the worker ends after this. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'events'; readonly events: readonly ProcessEvent[] }
  /** `count` events between two times were not delivered; null where the number cannot be known. */
  | {
      readonly type: 'lost'
      readonly count: number | null
      readonly from: number
      readonly to: number
      readonly why: string
    }

// ---- main → scan worker ----

/** A mask has the bit of a limit's place in `scannedLimits`. The bit after those of the limits: of these processes the fast period reads what their threads wait for, and owners of locks. */
export const locksBit = 1 << scannedLimits.length
export const scannedIndex = Object.fromEntries(scannedLimits.map((name, index) => [name, index])) as Readonly<
  Record<ScannedLimit, number>
>

export interface ScanOptions {
  readonly procRoot: string
  readonly cgroupRoot: string
  /** The fast period, for what is armed. */
  readonly periodMs: number
  /** The period of the full scan. */
  readonly fullPeriodMs: number
  /** Shares of one CPU that scanning may take with nothing armed, and with something. */
  readonly idleBudget: number
  readonly armedBudget: number
  /** ns from CLOCK_MONOTONIC to the service's time, shared with the main thread, which keeps it up to date. */
  readonly clockOffset: BigInt64Array
}

export type ScanCommand =
  /** What the fast period reads: of every process `everyMask`, and of those listed their own mask instead. Replaces the plan before. */
  | {
      readonly type: 'plan'
      readonly everyMask: number
      /** The readings of the machine itself (memory, memory-free) are wanted in the fast period. */
      readonly system: boolean
      readonly masks: ReadonlyMap<number, number>
    }
  /** Processes the connector saw born or ended since: a newborn that outlives a fast period is read in full at once. */
  | { readonly type: 'lives'; readonly born: readonly number[]; readonly died: readonly number[] }
  /** Events were lost: a full scan with inventory, now. */
  | { readonly type: 'rescan' }
  | { readonly type: 'stop' }

// ---- scan worker → main ----

/**
 * A row of `values`: five numbers. tid 0 is the process itself; quality 1 is an estimate (a
 * high-water mark), 2 a lower bound. A full scan
 * tells every value that it read, the fast pass those that changed; threads that did not run are left out.
 */
export const valueStride = 5 // pid, tid, index in scannedLimits, value, quality
/** A row of `capacities`: four numbers. Infinity is "no finite capacity". */
export const capacityStride = 4 // pid, tid, index in scannedLimits, capacity

export interface ProcessFacts {
  readonly pid: number
  readonly startTicks: number
  readonly name: string
  readonly parent: number
  /** Effective user id. */
  readonly uid: number
  /** Path of the executable; null for kernel threads and where it may not be read. */
  readonly executable: string | null
  readonly kernelThread: boolean
  /** Cgroup names from the root down; empty is the root. Null where it cannot be told. */
  readonly partition: readonly string[] | null
  /** POSIX soft and hard limits by POSIX name and unit; Infinity is unlimited. Null where they may not be read. */
  readonly rlimits: Readonly<Record<string, { readonly soft: number; readonly hard: number }>> | null
}

/** What a blocked thread waits on, as far as Linux says. Numbers as in the system call; addresses are hexadecimal. */
export interface WaitsOn {
  readonly call: string
  readonly fd?: number
  readonly address?: string
}

export interface ThreadFacts {
  readonly pid: number
  readonly tid: number
  readonly name: string
  /** Null where it cannot be told; `why` says so. */
  readonly state: ThreadState | null
  readonly on: WaitsOn | null
  /** False where Linux does not tell this state from another; `why` says which. */
  readonly certain: boolean
  readonly why: string | null
  /** When this state was first seen, not when it began. */
  readonly since: number
  readonly priority: number
}

export interface Unreadable {
  readonly pid: number
  readonly tid: number
  readonly limit: ScannedLimit
  readonly reason: string
}

/** A wait for something that one thread owns, found true by two readings that agree. */
export interface ObservedWait {
  readonly pid: number
  readonly tid: number
  readonly kind: 'mutex' | 'rwlock' | 'thread'
  /** Its address; of one that processes share, its device, inode and offset. */
  readonly object: string
  /** Null: proven. */
  readonly evidence: WeakEvidence | null
  /** Null: the thread that owned it has ended, and nobody else can release it. */
  readonly owner: { readonly pid: number; readonly tid: number } | null
  /** As it stands in the lock: an id in the program's own pid namespace; 0 where it is not known. */
  readonly ownerTid: number
  /** Other processes have it in their memory too. */
  readonly isShared: boolean
  /** It was true, and neither found true again nor contradicted: its thread ran meanwhile, as for a signal handler. */
  readonly isDoubted: boolean
}

export interface ScanReport {
  readonly type: 'scan'
  readonly kind: 'fast' | 'full'
  readonly startedAt: number
  readonly finishedAt: number
  /** CPU time of this pass, and the period now kept for passes of this kind (longer than asked for when over budget). */
  readonly cpuMs: number
  readonly periodMs: number
  /** Full scans: every process that lives: pid, start ticks, number of threads, their tids. */
  readonly inventory: Float64Array | null
  /** Processes and threads seen first or changed. */
  readonly processes: readonly ProcessFacts[]
  readonly threads: readonly ThreadFacts[]
  readonly values: Float64Array
  readonly capacities: Float64Array
  /** Readings that failed, when they begin to fail or their reason changes; a later value ends it. */
  readonly unreadable: readonly Unreadable[]
  /** Processes none of whose threads has run: earlier values still hold, except where the report has a newer one. */
  readonly confirmed: Int32Array
  /** All that are known, of all processes, as they were at one moment of this pass. Null: as told before, and found true again. */
  readonly waits: readonly ObservedWait[] | null
  /** Processes all of whose threads wait for ever on something inside: all that are known. Null: as told before. */
  readonly closedSets: readonly number[] | null
  readonly system: SystemReading | null
  /** Full scans: every partition (cgroup) there is, parents before children. */
  readonly partitions: readonly PartitionReading[] | null
}

export interface SystemReading {
  readonly memory: number
  readonly memoryFree: number
  readonly memoryTotal: number
  readonly cpus: number
  readonly processesMax: number
  readonly threadsMax: number
  /** Infinity where the kernel sets none that can be reached. */
  readonly fdsMax: number
}

export interface PartitionReading {
  readonly names: readonly string[]
  /** Null where the controller is not there; `why` says so. */
  readonly memory: number | null
  readonly memoryMax: number | null
  /** Of tasks, which are threads; and of CPU in permille of one. Null where none is set. */
  readonly threadsMax: number | null
  readonly cpuMax: number | null
  readonly why: string | null
}

export type ScanMessage =
  | ScanReport
  /** A reading of the machine as a whole failed; sent once until it works again. */
  | { readonly type: 'degraded'; readonly what: string; readonly reason: string }
  | { readonly type: 'recovered'; readonly what: string }
