/** Applies the rlimits of a process: a soft limit is the capacity which the process has for the matching limit. */

import type { RlimitChange } from '../../kernel/actions.ts'
import { KernelError } from '../../kernel/errno.ts'
import type { Rlimit } from '../../kernel/nodes/process.ts'
import type { MachineCore } from '../machine-core.ts'
import { type ModelProcess, modelRlimits, type RlimitName } from '../objects/model-process.ts'
import { pageBytes } from './pages.ts'

/** Rlimits which have no effect in QNX Neutrino. Setting one is refused. */
const unsupported: ReadonlySet<RlimitName> = new Set(['fsize', 'memlock'])
const descriptorsMin = 100

const unlimited: Rlimit = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY }

/** Rlimits of a process which inherits from no other: only descriptors are limited. */
export const initialRlimits: Readonly<Record<RlimitName, Rlimit>> = {
  ...(Object.fromEntries(modelRlimits.map((name) => [name, unlimited])) as Record<RlimitName, Rlimit>),
  nofile: { soft: 1000, hard: 1000 },
}

/**
 * Changes an rlimit of a process by the rules of setrlimit.
 * @throws KernelError EINVAL or EPERM, as setrlimit does
 */
export function changeRlimit(
  machine: MachineCore,
  process: ModelProcess,
  rlimit: RlimitName,
  change: RlimitChange,
): void {
  const known = process.rlimits[rlimit]
  const changed: Rlimit = { ...known, ...change }
  if (unsupported.has(rlimit)) throw new KernelError('EINVAL', `RLIMIT_${rlimit.toUpperCase()} is not supported`)
  if (changed.soft > changed.hard) throw new KernelError('EINVAL', 'the soft limit is above the hard one')
  if (rlimit === 'nofile' && changed.soft < descriptorsMin)
    throw new KernelError('EINVAL', `the limit of descriptors is at least ${descriptorsMin}`)
  checkUse(machine, process, rlimit, changed.soft)
  if (changed.hard > known.hard && process.uid !== 0) throw new KernelError('EPERM', 'only user 0 raises a hard limit')
  process.rlimits = { ...process.rlimits, [rlimit]: changed }
  applyRlimit(machine, process, rlimit)
}

function checkUse(machine: MachineCore, process: ModelProcess, rlimit: RlimitName, soft: number): void {
  if (rlimit !== 'nofile' && rlimit !== 'nthr') return
  const inUse = machine.pools.usage(process, rlimit === 'nofile' ? 'fds' : 'threads')
  if (soft < inUse) throw new KernelError('EINVAL', `${inUse} are in use`)
}

/** Makes the soft limit the capacity of the process for what the rlimit limits. */
export function applyRlimit({ pools }: MachineCore, process: ModelProcess, rlimit: RlimitName): void {
  const { soft } = process.rlimits[rlimit]
  switch (rlimit) {
    case 'as':
      pools.setCapacity(process, 'address-space', soft)
      break
    case 'cpu':
      pools.setCapacity(process, 'cpu-time', soft * 1e6)
      // A new limit can be passed, and signalled, again.
      process.overCpu = false
      break
    case 'data':
      pools.setCapacity(process, 'data-pages', Math.floor(soft / pageBytes))
      break
    case 'nofile':
      pools.setCapacity(process, 'fds', soft)
      break
    case 'nproc':
      pools.setCapacity(process, 'children', soft)
      break
    case 'nthr':
      pools.setCapacity(process, 'threads', soft)
      break
    case 'rss':
      pools.setCapacity(process, 'memory', soft)
      break
    case 'stack':
      limitMainStack({ pools }, process)
      break
    default:
      // The model has no core files, and the other rlimits cannot be set.
      break
  }
}

/** Applies RLIMIT_STACK, which is for the main thread only. */
export function limitMainStack({ pools }: Pick<MachineCore, 'pools'>, { threads, rlimits }: ModelProcess): void {
  const main = threads.get(1)
  if (main === undefined || !main.isMain || main.isDead) return
  pools.setCapacity(main, 'stack', Math.min(pools.usage(main, 'stack-size'), rlimits.stack.soft))
}
