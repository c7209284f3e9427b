/**
 * Implements the calls which create, set and remove timers, time out waits, and sleep. Times are ms of the kernel's
 * clock, which ticks once a ms.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { TimeoutState } from '../../kernel/states.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { KernelTimer, Sleep, ThreadTimeout, type TimerNotice } from '../objects/timer.ts'
import { signalOf } from '../signals.ts'
import { type Progress, success } from './call.ts'
import { connectionOf, usable } from './channel.ts'
import { charge, needRoom } from './charging.ts'
import { endTimeout } from './timeouts.ts'
import { wait } from './waits.ts'

/** A pulse or a signal which a timer sends when it expires. */
export type Notify =
  | { readonly pulse: { readonly coid: number; readonly code: number; readonly value?: number } }
  | { readonly signal: string; readonly code?: number; readonly value?: number }

/**
 * TimerCreate: creates a timer, which is not set. When it expires, the timer sends a pulse on a connection, or a signal
 * to its process. If there is no room for the pulse or signal, the expiry counts as an overrun. Does not block. QNX:
 * TimerCreate().
 * @param notify the pulse (coid, code, value) or the signal (name, code, value) that the timer sends
 * @returns timerid, the lowest that is free
 * @throws EAGAIN no room for a timer; EBADF no such connection, or its channel was destroyed
 */
export function timerCreate(machine: MachineCore, { parent }: ModelThread, { notify }: { notify: Notify }): Progress {
  const notice = noticeOf(parent, notify)
  needRoom(machine, { limit: 'timers', node: parent, delta: 1 })
  const timer = new KernelTimer({ timerid: parent.ids.timerid.take(), process: parent, notice })
  parent.timers.set(timer.timerid, timer)
  charge(machine, parent, 'timers', 1)
  return { timerid: timer.timerid }
}

function noticeOf(process: ModelProcess, notify: Notify): TimerNotice {
  if ('pulse' in notify) {
    const { coid, code, value = 0 } = notify.pulse
    return { kind: 'pulse', connection: usable(connectionOf(process, coid)), code, value }
  }
  const signal = signalOf(notify.signal)
  if (signal === null) throw new KernelError('EINVAL', `there is no signal ${notify.signal}`)
  return { kind: 'signal', signal, code: notify.code ?? 0, value: notify.value ?? 0 }
}

function timerOf({ pid, timers }: ModelProcess, timerid: number): KernelTimer {
  const timer = timers.get(timerid)
  if (timer === undefined) throw new KernelError('EINVAL', `process ${pid} has no timer ${timerid}`)
  return timer
}

/**
 * TimerSettime: sets a timer, or stops it. Does not block. QNX: TimerSettime().
 * @param timerid of the timer
 * @param after ms from now; 0 stops it
 * @param every ms between further expiries; 0 means that there are none
 * @returns after and every as they were before, in ms; after is 0 when the timer was not set
 * @throws EINVAL no such timer
 */
export function timerSettime(
  { kernel: { now }, wheel }: MachineCore,
  { parent }: ModelThread,
  { timerid, after, every = 0 }: { timerid: number; after: number; every?: number },
): Progress {
  const timer = timerOf(parent, timerid)
  const before = { after: timer.isArmed ? timer.at - now : 0, every: timer.intervalMs }
  timer.intervalMs = every
  if (after === 0) wheel.cancel(timer)
  else wheel.arm(timer, now + after)
  return before
}

/**
 * TimerDestroy: removes a timer. Does not block. QNX: TimerDestroy().
 * @param timerid of the timer
 * @throws EINVAL no such timer
 */
export function timerDestroy(
  machine: MachineCore,
  { parent }: ModelThread,
  { timerid }: { timerid: number },
): Progress {
  machine.wheel.cancel(timerOf(parent, timerid))
  parent.timers.delete(timerid)
  parent.ids.timerid.giveBack(timerid)
  charge(machine, parent, 'timers', -1)
  return success
}

/**
 * TimerTimeout: sets an end for the waits of the caller's next call, which then returns ETIMEDOUT. Time counts from
 * now, not from when the call blocks. A time that has passed ends the wait at once. The next call that returns or is
 * refused removes the timeout. Does not block. QNX: TimerTimeout().
 * @param states in which time counts; an empty list removes what was set
 * @param after ms from now
 * @returns states that were set before
 */
export function timerTimeout(
  machine: MachineCore,
  thread: ModelThread,
  { states, after = 0 }: { states: readonly TimeoutState[]; after?: number },
): Progress {
  const before = [...(thread.timeout?.states ?? [])]
  endTimeout(machine, thread)
  const due = machine.kernel.now + after
  if (states.length > 0) thread.timeout = new ThreadTimeout({ thread, states: new Set(states), due })
  return { states: before }
}

/**
 * nanosleep: waits for a time. Blocks in NANOSLEEP, unless the time is 0. QNX: nanosleep().
 * @param for ms
 * @throws EINTR a signal was handled; ETIMEDOUT after TimerTimeout
 */
export function nanosleep(machine: MachineCore, thread: ModelThread, { for: forMs }: { for: number }): Progress {
  if (forMs === 0) return success
  const sleep = new Sleep(thread)
  machine.wheel.arm(sleep, machine.kernel.now + forMs)
  return wait(machine, thread, { state: 'NANOSLEEP', sleep })
}
