/** Soft and hard limits of a process. A soft one is the capacity of the process for what it limits. */

import type { RlimitChange } from '../../kernel/actions.ts'
import { KernelError } from '../../kernel/errno.ts'
import type { Rlimit } from '../../kernel/nodes/process.ts'
import type { Machine } from '../machine.ts'
import { type ModelProcess, modelRlimits, type RlimitName } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { pageBytes } from './memory.ts'
import { limitMainStack } from './thread.ts'

/** Those that refuse nothing in QNX Neutrino: setting one is refused instead. */
const unsupported: ReadonlySet<RlimitName> = new Set(['fsize', 'memlock'])
const leastDescriptors = 100

/**
 * setrlimit: sets a soft and a hard limit of the caller's process. Does not block. QNX: setrlimit().
 * @param rlimit as, data, rss and stack in bytes, cpu in seconds, nofile, nproc and nthr as counts, core without effect
 * @param soft what refuses, from now on; null is unlimited
 * @param hard what soft may be at the most; null is unlimited, left out it stays
 * @throws EINVAL soft above hard; nofile below 100; nofile or nthr below what is in use; fsize and memlock, which are
 * not supported; EPERM raising a hard limit, and the caller is not user 0
 */
export function setrlimit(
  machine: Machine,
  { parent }: ModelThread,
  { rlimit, soft, hard }: { rlimit: RlimitName; soft: number | null; hard?: number | null },
): Progress {
  const finite = (limit: number | null) => limit ?? Number.POSITIVE_INFINITY
  changeRlimit(machine, parent, rlimit, { soft: finite(soft), ...(hard !== undefined && { hard: finite(hard) }) })
  return success
}

/** As setrlimit does, for the process. @throws EINVAL, EPERM */
export function changeRlimit(machine: Machine, process: ModelProcess, rlimit: RlimitName, change: RlimitChange): void {
  const known = process.rlimits[rlimit]
  const wanted: Rlimit = { ...known, ...change }
  if (unsupported.has(rlimit)) throw new KernelError('EINVAL', `RLIMIT_${rlimit.toUpperCase()} is not supported`)
  if (wanted.soft > wanted.hard) throw new KernelError('EINVAL', 'the soft limit is above the hard one')
  if (rlimit === 'nofile' && wanted.soft < leastDescriptors)
    throw new KernelError('EINVAL', `a process may have at least ${leastDescriptors} descriptors`)
  checkUse(machine, process, rlimit, wanted.soft)
  if (wanted.hard > known.hard && process.uid !== 0) throw new KernelError('EPERM', 'only user 0 raises a hard limit')
  process.rlimits = { ...process.rlimits, [rlimit]: wanted }
  applyRlimit(machine, process, rlimit)
}

function checkUse(machine: Machine, process: ModelProcess, rlimit: RlimitName, soft: number): void {
  if (rlimit !== 'nofile' && rlimit !== 'nthr') return
  const inUse = machine.usage(process, rlimit === 'nofile' ? 'fds' : 'threads')
  if (soft < inUse) throw new KernelError('EINVAL', `${inUse} are in use`)
}

/** The soft limit is the process's capacity of the limits that it pairs with. */
export function applyRlimit(machine: Machine, process: ModelProcess, rlimit: RlimitName): void {
  const { soft } = process.rlimits[rlimit]
  switch (rlimit) {
    case 'as':
      machine.setCapacity(process, 'address-space', soft)
      break
    case 'cpu':
      machine.setCapacity(process, 'cpu-time', soft * 1e6)
      // Past another limit it is told again.
      process.overCpu = false
      break
    case 'data':
      machine.setCapacity(process, 'data-pages', Math.floor(soft / pageBytes))
      break
    case 'nofile':
      machine.setCapacity(process, 'fds', soft)
      break
    case 'nproc':
      machine.setCapacity(process, 'children', soft)
      break
    case 'nthr':
      machine.setCapacity(process, 'threads', soft)
      break
    case 'rss':
      machine.setCapacity(process, 'memory', soft)
      break
    case 'stack':
      limitMainStack(machine, process)
      break
    default:
      // Of core files there are none; the others cannot be set.
      break
  }
}

const unlimited: Rlimit = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY }

/** What a process has that inherits from nobody: all is unlimited but descriptors. */
export const firstRlimits: Readonly<Record<RlimitName, Rlimit>> = {
  ...(Object.fromEntries(modelRlimits.map((name) => [name, unlimited])) as Record<RlimitName, Rlimit>),
  nofile: { soft: 1000, hard: 1000 },
}
