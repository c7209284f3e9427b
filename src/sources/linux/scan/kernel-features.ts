/** What this kernel offers, found out once at the start. */

import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { parsePageSize } from '../parse/auxv.ts'
import type { Hierarchy } from '../parse/cgroup.ts'
import { emptySchedstat, parseSchedstat } from '../parse/schedstat.ts'
import { type CgroupTree, findCgroupTree } from './cgroup-reader.ts'

const procMagic = 0x9fa0
const usualPageBytes = 4096

export interface KernelFeatures {
  /** It is the kernel's own, not a copy of some. */
  readonly isProc: boolean
  readonly pageBytes: number
  /** The size of `/proc/P/fd` is the number of descriptors (Linux 6.2). */
  readonly fdSizeWorks: boolean
  readonly timersWork: boolean
  readonly schedstatWorks: boolean
  /** Thread ids are those of our own pid namespace, so that system calls may name them. */
  readonly ownNamespace: boolean
  readonly hierarchy: Hierarchy
  readonly tree: CgroupTree
}

/** Why owners of locks cannot be read at all; null where they can. The layouts of locks are known of x86-64 only. */
export function whyNoOwners({ schedstatWorks }: Pick<KernelFeatures, 'schedstatWorks'>): string | null {
  if (process.arch !== 'x64') return `not read on ${process.arch}`
  return schedstatWorks ? null : 'the kernel keeps no scheduling figures, without which no reading can be proven'
}

function keepsSchedstat(procRoot: string): boolean {
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
    pageBytes: parsePageSize(readFileSync('/proc/self/auxv')) ?? usualPageBytes,
    fdSizeWorks: isProc && statSync(`${procRoot}/self/fd`).size > 0,
    // In files that were copied from some machine, those that are absent are just not there.
    timersWork: !isProc || existsSync(`${procRoot}/self/timers`),
    schedstatWorks: !isProc || keepsSchedstat(procRoot),
    ownNamespace: procRoot === '/proc',
    hierarchy: tree.hierarchy,
    tree,
  }
}
