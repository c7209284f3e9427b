/**
 * What is done to processes of this machine. Each goes through a pidfd: once that is open and the process under the pid
 * is found to be the one that was meant, it names that process and no other, whatever becomes of the pid.
 */

import type { Actions, RlimitChange } from '../../kernel/actions.ts'
import { type Errno, errnos, KernelError } from '../../kernel/errno.ts'
import { rlimitRow } from '../../kernel/limits/rlimits.ts'
import { Process, type Rlimit } from '../../kernel/nodes/process.ts'
import type { Thread } from '../../kernel/nodes/thread.ts'
import { closeFd, errorNumber, nameOfErrno, pidfdOpen, pidfdSendSignal, prlimit } from './native/libc.ts'
import { readStartTicks } from './processes/process-event-reader.ts'
import { numberOfSignal } from './signals.ts'

interface Parts {
  /** Of a process that lives, as far as is known; null of one that has ended. */
  readonly startTicksOf: (process: Process) => number | null
  /** What an rlimit is from now on. */
  readonly onRlimit: (process: Process, name: string, rlimit: Rlimit) => void
}

export class LinuxActions implements Actions {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Of a thread its process gets it: Linux has no pidfd of a thread before 6.9. */
  signal(target: Process | Thread, name: string): void {
    const number = numberOfSignal(name)
    if (number === null) throw new KernelError('EINVAL', `there is no signal ${name} on Linux`, { field: 'signal' })
    const process = target instanceof Process ? target : target.parent
    this.#hold(process, (pidfd) => {
      if (pidfdSendSignal(pidfd, number) !== 0) throw failure(process, `${name} was not sent to it`)
    })
  }

  setRlimit(process: Process, name: string, change: RlimitChange): void {
    const resource = rlimitRow(name)?.linux?.resource
    if (resource === undefined) throw new KernelError('ENOTSUP', `Linux has no rlimit ${name}`)
    const { pid } = process
    const rlimit = this.#hold(process, (pidfd) => {
      const before = readRlimit(process, resource)
      const wanted = { ...before, ...change }
      if (wanted.soft > wanted.hard) throw new KernelError('EINVAL', 'the soft limit is above the hard one')
      if (prlimit(pid, resource, bytesOf(wanted), null) !== 0) throw failure(process, `rlimit ${name} was not set`)
      // prlimit knows pids only. What can still be signalled has had its pid all the while.
      if (pidfdSendSignal(pidfd, 0) !== 0 && errorNumber() === noSuchProcess)
        throw new KernelError('ESRCH', `${process.path} ended meanwhile`)
      return wanted
    })
    this.#parts.onRlimit(process, name, rlimit)
  }

  /** @throws KernelError ESRCH where it has ended, whoever has its pid now */
  #hold<T>(process: Process, act: (pidfd: number) => T): T {
    const { pid, path } = process
    const pidfd = pidfdOpen(pid)
    if (pidfd < 0) throw failure(process, 'it cannot be reached')
    try {
      // In this order: had the pid been another's when the pidfd was opened, the one that was meant would have ended before.
      const startTicks = this.#parts.startTicksOf(process)
      if (startTicks === null || readStartTicks(pid) !== startTicks)
        throw new KernelError('ESRCH', `${path} has ended: its pid is free, or another's`)
      return act(pidfd)
    } finally {
      closeFd(pidfd)
    }
  }
}

const noSuchProcess = 3
const infinity = 2n ** 64n - 1n

/** Right after the call that failed. */
function failure({ path }: Process, what: string): KernelError {
  const name = nameOfErrno(errorNumber())
  if (name === 'ESRCH') return new KernelError('ESRCH', `${path} has ended`)
  if (name === 'ENOSYS') return new KernelError('ENOTSUP', 'this kernel has no pidfd (Linux 5.3)')
  return new KernelError(isErrno(name) ? name : 'EINVAL', `${path}: ${what}: ${name}${hints[name] ?? ''}`)
}

const hints: Readonly<Record<string, string>> = {
  EPERM: ', which needs the same user, or for signals CAP_KILL, for rlimits CAP_SYS_RESOURCE',
}

function isErrno(name: string): name is Errno {
  return Object.hasOwn(errnos, name)
}

function bytesOf({ soft, hard }: Rlimit): Buffer {
  const bytes = Buffer.alloc(16)
  for (const [place, limit] of [soft, hard].entries())
    bytes.writeBigUInt64LE(Number.isFinite(limit) ? BigInt(limit) : infinity, 8 * place)
  return bytes
}

function readRlimit(process: Process, resource: number): Rlimit {
  const bytes = Buffer.alloc(16)
  if (prlimit(process.pid, resource, null, bytes) !== 0) throw failure(process, 'its rlimits cannot be read')
  const limitAt = (place: number): number => {
    const limit = bytes.readBigUInt64LE(place)
    return limit === infinity ? Number.POSITIVE_INFINITY : Number(limit)
  }
  return { soft: limitAt(0), hard: limitAt(8) }
}
