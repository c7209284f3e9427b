/** Detects once, at the start, which features this kernel offers. */

import { existsSync, readFileSync, statSync } from 'node:fs'
import { pageSize } from '../native/libc.ts'
import { findProcNamespace, type ProcNamespace } from '../native/proc-namespace.ts'
import type { Hierarchy } from '../parse/cgroup.ts'
import { emptySchedstat, parseSchedstat } from '../parse/schedstat.ts'
import { type CgroupTree, findCgroupTree } from './cgroup-tree.ts'
import { readHugePageSizes } from './huge-pages.ts'

export interface KernelFeatures {
  /** /proc is the kernel's own, not a copy of one. */
  readonly isProc: boolean
  readonly pageBytes: number
  /** Sizes of the huge pages that the kernel may use for stacks, largest first. */
  readonly hugePageBytes: readonly number[]
  /** The size of `/proc/P/fd` is the number of descriptors (Linux 6.2). */
  readonly fdSizeWorks: boolean
  readonly timersWork: boolean
  readonly schedstatWorks: boolean
  /** Id of this process in /proc; null if it is not one of the processes there. */
  readonly selfPid: number | null
  /** Thread ids are those of our own pid namespace, so system calls can name them. */
  readonly ownNamespace: boolean
  readonly hierarchy: Hierarchy
  readonly tree: CgroupTree
}

/**
 * The reason why owners of locks cannot be read at all; null if they can. Layouts of locks are known for x86-64 only.
 */
export function whyNoOwners(
  { schedstatWorks, ownNamespace }: Pick<KernelFeatures, 'schedstatWorks' | 'ownNamespace'>,
  arch: string = process.arch,
): string | null {
  if (arch !== 'x64') return `their layouts are known on x86-64 only, and this is ${arch}`
  if (!ownNamespace)
    return "the processes are not named by ids of the service's own pid namespace, which the calls that confirm an owner need"
  return schedstatWorks ? null : 'the kernel collects no scheduling statistics, which are needed to confirm a wait'
}

/** The same, for a service that has not started to scan yet. */
export function findWhyNoOwners(procRoot: string, { isProc, selfPid, isOwn }: ProcNamespace): string | null {
  const schedstatWorks = !isProc || hasSchedstat(`${procRoot}/${selfPid ?? 1}`)
  return whyNoOwners({ schedstatWorks, ownNamespace: isOwn })
}

function hasSchedstat(directory: string): boolean {
  return works(() => {
    const bytes = readFileSync(`${directory}/schedstat`)
    const schedstat = emptySchedstat()
    return parseSchedstat(bytes, bytes.length, schedstat) && schedstat.timesRun > 0
  })
}

/** A file may be absent, or not readable although it is there, for example because of a security module. */
function works(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}

export function detectKernelFeatures(procRoot: string, cgroupRoot: string): KernelFeatures {
  const { isProc, selfPid, isOwn } = findProcNamespace(procRoot)
  // If this process is not there, the first process of that namespace shows what the kernel offers.
  const directory = `${procRoot}/${selfPid ?? 1}`
  const tree = findCgroupTree(cgroupRoot)
  return {
    isProc,
    pageBytes: pageSize(),
    hugePageBytes: readHugePageSizes(),
    fdSizeWorks: isProc && works(() => statSync(`${directory}/fd`).size > 0),
    // In a copy of another machine's files, a missing file only means that it was not copied.
    timersWork: !isProc || existsSync(`${directory}/timers`),
    schedstatWorks: !isProc || hasSchedstat(directory),
    selfPid,
    ownNamespace: isOwn,
    hierarchy: tree.hierarchy,
    tree,
  }
}
