/** Applies the rlimits of a process: a soft limit is the capacity which the process has for the matching limit. */

import { KernelError } from '../../kernel/errno.ts'
import { capacityOfRlimit, type RlimitName, rlimitNames, rlimitRow } from '../../kernel/limits/rlimits.ts'
import type { Rlimit } from '../../kernel/nodes/process.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import { pageBytes } from './pages.ts'

/** Rlimits of a process which has no parent to inherit from. */
export const initialRlimits = Object.fromEntries(
  rlimitNames.map((name): [RlimitName, Rlimit] => {
    const { initial = Number.POSITIVE_INFINITY } = rlimitRow(name).model
    return [name, { soft: initial, hard: initial }]
  }),
) as Readonly<Record<RlimitName, Rlimit>>

/**
 * Changes an rlimit of a process by the rules of setrlimit.
 * @throws KernelError EINVAL or EPERM, as setrlimit does
 */
export function changeRlimit(
  machine: MachineCore,
  process: ModelProcess,
  rlimit: RlimitName,
  change: Partial<Pick<Rlimit, 'soft' | 'hard'>>,
): void {
  const known = process.rlimits[rlimit]
  const changed: Rlimit = { ...known, ...change }
  const { effect, least = 0 } = rlimitRow(rlimit).model
  if (effect === 'unsupported') throw new KernelError('EINVAL', `RLIMIT_${rlimit.toUpperCase()} is not supported`)
  if (changed.soft > changed.hard) throw new KernelError('EINVAL', 'the soft limit is above the hard one')
  if (changed.soft < least) throw new KernelError('EINVAL', `RLIMIT_${rlimit.toUpperCase()} must be at least ${least}`)
  checkUse(machine, process, rlimit, changed.soft)
  if (changed.hard > known.hard && process.uid !== 0) throw new KernelError('EPERM', 'only user 0 raises a hard limit')
  process.rlimits = { ...process.rlimits, [rlimit]: changed }
  applyRlimit(machine, process, rlimit)
}

function checkUse({ pools }: MachineCore, process: ModelProcess, rlimit: RlimitName, soft: number): void {
  const { limit, model } = rlimitRow(rlimit)
  if (model.checksUse !== true || limit === null) return
  const inUse = pools.usage(process, limit)
  if (soft < inUse) throw new KernelError('EINVAL', `${inUse} are in use`)
}

/** Makes the soft limit the capacity of the process, or of its main thread, for what it limits. */
export function applyRlimit(machine: MachineCore, process: ModelProcess, rlimit: RlimitName): void {
  const row = rlimitRow(rlimit)
  if (row.model.effect === 'main-thread') limitMainStack(machine, process)
  if (row.model.effect !== 'process' || row.limit === null) return
  const capacity = capacityOfRlimit(row, process.rlimits[rlimit].soft, pageBytes)
  machine.pools.setCapacity(process, row.limit, capacity)
  // When the process passes the new limit it gets SIGXCPU again.
  if (rlimit === 'cpu') process.overCpu = false
}

/** Applies RLIMIT_STACK, which is for the main thread only. */
export function limitMainStack({ pools }: MachineCore, { threads, rlimits }: ModelProcess): void {
  const main = threads.get(1)
  if (main === undefined || !main.isMain || main.isDead) return
  pools.setCapacity(main, 'stack', Math.min(pools.usage(main, 'stack-size'), rlimits.stack.soft))
}
