/** The maxima of tasks and of CPU time that are set on a cgroup, whichever controllers they stand with. */

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
    const threads = this.#readOf(files, this.#pidsMax)
    const cpu = cpuMaxOf(this.#readOf(files, this.#cpuQuota), this.#readOf(files, this.#cpuPeriod))
    const threadsMax = threads === null || threads === 'max' ? null : Number(threads)
    return {
      threadsMax: threadsMax !== null && this.#holds(files, this.#tree.pids) ? threadsMax : null,
      cpuMax: cpu !== null && this.#holds(files, this.#tree.cpu) ? cpu : null,
    }
  }

  forget(files: ProcFiles): void {
    for (const file of [this.#pidsMax, this.#cpuQuota, this.#cpuPeriod]) if (file !== null) files.forget(file)
  }

  #readOf(files: ProcFiles, file: ProcFile | null): string | null {
    if (file === null) return null
    const length = files.read(file, false, 2)
    return length <= 0 ? null : files.bytes.toString('latin1', 0, length).trim()
  }

  /** In version 1 each controller has a tree of its own: a path there is the same partition if the same processes are in it. */
  #holds(files: ProcFiles, root: string | null): boolean {
    const { directory } = this.#tree
    if (root === directory) return true
    const members = (base: string | null) => {
      const length = files.readOnce(`${base}${this.#path}/cgroup.procs`)
      return length < 0 ? null : files.bytes.toString('latin1', 0, length)
    }
    return members(directory) === members(root)
  }
}

/** `cpu.max` is "max 100000" or "50000 100000"; in version 1 two files, and -1 is none. Null is none. */
export function cpuMaxOf(quota: string | null, period: string | null): number | null {
  const [allowed, per] = quota === null ? [] : period === null ? quota.split(' ') : [quota, period]
  const [used, of] = [Number(allowed), Number(per)]
  return used > 0 && of > 0 ? Math.round((used * 1000) / of) : null
}
