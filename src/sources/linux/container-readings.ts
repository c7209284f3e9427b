/** Defines the part of a scan report that is about the machine as a whole and about partitions. */

import type { LimitName } from '../../kernel/limits/table.ts'

/** A limit on demand of a partition, or of the machine, which has no names. */
export interface DemandedReading {
  readonly names: readonly string[]
  readonly limit: LimitName
  /** Null if it cannot be read; `why` has the reason. */
  readonly value: number | null
  readonly why: string | null
}

/** Each figure is null if it could not be read. */
export interface SystemReading {
  readonly memory: number | null
  readonly memoryFree: number | null
  /** The part of `memoryFree` that the kernel has to take back first; null if it is not known. */
  readonly memoryReclaimable: number | null
  readonly memoryTotal: number | null
  readonly swap: number | null
  readonly swapTotal: number | null
  /** The reason why memory is not known; null if it is. */
  readonly whyNoMemory: string | null
  /** Processes that were killed because memory ran out, here or in a cgroup. */
  readonly oomKills: number | null
  readonly cpus: number | null
  readonly processesMax: number | null
  readonly threadsMax: number | null
  /** Infinity if the kernel sets none that can be reached. */
  readonly fdsMax: number | null
}

/** For each maximum of a partition, the number of names of the cgroup that sets it; 0 is the root of the hierarchy. */
export interface MaximaSources {
  readonly memory: number
  readonly threads: number
  readonly cpu: number
}

/** Maxima are the least of those on the path to the root. Null if none is set; NaN if one cannot be read. */
export interface PartitionReading {
  /** Empty for the root of the hierarchy, which is reported only if it has a maximum itself, as in a container. */
  readonly names: readonly string[]
  /** Null if it cannot be read; `why` has the reason. */
  readonly memory: number | null
  /** The part of `memory` that the kernel can take back, such as page cache. */
  readonly reclaimable: number | null
  readonly memoryMax: number | null
  /** Memory that may still be taken, reclaimable memory included. Null if no maximum is set, or if it is not known. */
  readonly memoryFree: number | null
  /** Limit on tasks, which are threads, and on CPU in permille of one CPU. */
  readonly threadsMax: number | null
  readonly cpuMax: number | null
  readonly sources: MaximaSources
  /** Processes that were killed because memory ran out: in this cgroup, and with those below it. Null if not known. */
  readonly oomKills: { readonly here: number; readonly total: number } | null
  /** Another number for the same names: the cgroup was removed and made again. 0 if it is not known. */
  readonly inode: number
  readonly why: string | null
}
