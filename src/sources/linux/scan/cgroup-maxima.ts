/** Reads the limits on tasks and on CPU time of a cgroup, in whichever hierarchies their controllers are. */

import { ProcFile, type ProcFiles } from '../native/proc-files.ts'
import type { CgroupTree } from './cgroup-reader.ts'

export interface Maxima {
  readonly threadsMax: number | null
  /** Permille of one CPU. */
  readonly cpuMax: number | null
}

export class CgroupMaxima {
  readonly #tree: CgroupTree
  readonly #path: string
  readonly #pidsMax: ProcFile | null
  readonly #cpuQuota: ProcFile | null
  readonly #cpuPeriod: ProcFile | null

  constructor(tree: CgroupTree, names: readonly string[]) {
    this.#tree = tree
    this.#path = names.map((name) => `/${name}`).join('')
    const file = (root: string | null, name: string) =>
      root === null ? null : new ProcFile(`${root}${this.#path}/${name}`)
    const isV2 = tree.hierarchy === 'v2'
    this.#pidsMax = file(tree.pids, 'pids.max')
    this.#cpuQuota = file(tree.cpu, isV2 ? 'cpu.max' : 'cpu.cfs_quota_us')
    this.#cpuPeriod = isV2 ? null : file(tree.cpu, 'cpu.cfs_period_us')
  }

  read(files: ProcFiles): Maxima {
    const threads = this.#readText(files, this.#pidsMax)
    const cpu = cpuMaxOf(this.#readText(files, this.#cpuQuota), this.#readText(files, this.#cpuPeriod))
    const threadsMax = threads === null || threads === 'max' ? null : Number(threads)
    return {
      threadsMax: threadsMax !== null && this.#isSamePartition(files, this.#tree.pids) ? threadsMax : null,
      cpuMax: cpu !== null && this.#isSamePartition(files, this.#tree.cpu) ? cpu : null,
    }
  }

  release(files: ProcFiles): void {
    for (const file of [this.#pidsMax, this.#cpuQuota, this.#cpuPeriod]) if (file !== null) files.release(file)
  }

  #readText(files: ProcFiles, file: ProcFile | null): string | null {
    if (file === null) return null
    const length = files.read(file, false, 2)
    return length <= 0 ? null : files.bytes.toString('latin1', 0, length).trim()
  }

  /**
   * In version 1 each controller has its own hierarchy. A path there is the same partition if it has the same
   * processes.
   */
  #isSamePartition(files: ProcFiles, root: string | null): boolean {
    const { directory } = this.#tree
    if (root === directory) return true
    const members = (base: string | null) => {
      const length = files.readWhole(`${base}${this.#path}/cgroup.procs`)
      return length < 0 ? null : files.bytes.toString('latin1', 0, length)
    }
    return members(directory) === members(root)
  }
}

/**
 * `cpu.max` has "max 100000" or "50000 100000"; version 1 has two files, in which -1 is no limit. Returns null for no
 * limit.
 */
export function cpuMaxOf(quota: string | null, period: string | null): number | null {
  const [quotaText, periodText] = quota === null ? [] : period === null ? quota.split(' ') : [quota, period]
  const [quotaUs, periodUs] = [Number(quotaText), Number(periodText)]
  return quotaUs > 0 && periodUs > 0 ? Math.round((quotaUs * 1000) / periodUs) : null
}
