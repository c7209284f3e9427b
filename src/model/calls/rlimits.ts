/** Implements the call which sets rlimits. */

import type { RlimitName } from '../../kernel/limits/rlimits.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { changeRlimit } from './rlimit-changes.ts'

/**
 * setrlimit: sets a soft and a hard limit of the caller's process. Does not block. QNX: setrlimit().
 * @param rlimit as, data, rss and stack in bytes, cpu in seconds, nofile, nproc and nthr as counts, core without effect
 * @param soft the limit that refuses calls from now on; null is unlimited
 * @param hard the highest value for soft; null is unlimited; without it the hard limit does not change
 * @throws EINVAL soft is above hard; nofile is below 100; nofile or nthr is below what is in use; fsize and memlock are
 * not supported; EPERM raising a hard limit, and the caller is not user 0
 */
export function setrlimit(
  machine: MachineCore,
  { parent }: ModelThread,
  { rlimit, soft, hard }: { rlimit: RlimitName; soft: number | null; hard?: number | null },
): Progress {
  const finite = (limit: number | null) => limit ?? Number.POSITIVE_INFINITY
  changeRlimit(machine, parent, rlimit, { soft: finite(soft), ...(hard !== undefined && { hard: finite(hard) }) })
  return success
}
