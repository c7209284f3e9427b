/** Timers, sleeps, the end of waits, and CPU time. Times are ms of the kernel's clock, which ticks once a ms. */

import { assert, KernelError } from '../../kernel/errno.ts'
import { emitDenied } from '../../kernel/limits/thresholds/deny.ts'
import type { TimeoutState } from '../../kernel/states.ts'
import type { Machine } from '../machine.ts'
import type { Connection } from '../objects/channel.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { CpuExpiry, KernelTimer, Sleep, ThreadTimeout, type TimerNotice } from '../objects/timer.ts'
import { signalOf } from '../signals.ts'
import { type Progress, success } from './call.ts'
import { connectionOf, usable } from './channel.ts'
import { charge, checkCountable, needRoom } from './charging.ts'
import { deliver, raiseFault } from './delivery.ts'
import { sendPulse } from './message.ts'
import { endProcess } from './process.ts'
import { block } from './scheduling.ts'
import { endTimeout } from './timeouts.ts'

export type Notify =
  | { readonly pulse: { readonly coid: number; readonly code: number; readonly value?: number } }
  | { readonly signal: string; readonly code?: number; readonly value?: number }

/**
 * TimerCreate: makes a timer, which is not set. Does not block. QNX: TimerCreate().
 * @param notify what happens when it expires: a pulse on a connection (coid, code, value), or a signal to the process
 * (name, code, value). One that finds no room is an overrun
 * @returns timerid, the lowest that is free
 * @throws EAGAIN no room for a timer; EBADF no such connection, or its channel was destroyed
 */
export function timerCreate(machine: Machine, { parent }: ModelThread, { notify }: { notify: Notify }): Progress {
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
 * @param every ms between further expiries; 0 is none
 * @returns after and every as they were, in ms; after 0 where it was not set
 * @throws EINVAL no such timer
 */
export function timerSettime(
  machine: Machine,
  { parent }: ModelThread,
  { timerid, after, every = 0 }: { timerid: number; after: number; every?: number },
): Progress {
  const timer = timerOf(parent, timerid)
  const { now } = machine.kernel
  const before = { after: timer.isArmed ? timer.at - now : 0, every: timer.intervalMs }
  timer.intervalMs = every
  if (after === 0) machine.wheel.cancel(timer)
  else machine.wheel.arm(timer, now + after)
  return before
}

/**
 * TimerDestroy: removes a timer. Does not block. QNX: TimerDestroy().
 * @param timerid of the timer
 * @throws EINVAL no such timer
 */
export function timerDestroy(machine: Machine, { parent }: ModelThread, { timerid }: { timerid: number }): Progress {
  removeTimer(machine, timerOf(parent, timerid))
  return success
}

export function removeTimer(machine: Machine, timer: KernelTimer): void {
  const { process, timerid } = timer
  machine.wheel.cancel(timer)
  process.timers.delete(timerid)
  process.ids.timerid.giveBack(timerid)
  charge(machine, process, 'timers', -1)
}

/** What cannot be told because no entry is free counts as an overrun. */
export function expire(machine: Machine, timer: KernelTimer): void {
  const { notice, process, intervalMs } = timer
  if (intervalMs > 0) machine.wheel.arm(timer, timer.at + intervalMs)
  try {
    if (notice.kind === 'signal') {
      const { signal, code, value } = notice
      deliver(machine, process, null, { signal, code, value, from: null })
    } else if (notice.connection !== null && leadsSomewhere(notice.connection)) {
      const first = process.threads.values().find(({ isDead }) => !isDead)
      assert(first !== undefined, 'a process has a thread that lives')
      const { code, value, connection } = notice
      sendPulse(machine, connection, { code, value, priority: first.realPriority })
    }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    timer.overruns++
    emitDenied(machine.kernel, error, { cause: process.path, call: null })
  }
}

function leadsSomewhere({ detached, channel }: Connection): boolean {
  return !detached && !channel.destroyed
}

/**
 * TimerTimeout: sets an end for the waits of the caller's next call, which then returns ETIMEDOUT. Time counts from
 * now, not from blocking; a time that has passed ends the wait at once. Any call that returns or is refused takes it
 * away. Does not block. QNX: TimerTimeout().
 * @param states those in which it counts; none takes away what was set
 * @param after ms from now
 * @returns states that were set before
 */
export function timerTimeout(
  machine: Machine,
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
 * nanosleep: waits for a time. Blocks in NANOSLEEP, unless it is 0. QNX: nanosleep().
 * @param for ms
 * @throws EINTR a signal was handled; ETIMEDOUT after TimerTimeout
 */
export function nanosleep(machine: Machine, thread: ModelThread, { for: forMs }: { for: number }): Progress {
  if (forMs === 0) return success
  const sleep = new Sleep(thread)
  machine.wheel.arm(sleep, machine.kernel.now + forMs)
  block(machine, thread, { state: 'NANOSLEEP', sleep })
  return 'blocked'
}

const windowMs = 1000

/**
 * compute: charges CPU time to the caller, at this moment. At its soft RLIMIT_CPU the process gets SIGXCPU (SIGKILL,
 * where it masks or ignores that), at the hard one SIGKILL. Does not block. Not in QNX: the model runs no programs, it
 * is told what they use.
 * @param us µs
 * @throws EINVAL more than can be counted
 */
export function compute(machine: Machine, thread: ModelThread, { us }: { us: number }): Progress {
  const process = thread.parent
  checkCountable(machine.kernel, { limit: 'cpu-time', delta: us })
  charge(machine, thread, 'cpu-time', us)
  if (us > 0) chargeShare(machine, thread, us)
  const used = machine.usage(process, 'cpu-time') / 1e6
  const { soft, hard } = process.rlimits.cpu
  if (used >= hard) endProcess(machine, process, { code: null, signal: 'SIGKILL' })
  else if (used >= soft && !process.overCpu) {
    process.overCpu = true
    raiseFault(machine, thread, 'SIGXCPU', 'SIGKILL')
  }
  return success
}

function chargeShare(machine: Machine, thread: ModelThread, us: number): void {
  moveWindow(machine, thread, us)
  const expiry = new CpuExpiry(thread, us)
  thread.shares ??= new Set()
  thread.shares.add(expiry)
  machine.wheel.arm(expiry, machine.kernel.now + windowMs)
}

/** It was a second ago. */
export function expireShare(machine: Machine, expiry: CpuExpiry): void {
  const { thread, us } = expiry
  thread.shares?.delete(expiry)
  moveWindow(machine, thread, -us)
}

/** Of the whole window the permille are rounded, so that many small times count as well as a long one. */
function moveWindow(machine: Machine, thread: ModelThread, us: number): void {
  thread.recentUs += us
  charge(machine, thread, 'cpu', Math.round(thread.recentUs / windowMs) - machine.usage(thread, 'cpu'))
}
