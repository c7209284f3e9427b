/**
 * Defines the messages between the two workers of the live source and its main thread. The connector worker receives
 * births and deaths from the kernel; the scan worker reads /proc. Both only read: the main thread holds the state.
 * Times are milliseconds of Unix time, with a fraction. A pid is the id of a thread group.
 */

import type { Rlimit } from '../../kernel/nodes/process.ts'
import type { WeakEvidence } from '../../kernel/nodes/wait.ts'
import type { ThreadState } from '../../kernel/states.ts'
import type { DemandedReading, PartitionReading, SystemReading } from './container-readings.ts'
import { type ScannedLimit, scannedLimits } from './linux-limits.ts'

// ---- connector → main ----

export type ProcessEvent = { readonly at: number } & (
  | {
      readonly what: 'fork'
      readonly pid: number
      readonly parent: number
      /**
       * Field 22 of `stat`. If the process had ended before it could be read, computed from the kernel's time stamp of
       * its birth.
       */
      readonly startTicks: number
      /** Read from `stat`. Null if the process had ended before it could be read: then it has its parent's name. */
      readonly name: string | null
      readonly kernelThread: boolean
    }
  | { readonly what: 'clone'; readonly pid: number; readonly tid: number }
  | {
      /** By now all threads have ended except the one that called exec, and that one has the leader's tid. */
      readonly what: 'exec'
      readonly pid: number
      /** Each is null if the process had ended before it could be read. */
      readonly name: string | null
      readonly executable: string | null
      readonly uid: number | null
    }
  | { readonly what: 'name'; readonly pid: number; readonly tid: number; readonly name: string }
  | { readonly what: 'uid'; readonly pid: number; readonly uid: number }
  | {
      /** A thread ended; a process ends with its last thread. One of `code` and `signal` is null. */
      readonly what: 'exit'
      readonly pid: number
      readonly tid: number
      readonly code: number | null
      readonly signal: string | null
    }
)

export type ConnectorMessage =
  | { readonly type: 'listening' }
  /** The kernel does not permit listening. The worker ends after this message. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'events'; readonly events: readonly ProcessEvent[] }
  /** `count` events between the two times were not delivered. Null if the number is not known. */
  | {
      readonly type: 'lost'
      readonly count: number | null
      readonly from: number
      readonly to: number
      readonly why: string
    }

// ---- main → scan worker ----

/**
 * The bit after those of the limits, which are in the order of `scannedLimits`: for such processes the fast scan reads
 * what their threads wait for, and the owners of locks.
 */
export const locksBit = 1 << scannedLimits.length
export const scannedIndex = Object.fromEntries(scannedLimits.map((name, index) => [name, index])) as Readonly<
  Record<ScannedLimit, number>
>

export interface ScanOptions {
  readonly procRoot: string
  readonly cgroupRoot: string
  /** Period of the fast scan, which reads what is armed. */
  readonly periodMs: number
  /** Period of the full scan. */
  readonly fullPeriodMs: number
  /** Shares of one CPU that scanning may take: with nothing armed, and with something armed. */
  readonly idleBudget: number
  readonly armedBudget: number
  /** ns from CLOCK_MONOTONIC to the service's time. Shared memory that the main thread updates. */
  readonly clockOffset: BigInt64Array
}

/** A tid of 0 stands for the facts of the process. */
export interface ThreadId {
  readonly pid: number
  readonly tid: number
}

/** Limits on demand that full scans read. */
export interface DemandPlan {
  /** For every process, and for some. */
  readonly everyMask: number
  readonly masks: ReadonlyMap<number, number>
  /**
   * Bits of `containerLimits`: of every partition, and by the names of a partition with a slash between them. The
   * machine has an empty name.
   */
  readonly everyPartition: number
  readonly containers: ReadonlyMap<string, number>
}

export type ScanCommand =
  /**
   * The limits that the fast scan reads: `everyMask` for every process, except those in `masks`, which have their own
   * mask. Replaces the plan before.
   */
  | {
      readonly type: 'plan'
      readonly everyMask: number
      /** The fast scan also reads the machine's own figures (memory, memory-free). */
      readonly system: boolean
      readonly masks: ReadonlyMap<number, number>
      /** Command lines are facts of processes. */
      readonly cmdlines?: true
      /** Absent if there are none besides those that the fast scan reads. */
      readonly demands?: DemandPlan
    }
  /**
   * Processes that were born or ended since the last such message. A new process that is alive after one fast period is
   * read in full at once, also if a scan has read it already: such readings were not recorded.
   */
  | { readonly type: 'births'; readonly born: readonly number[]; readonly died: readonly number[] }
  /** Threads to read again in full: readings from before they were registered were not recorded. */
  | { readonly type: 'reread'; readonly threads: readonly ThreadId[] }
  /** Events were lost: run a full scan with inventory now. */
  | { readonly type: 'rescan' }
  /** A report was not recorded: read everything again as at the start, because changes are reported only once. */
  | { readonly type: 'restart' }
  | { readonly type: 'stop' }

// ---- scan worker → main ----

/**
 * A row of `values` has five numbers. tid 0 is the process itself; quality 1 is an estimate (a high-water mark), 2 a
 * lower bound, and a larger number an estimate with that granularity. A full scan reports every value that it read, a
 * fast scan only those that changed. Threads that did not run are left out.
 */
export const valueStride = 5 // pid, tid, index in scannedLimits, value, quality
/** A row of `capacities` has four numbers. Infinity means that there is no finite capacity. */
export const capacityStride = 4 // pid, tid, index in scannedLimits, capacity

export interface ProcessFacts {
  readonly pid: number
  readonly startTicks: number
  readonly name: string
  readonly parent: number
  /** Effective user id; null if it cannot be read. */
  readonly uid: number | null
  /** Path of the executable; null for kernel threads, and if it may not be read. */
  readonly executable: string | null
  /** Absent if command lines are not wanted; null if there is none, or if it cannot be read. */
  readonly cmdline?: string | null
  readonly kernelThread: boolean
  /** Cgroup names from the root down; empty for the root. Null if unknown. */
  readonly partition: readonly string[] | null
  /** Soft and hard limits by POSIX name, in POSIX units; Infinity is unlimited. Null if they may not be read. */
  readonly rlimits: Readonly<Record<string, Rlimit>> | null
}

/**
 * The object that a blocked thread waits for, as far as Linux shows it. Numbers are as in the system call; addresses
 * are hexadecimal.
 */
export interface WaitsOn {
  readonly call: string
  readonly fd?: number
  readonly address?: string
}

export interface ThreadFacts {
  readonly pid: number
  readonly tid: number
  readonly name: string
  /** Null if unknown; `why` has the reason. */
  readonly state: ThreadState | null
  readonly on: WaitsOn | null
  /** False if Linux does not distinguish this state from another; `why` says from which. */
  readonly certain: boolean
  readonly why: string | null
  /** Time at which this state was first seen, not at which it began. */
  readonly since: number
  readonly priority: number
}

export interface Unreadable {
  readonly pid: number
  readonly tid: number
  readonly limit: ScannedLimit
  readonly reason: string
}

export interface Unidentified {
  readonly pid: number
  readonly reason: string
}

/** A wait for an object that one thread owns, confirmed by two readings that agree. */
export interface ObservedWait {
  readonly pid: number
  readonly tid: number
  readonly kind: 'mutex' | 'rwlock' | 'thread'
  /** Address of the object. If processes share it: device, inode and offset. */
  readonly object: string
  /** Null: the wait is proven. */
  readonly evidence: WeakEvidence | null
  /** Null: the owner has ended, and no other thread can release the object. */
  readonly owner: { readonly pid: number; readonly tid: number } | null
  /** TID as it stands in the lock, in the program's own pid namespace; 0 if unknown. */
  readonly ownerTid: number
  /** Other processes have the object in their memory too. */
  readonly isShared: boolean
  /**
   * The wait was confirmed earlier. Its thread has run since, for example in a signal handler, so it is neither
   * confirmed again nor contradicted.
   */
  readonly isUnconfirmed: boolean
}

export interface ScanReport {
  readonly type: 'scan'
  readonly kind: 'fast' | 'full'
  readonly startedAt: number
  readonly finishedAt: number
  /**
   * CPU time of this scan, and the present period of scans of this kind. It is longer than configured if scanning is
   * over budget.
   */
  readonly cpuMs: number
  readonly periodMs: number
  /** Full scans: a row for each process that is alive: pid, start ticks, number of threads, their tids. */
  readonly inventory: Float64Array | null
  /** Full scans: processes that exist and cannot be identified. They are not in the inventory, and have not ended. */
  readonly unidentified: readonly Unidentified[]
  /** Processes and threads that are new or changed. */
  readonly processes: readonly ProcessFacts[]
  readonly threads: readonly ThreadFacts[]
  readonly values: Float64Array
  readonly capacities: Float64Array
  /**
   * Readings that failed, reported when they begin to fail and when the reason changes. A later value ends the failure.
   */
  readonly unreadable: readonly Unreadable[]
  /** Processes of which no thread has run: earlier values still hold, unless the report has a newer one. */
  readonly confirmed: Int32Array
  /** The known waits of all processes at one instant of this scan. Null: those reported before still hold. */
  readonly waits: readonly ObservedWait[] | null
  /**
   * Pids of all known processes in which every thread waits without timeout for something inside the process. Null:
   * those reported before still hold.
   */
  readonly closedSets: readonly number[] | null
  readonly system: SystemReading | null
  /** Full scans: the limits on demand of the machine and of partitions. */
  readonly demanded: readonly DemandedReading[]
  /** Full scans: every partition (cgroup), parents before children. */
  readonly partitions: readonly PartitionReading[] | null
}

export type ScanMessage =
  | ScanReport
  /** A reading of the machine as a whole failed. Sent once, until it works again. */
  | { readonly type: 'degraded'; readonly what: string; readonly reason: string }
  | { readonly type: 'recovered'; readonly what: string }
