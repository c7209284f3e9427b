/**
 * Sends signals to processes of this machine, and sets their rlimits. Each action opens a pidfd and then checks the
 * start time of the process under the pid. From then on the pidfd names that process and no other, even if the pid is
 * reused.
 */

import type { Actions, RlimitAmount, RlimitChange } from '../../kernel/actions.ts'
import { type Errno, errnos, KernelError } from '../../kernel/errno.ts'
import { rlimitRow } from '../../kernel/limits/rlimits.ts'
import { Process, type Rlimit } from '../../kernel/nodes/process.ts'
import type { Thread } from '../../kernel/nodes/thread.ts'
import { readSurroundings } from './native/denial-facts.ts'
import { closeFd, errorNumber, nameOfErrno, pidfdOpen, pidfdSendSignal, prlimit } from './native/libc.ts'
import type { Capability } from './parse/credentials.ts'
import { denialWithout } from './parse/denial.ts'
import { makeRlimit, unlimited } from './parse/limits.ts'
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
      if (pidfdSendSignal(pidfd, number) !== 0) throw failure(process, `${name} was not sent`, 'CAP_KILL')
    })
  }

  setRlimit(process: Process, name: string, change: RlimitChange): void {
    const resource = rlimitRow(name)?.linux?.resource
    if (resource === undefined) throw new KernelError('ENOTSUP', `Linux has no rlimit ${name}`)
    const { pid } = process
    const rlimit = this.#withPidfd(process, (pidfd) => {
      const next = changed(readRlimit(process, resource), change)
      if (next.soft > infinity || next.hard > infinity) throw new KernelError('EINVAL', 'an rlimit has 64 bits')
      if (next.soft > next.hard) throw new KernelError('EINVAL', 'the soft limit is above the hard limit')
      if (prlimit(pid, resource, bytesOf(next), null) !== 0)
        throw failure(process, `rlimit ${name} was not set`, 'CAP_SYS_RESOURCE')
      // prlimit(2) takes only a pid. If the pidfd can still be signalled, the pid belonged to this process all the
      // time.
      if (pidfdSendSignal(pidfd, 0) !== 0 && errorNumber() === noSuchProcess)
        throw new KernelError('ESRCH', `${process.path} ended meanwhile`)
      return rlimitOf(next)
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
    if (pidfd < 0) throw failure(process, 'no pidfd could be opened', 'CAP_KILL')
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
function failure({ path }: Process, what: string, needed: Capability): KernelError {
  const name = nameOfErrno(errorNumber())
  if (name === 'ESRCH') return new KernelError('ESRCH', `${path} has ended`)
  if (name === 'ENOSYS') return new KernelError('ENOTSUP', 'this kernel has no pidfd, which needs Linux 5.3')
  return new KernelError(isErrno(name) ? name : 'EINVAL', `${path}: ${what}: ${name}${hintOf(name, needed)}`)
}

/** The kernel permits it between processes of one user, and with the capability. */
function hintOf(name: string, needed: Capability): string {
  if (name !== 'EPERM') return ''
  return `: ${denialWithout([needed], readSurroundings(), (missing) => `: needs the same user, or ${missing}`)}`
}

function isErrno(name: string): name is Errno {
  return Object.hasOwn(errnos, name)
}

/** Soft and hard limit as the kernel has them: 64 bits each, which a number cannot hold. */
interface ExactRlimit {
  readonly soft: bigint
  readonly hard: bigint
}

/** A side that does not change stays exactly as it is. */
function changed({ soft, hard }: ExactRlimit, change: RlimitChange): ExactRlimit {
  return {
    soft: change.soft === undefined ? soft : exactOf(change.soft),
    hard: change.hard === undefined ? hard : exactOf(change.hard),
  }
}

function exactOf(limit: RlimitAmount): bigint {
  return limit === Number.POSITIVE_INFINITY ? infinity : BigInt(limit)
}

function rlimitOf({ soft, hard }: ExactRlimit): Rlimit {
  return makeRlimit(textOf(soft), textOf(hard))
}

function textOf(limit: bigint): string {
  return limit === infinity ? unlimited : String(limit)
}

function bytesOf({ soft, hard }: ExactRlimit): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(soft, 0)
  bytes.writeBigUInt64LE(hard, 8)
  return bytes
}

function readRlimit(process: Process, resource: number): ExactRlimit {
  const bytes = Buffer.alloc(16)
  if (prlimit(process.pid, resource, null, bytes) !== 0)
    throw failure(process, 'its rlimits cannot be read', 'CAP_SYS_RESOURCE')
  return { soft: bytes.readBigUInt64LE(0), hard: bytes.readBigUInt64LE(8) }
}
