/** Reads which processes a procfs hides from this process, and whether a process that it does not show is alive. */

import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { type ProcOptions, parseProcOptions } from '../parse/proc-options.ts'
import { closeFd, errorNumber, isReadable, pidfdOpen } from './libc.ts'

const capSysPtrace = 19n

/** Null if there is no procfs, or if its options cannot be read. */
export function readProcOptions(procRoot: string): ProcOptions | null {
  try {
    return parseProcOptions(readFileSync('/proc/self/mountinfo', 'latin1'), procRoot)
  } catch {
    return null // without /proc there is nothing to read, and the source says so
  }
}

/** The option that hides processes of others from this process; null if none does. */
export function hidingOption(procRoot: string): string | null {
  const options = readProcOptions(procRoot)
  if (options === null || options.hidepid === null || mayTrace()) return null
  const isByTracing = options.hidepid === '4' || options.hidepid === 'ptraceable'
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])]
  return !isByTracing && groups.includes(options.gid) ? null : `hidepid=${options.hidepid}`
}

function mayTrace(): boolean {
  const [, digits = '0'] = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
  return (BigInt(`0x${digits}`) >> capSysPtrace) % 2n === 1n
}

/**
 * Whether a procfs of our own pid namespace does not show a process that is alive. One that is ending is still shown,
 * though it has nothing that could be read.
 */
export function isHidden(procRoot: string, pid: number): boolean {
  return !existsSync(`${procRoot}/${pid}`) && isAlive(pid)
}

/**
 * Whether a process of our own pid namespace is alive. A zombie is not. Where the kernel does not answer, it counts as
 * alive, because nothing shows that it has ended.
 */
function isAlive(pid: number): boolean {
  const pidfd = pidfdOpen(pid)
  if (pidfd < 0) {
    const error = errorNumber()
    // Not the id of a process, but of a thread.
    return error !== constants.errno.ESRCH && error !== constants.errno.EINVAL && error !== constants.errno.ENOENT
  }
  const hasEnded = isReadable(pidfd)
  closeFd(pidfd)
  return !hasEnded
}
