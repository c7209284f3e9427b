/**
 * Finds out whether a procfs names processes by ids of this process's own pid namespace. Only such ids may be given to
 * system calls: in another namespace the same number is another process.
 */

import { existsSync, readFileSync, readlinkSync, statfsSync } from 'node:fs'
import { parseStatus } from '../parse/status.ts'

export interface ProcNamespace {
  /** It is the kernel's own procfs, not a copy of one. */
  readonly isProc: boolean
  /** Id of this process there; null if it is not one of the processes there. */
  readonly selfPid: number | null
  /** Ids there are those that system calls of this process take. */
  readonly isOwn: boolean
}

const procMagic = 0x9fa0

export function findProcNamespace(procRoot: string): ProcNamespace {
  if (!existsSync(procRoot) || statfsSync(procRoot).type !== procMagic)
    return { isProc: false, selfPid: null, isOwn: false }
  const selfPid = readSelf(procRoot)
  return { isProc: true, selfPid, isOwn: selfPid === process.pid && isInnermost(procRoot) }
}

/** The link leads nowhere if the namespace of the procfs does not contain this process. */
function readSelf(procRoot: string): number | null {
  try {
    const pid = Number(readlinkSync(`${procRoot}/self`))
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null
  } catch {
    return null
  }
}

/** By chance, this process may have the same id in its own namespace and in that of the procfs. */
function isInnermost(procRoot: string): boolean {
  try {
    // Kernels before 4.1 do not list the ids of inner namespaces.
    return parseStatus(readFileSync(`${procRoot}/self/status`, 'latin1')).namespacePids.length <= 1
  } catch {
    return false // unknown, so ids from there are given to no system call
  }
}
