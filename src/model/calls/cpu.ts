/**
 * Charges CPU time to threads through the call `compute`, and measures the share of a CPU that each thread used in the
 * last second. Enforces RLIMIT_CPU: raises SIGXCPU at the soft limit (SIGKILL if SIGXCPU is masked or ignored), and
 * ends the process with SIGKILL at the hard limit.
 */

import type { MachineCore } from '../machine-core.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { CpuExpiry } from '../objects/timer.ts'
import { type Progress, success } from './call.ts'
import { charge, checkCountable } from './charging.ts'
import { endProcess } from './ending.ts'
import { raiseFault } from './sending.ts'

/** Length of the window in which the CPU share of a thread is measured. */
const windowMs = 1000

/**
 * compute: charges CPU time to the caller, at this moment. At its soft RLIMIT_CPU the process gets SIGXCPU, or SIGKILL
 * when it masks or ignores SIGXCPU; at the hard one it gets SIGKILL. Does not block. Not in QNX: the model runs no
 * programs, and a client says what they use.
 * @param us µs
 * @throws EINVAL more than can be counted
 */
export function compute(machine: MachineCore, thread: ModelThread, { us }: { us: number }): Progress {
  const process = thread.parent
  checkCountable(machine.kernel, { limit: 'cpu-time', delta: us })
  charge(machine, thread, 'cpu-time', us)
  if (us > 0) chargeShare(machine, thread, us)
  const used = machine.pools.usage(process, 'cpu-time') / 1e6
  const { soft, hard } = process.rlimits.cpu
  if (used >= hard) endProcess(machine, process, { code: null, signal: 'SIGKILL' })
  else if (used >= soft && !process.overCpu) {
    process.overCpu = true
    raiseFault(machine, thread, 'SIGXCPU', 'SIGKILL')
  }
  return success
}

function chargeShare(machine: MachineCore, thread: ModelThread, us: number): void {
  moveWindow(machine, thread, us)
  const expiry = new CpuExpiry(thread, us)
  thread.shares ??= new Set()
  thread.shares.add(expiry)
  machine.wheel.arm(expiry, machine.kernel.now + windowMs)
}

/** CPU time which was used a second ago leaves the window. */
export function expireShare(machine: MachineCore, expiry: CpuExpiry): void {
  const { thread, us } = expiry
  thread.shares?.delete(expiry)
  moveWindow(machine, thread, -us)
}

/** Rounds the permille of the whole window, so that many short times count as much as one long time. */
function moveWindow(machine: MachineCore, thread: ModelThread, us: number): void {
  thread.recentUs += us
  charge(machine, thread, 'cpu', Math.round(thread.recentUs / windowMs) - machine.pools.usage(thread, 'cpu'))
}
