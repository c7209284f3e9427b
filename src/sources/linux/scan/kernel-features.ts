/** Detects once, at the start, which features this kernel offers. */

import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { parsePageSize } from '../parse/auxv.ts'
import type { Hierarchy } from '../parse/cgroup.ts'
import { emptySchedstat, parseSchedstat } from '../parse/schedstat.ts'
import { type CgroupTree, findCgroupTree } from './cgroup-tree.ts'

const procMagic = 0x9fa0
const defaultPageBytes = 4096

export interface KernelFeatures {
  /** /proc is the kernel's own, not a copy of one. */
  readonly isProc: boolean
  readonly pageBytes: number
  /** The size of `/proc/P/fd` is the number of descriptors (Linux 6.2). */
  readonly fdSizeWorks: boolean
  readonly timersWork: boolean
  readonly schedstatWorks: boolean
  /** Thread ids are those of our own pid namespace, so system calls can name them. */
  readonly ownNamespace: boolean
  readonly hierarchy: Hierarchy
  readonly tree: CgroupTree
}

/**
 * The reason why owners of locks cannot be read at all; null if they can. Layouts of locks are known for x86-64 only.
 */
export function whyNoOwners({ schedstatWorks }: Pick<KernelFeatures, 'schedstatWorks'>): string | null {
  if (process.arch !== 'x64') return `not read on ${process.arch}`
  return schedstatWorks ? null : 'the kernel collects no scheduling statistics, which are needed to confirm a wait'
}

function hasSchedstat(procRoot: string): boolean {
  const path = `${procRoot}/self/schedstat`
  if (!existsSync(path)) return false
  const bytes = readFileSync(path)
  const schedstat = emptySchedstat()
  return parseSchedstat(bytes, bytes.length, schedstat) && schedstat.timesRun > 0
}

export function detectKernelFeatures(procRoot: string, cgroupRoot: string): KernelFeatures {
  const isProc = existsSync(procRoot) && statfsSync(procRoot).type === procMagic
  const tree = findCgroupTree(cgroupRoot)
  return {
    isProc,
    pageBytes: parsePageSize(readFileSync('/proc/self/auxv')) ?? defaultPageBytes,
    fdSizeWorks: isProc && statSync(`${procRoot}/self/fd`).size > 0,
    // In a copy of another machine's files, a missing file only means that it was not copied.
    timersWork: !isProc || existsSync(`${procRoot}/self/timers`),
    schedstatWorks: !isProc || hasSchedstat(procRoot),
    ownNamespace: procRoot === '/proc',
    hierarchy: tree.hierarchy,
    tree,
  }
}
