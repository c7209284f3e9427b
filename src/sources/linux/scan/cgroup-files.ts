/** Reads the files of one cgroup: its usage of memory, and its own maxima of memory, tasks and CPU time. */

import { constants } from 'node:os'
import { nameOfErrno } from '../native/libc.ts'
import { isGone, ProcFile, type ProcFiles } from '../native/proc-files.ts'
import {
  countCpus,
  cpuMaxOf,
  hasNoQuota,
  parseMaximum,
  parseOomKills,
  parseReclaimable,
} from '../parse/cgroup-files.ts'
import { type CgroupTree, joinPath, type PathBytes } from './cgroup-tree.ts'

const { ENODEV } = constants.errno
// The number of readings after which a file is held open.
const seldom = 2
const nearShare = 0.9

/** Infinity: no maximum is set. NaN: it cannot be read. */
export interface Maxima {
  memory: number
  threads: number
  /** CPU time, in permille of one CPU. */
  cpu: number
  /** The CPUs that it may use, also in permille of one CPU. */
  cpuset: number
}

export interface MemoryUsage {
  /** Bytes; null if they cannot be read. */
  readonly used: number | null
  /** The part of `used` that the kernel can reclaim. */
  readonly reclaimable: number
  readonly why: string | null
}

/** The cgroup was removed, perhaps while its files were read. */
export function isRemoved(result: number): boolean {
  return result === -ENODEV || isGone(result)
}

/**
 * The path of the cgroup in each hierarchy: the same one in version 2. Null where the hierarchy is absent.
 */
export interface CgroupPlaces {
  readonly directory: PathBytes
  readonly pids: PathBytes | null
  readonly cpu: PathBytes | null
  readonly cpuset: PathBytes | null
  readonly pressure: PathBytes | null
}

export function rootPlaces(tree: CgroupTree): CgroupPlaces | null {
  const { directory, pids, cpu, cpuset, pressure } = tree
  return directory === null ? null : { directory, pids, cpu, cpuset, pressure }
}

export function placesBelow(places: CgroupPlaces, name: PathBytes): CgroupPlaces {
  const { directory, pids, cpu, cpuset, pressure } = places
  return {
    directory: joinPath(directory, name),
    pids: pids && joinPath(pids, name),
    cpu: cpu && joinPath(cpu, name),
    cpuset: cpuset && joinPath(cpuset, name),
    pressure: pressure && joinPath(pressure, name),
  }
}

export class CgroupFiles {
  readonly #hierarchy: CgroupTree['hierarchy']
  readonly #usage: ProcFile | null = null
  readonly #stat: ProcFile | null = null
  readonly #oom: ProcFile | null = null
  /** A task that passes `memory.high` is slowed down until it is below, so no more can be used. */
  readonly #memoryMaxima: readonly ProcFile[]
  readonly #pidsMax: ProcFile | null
  readonly #cpuQuota: ProcFile | null
  readonly #cpuPeriod: ProcFile | null
  readonly #cpuset: ProcFile | null
  #usedAtStat = -1
  #reclaimable = 0
  #wasLost = false

  constructor({ hierarchy }: CgroupTree, { directory, pids, cpu, cpuset }: CgroupPlaces) {
    const file = (place: PathBytes | null, name: string) =>
      place === null ? null : new ProcFile(joinPath(place, name))
    const memoryFiles = (...names: string[]) => names.map((name) => new ProcFile(joinPath(directory, name)))
    const isV2 = hierarchy === 'v2'
    this.#hierarchy = hierarchy
    this.#memoryMaxima = memoryFiles(...memoryMaximumFiles[hierarchy])
    if (hierarchy !== 'pids') {
      this.#usage = file(directory, isV2 ? 'memory.current' : 'memory.usage_in_bytes')
      this.#stat = file(directory, 'memory.stat')
      this.#oom = file(directory, oomFile[hierarchy])
    }
    this.#pidsMax = file(pids, 'pids.max')
    this.#cpuQuota = file(cpu, isV2 ? 'cpu.max' : 'cpu.cfs_quota_us')
    this.#cpuPeriod = isV2 ? null : file(cpu, 'cpu.cfs_period_us')
    this.#cpuset = file(cpuset, isV2 ? 'cpuset.cpus.effective' : 'cpuset.effective_cpus')
  }

  /**
   * The kernel sums up the reclaimable part over all CPUs at each reading, so it is read more seldom than the usage.
   * @param maximum Near it, page cache is replaced by other memory while the usage stays the same.
   */
  readMemory(
    files: ProcFiles,
    { isTurn, isBound, maximum }: { isTurn: boolean; isBound: boolean; maximum: number },
  ): MemoryUsage {
    if (this.#usage === null) return { used: null, reclaimable: 0, why: 'the memory controller is absent' }
    const length = this.#read(files, this.#usage)
    if (length <= 0) return { used: null, reclaimable: 0, why: whyNoMemory(length) }
    const used = parseMaximum(files.bytes, length)
    if (!Number.isSafeInteger(used)) return { used: null, reclaimable: 0, why: 'its usage of memory is no number' }
    if (((isTurn || isBound) && used !== this.#usedAtStat) || used > maximum * nearShare)
      this.#readReclaimable(files, used)
    return { used, reclaimable: Math.min(this.#reclaimable, used), why: null }
  }

  #readReclaimable(files: ProcFiles, used: number): void {
    const text = this.#stat === null || this.#hierarchy === 'pids' ? null : this.#readText(files, this.#stat)
    if (typeof text !== 'string' || this.#hierarchy === 'pids') return
    this.#reclaimable = parseReclaimable(text, this.#hierarchy) ?? 0
    this.#usedAtStat = used
  }

  /** Null if there is no such count. In version 1 it does not include the cgroups below. */
  readOomKills(files: ProcFiles): number | null {
    const text = this.#oom === null ? null : this.#readText(files, this.#oom)
    return typeof text === 'string' ? parseOomKills(text) : null
  }

  /** Number of CPUs that it may use; null if it has no set of its own, or if the set is not known. */
  readCpus(files: ProcFiles): number | null {
    const text = this.#cpuset === null ? null : this.#readText(files, this.#cpuset)
    return typeof text === 'string' ? countCpus(text) : null
  }

  /** The maxima of this cgroup alone, without those around it and without its set of CPUs. */
  readMaxima(files: ProcFiles, into: Maxima): void {
    into.memory = Number.POSITIVE_INFINITY
    for (const file of this.#memoryMaxima) into.memory = Math.min(into.memory, this.#readMaximum(files, file))
    into.threads = this.#pidsMax === null ? Number.POSITIVE_INFINITY : this.#readMaximum(files, this.#pidsMax)
    into.cpu = this.#cpuQuota === null ? Number.POSITIVE_INFINITY : this.#readCpu(files, this.#cpuQuota)
  }

  #readCpu(files: ProcFiles, quotaFile: ProcFile): number {
    const length = this.#read(files, quotaFile)
    if (length < 0) return withoutFile(length)
    if (hasNoQuota(files.bytes)) return Number.POSITIVE_INFINITY
    const quota = files.bytes.toString('latin1', 0, length).trim()
    const period = this.#cpuPeriod === null ? null : this.#readText(files, this.#cpuPeriod)
    if (typeof period === 'number') return withoutFile(period)
    return cpuMaxOf(quota, period) ?? Number.POSITIVE_INFINITY
  }

  /** Whether a file that was held open has failed since the last call: the cgroup may be another one by now. */
  takeLoss(): boolean {
    const wasLost = this.#wasLost
    this.#wasLost = false
    return wasLost
  }

  /**
   * Reads a file. If it was held open and fails, its cgroup was removed, and another one may have the name by now. So
   * it is opened again.
   */
  #read(files: ProcFiles, file: ProcFile): number {
    const wasOpen = file.fd >= 0
    const length = files.read(file, false, seldom)
    if (length >= 0 || !wasOpen) return length
    this.#wasLost = true
    return files.read(file, false, seldom)
  }

  /** The text without white space around it, or a negated error number. */
  #readText(files: ProcFiles, file: ProcFile): string | number {
    const length = this.#read(files, file)
    return length < 0 ? length : files.bytes.toString('latin1', 0, length).trim()
  }

  #readMaximum(files: ProcFiles, file: ProcFile): number {
    const length = this.#read(files, file)
    return length < 0 ? withoutFile(length) : parseMaximum(files.bytes, length)
  }

  release(files: ProcFiles): void {
    const all = [
      this.#usage,
      this.#stat,
      this.#oom,
      ...this.#memoryMaxima,
      this.#pidsMax,
      this.#cpuQuota,
      this.#cpuPeriod,
      this.#cpuset,
    ]
    for (const file of all) if (file !== null) files.release(file)
  }
}

/** The file with the number of processes that were killed because memory ran out. */
export const oomFile = { v2: 'memory.events', memory: 'memory.oom_control' } as const

const memoryMaximumFiles = { v2: ['memory.max', 'memory.high'], memory: ['memory.limit_in_bytes'], pids: [] } as const

/** A file that is absent sets no maximum, because its controller does not apply here. Else the maximum is unknown. */
function withoutFile(result: number): number {
  return isRemoved(result) ? Number.POSITIVE_INFINITY : Number.NaN
}

function whyNoMemory(result: number): string {
  if (isRemoved(result)) return 'the memory controller is not enabled for this cgroup'
  return result === 0 ? 'its usage of memory is empty' : `its usage of memory cannot be read: ${nameOfErrno(-result)}`
}
