/** Sends the pulse or the signal of a timer from TimerCreate when it expires. */

import { assert, KernelError } from '../../kernel/errno.ts'
import { emitDenied } from '../../kernel/limits/thresholds/deny.ts'
import type { MachineCore } from '../machine-core.ts'
import type { Connection } from '../objects/channel.ts'
import type { KernelTimer } from '../objects/timer.ts'
import { sendPulse } from './message.ts'
import { sendSignal } from './sending.ts'

/** Sends what the timer sends. When there is no room for it, that counts as an overrun. */
export function expire(machine: MachineCore, timer: KernelTimer): void {
  const { notice, process, intervalMs } = timer
  if (intervalMs > 0) machine.wheel.arm(timer, timer.at + intervalMs)
  try {
    if (notice.kind === 'signal') {
      const { signal, code, value } = notice
      sendSignal(machine, process, null, { signal, code, value, from: null })
    } else if (notice.connection !== null && isConnected(notice.connection)) {
      const first = process.threads.values().find(({ isDead }) => !isDead)
      assert(first !== undefined, 'a process has a thread which has not ended')
      const { code, value, connection } = notice
      sendPulse(machine, connection, { code, value, priority: first.realPriority })
    }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    timer.overruns++
    emitDenied(machine.kernel, error, { cause: process.path, call: null })
  }
}

function isConnected({ detached, channel }: Connection): boolean {
  return !detached && !channel.destroyed
}
