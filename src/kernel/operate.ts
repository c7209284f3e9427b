/** Carries out actions of operators on processes: signals and rlimits, outside any kernel call. */

import { type Actions, refuse } from './actions.ts'
import { assert } from './errno.ts'
import type { Kernel } from './kernel.ts'
import { fromOutside } from './limits/thresholds/deny.ts'

/**
 * One action of an operator, as one update of the kernel.
 * @param call The name of the action in `limit.denied`, where a limit refuses it.
 * @throws KernelError The reason why no action is allowed there, and the errors of the action itself.
 */
export function operate(kernel: Kernel, call: string, act: (actions: Actions) => void): void {
  const { actions, actionAbilities } = kernel
  if (actionAbilities.noActing !== null) refuse(actionAbilities.noActing)
  assert(actions !== null, 'a source that allows actions carries them out')
  kernel.update(kernel.now, () => fromOutside(kernel, call, () => act(actions)))
}
