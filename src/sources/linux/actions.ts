/**
 * Sends signals to processes of this machine, and sets their rlimits. Each action opens a pidfd and then checks the
 * start time of the process under the pid. From then on the pidfd names that process and no other, even if the pid is
 * reused.
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
  /** Field 22 of `stat` for a process that is alive as far as known; null for one that has ended. */
  readonly startTicksOf: (process: Process) => number | null
  /** Called with the new rlimit after it was set. */
  readonly onRlimit: (process: Process, name: string, rlimit: Rlimit) => void
}

export class LinuxActions implements Actions {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** A signal for a thread is sent to its process: before Linux 6.9 there is no pidfd for a thread. */
  signal(target: Process | Thread, name: string): void {
    const number = numberOfSignal(name)
    if (number === null) throw new KernelError('EINVAL', `Linux has no signal ${name}`, { field: 'signal' })
    const process = target instanceof Process ? target : target.parent
    this.#withPidfd(process, (pidfd) => {
      if (pidfdSendSignal(pidfd, number) !== 0) throw failure(process, `${name} was not sent`)
    })
  }

  setRlimit(process: Process, name: string, change: RlimitChange): void {
    const resource = rlimitRow(name)?.linux?.resource
    if (resource === undefined) throw new KernelError('ENOTSUP', `Linux has no rlimit ${name}`)
    const { pid } = process
    const rlimit = this.#withPidfd(process, (pidfd) => {
      const before = readRlimit(process, resource)
      const next = { ...before, ...change }
      if (next.soft > next.hard) throw new KernelError('EINVAL', 'the soft limit is above the hard limit')
      if (prlimit(pid, resource, bytesOf(next), null) !== 0) throw failure(process, `rlimit ${name} was not set`)
      // prlimit(2) takes only a pid. If the pidfd can still be signalled, the pid belonged to this process all the
      // time.
      if (pidfdSendSignal(pidfd, 0) !== 0 && errorNumber() === noSuchProcess)
        throw new KernelError('ESRCH', `${process.path} ended meanwhile`)
      return next
    })
    this.#parts.onRlimit(process, name, rlimit)
  }

  /**
   * Runs `act` with a pidfd of the process.
   * @throws KernelError ESRCH if the process has ended, even if its pid was reused
   */
  #withPidfd<T>(process: Process, act: (pidfd: number) => T): T {
    const { pid, path } = process
    const pidfd = pidfdOpen(pid)
    if (pidfd < 0) throw failure(process, 'no pidfd could be opened')
    try {
      // Checked after the pidfd was opened: if the pid had been reused by then, the start time differs.
      const startTicks = this.#parts.startTicksOf(process)
      if (startTicks === null || readStartTicks(pid) !== startTicks)
        throw new KernelError('ESRCH', `${path} has ended: its pid is free or was reused`)
      return act(pidfd)
    } finally {
      closeFd(pidfd)
    }
  }
}

const noSuchProcess = 3
const infinity = 2n ** 64n - 1n

/** Preconditions: the failed call was the last one, so that errno is still its own. */
function failure({ path }: Process, what: string): KernelError {
  const name = nameOfErrno(errorNumber())
  if (name === 'ESRCH') return new KernelError('ESRCH', `${path} has ended`)
  if (name === 'ENOSYS') return new KernelError('ENOTSUP', 'this kernel has no pidfd, which needs Linux 5.3')
  return new KernelError(isErrno(name) ? name : 'EINVAL', `${path}: ${what}: ${name}${hints[name] ?? ''}`)
}

const hints: Readonly<Record<string, string>> = {
  EPERM: ': needs the same user, or CAP_KILL for signals and CAP_SYS_RESOURCE for rlimits',
}

function isErrno(name: string): name is Errno {
  return Object.hasOwn(errnos, name)
}

function bytesOf({ soft, hard }: Rlimit): Buffer {
  const bytes = Buffer.alloc(16)
  for (const [index, limit] of [soft, hard].entries())
    bytes.writeBigUInt64LE(Number.isFinite(limit) ? BigInt(limit) : infinity, 8 * index)
  return bytes
}

function readRlimit(process: Process, resource: number): Rlimit {
  const bytes = Buffer.alloc(16)
  if (prlimit(process.pid, resource, null, bytes) !== 0) throw failure(process, 'its rlimits cannot be read')
  const limitAt = (index: number): number => {
    const limit = bytes.readBigUInt64LE(index)
    return limit === infinity ? Number.POSITIVE_INFINITY : Number(limit)
  }
  return { soft: limitAt(0), hard: limitAt(8) }
}
