/** Soft and hard limits of a process. A soft one is the capacity of the process for what it limits. */

import type { RlimitChange } from '../../kernel/actions.ts'
import { KernelError } from '../../kernel/errno.ts'
import { capacityOfRlimit, type RlimitName, rlimitNames, rlimitRow } from '../../kernel/limits/rlimits.ts'
import type { Rlimit } from '../../kernel/nodes/process.ts'
import type { Machine } from '../machine.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { pageBytes } from './memory.ts'
import { limitMainStack } from './thread.ts'

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
  const { effect, least = 0 } = rlimitRow(rlimit).model
  if (effect === 'unsupported') throw new KernelError('EINVAL', `RLIMIT_${rlimit.toUpperCase()} is not supported`)
  if (wanted.soft > wanted.hard) throw new KernelError('EINVAL', 'the soft limit is above the hard one')
  if (wanted.soft < least) throw new KernelError('EINVAL', `RLIMIT_${rlimit.toUpperCase()} must be at least ${least}`)
  checkUse(machine, process, rlimit, wanted.soft)
  if (wanted.hard > known.hard && process.uid !== 0) throw new KernelError('EPERM', 'only user 0 raises a hard limit')
  process.rlimits = { ...process.rlimits, [rlimit]: wanted }
  applyRlimit(machine, process, rlimit)
}

function checkUse(machine: Machine, process: ModelProcess, rlimit: RlimitName, soft: number): void {
  const { limit, model } = rlimitRow(rlimit)
  if (model.checksUse !== true || limit === null) return
  const inUse = machine.usage(process, limit)
  if (soft < inUse) throw new KernelError('EINVAL', `${inUse} are in use`)
}

/** Makes the soft limit the capacity of the process, or of its main thread, for what it limits. */
export function applyRlimit(machine: Machine, process: ModelProcess, rlimit: RlimitName): void {
  const row = rlimitRow(rlimit)
  if (row.model.effect === 'main-thread') limitMainStack(machine, process)
  if (row.model.effect !== 'process' || row.limit === null) return
  machine.setCapacity(process, row.limit, capacityOfRlimit(row, process.rlimits[rlimit].soft, pageBytes))
  // Past the new limit the process gets SIGXCPU again.
  if (rlimit === 'cpu') process.overCpu = false
}

/** The rlimits of a process that has no parent to inherit from. */
export const firstRlimits = Object.fromEntries(
  rlimitNames.map((name): [RlimitName, Rlimit] => {
    const { initial = Number.POSITIVE_INFINITY } = rlimitRow(name).model
    return [name, { soft: initial, hard: initial }]
  }),
) as Readonly<Record<RlimitName, Rlimit>>
