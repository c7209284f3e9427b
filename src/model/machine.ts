/**
 * Executes kernel calls on the kernel state: this is the model, a simulated kernel like that of QNX, whose programs are
 * its clients' calls. Time moves only by `advance`, so the same calls at the same times give the same events, byte for
 * byte.
 */

import { assert, KernelError } from '../kernel/errno.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { emitDenied, fromOutside } from '../kernel/limits/thresholds/deny.ts'
import type { Partition } from '../kernel/nodes/partition.ts'
import type { System } from '../kernel/nodes/system.ts'
import { partitionEnded } from '../kernel/observations.ts'
import { ModelActions } from './actions.ts'
import type { CallOutcome, Progress } from './calls/call.ts'
import { expireShare } from './calls/cpu.ts'
import { makeProcess, move, type ProcessMaking } from './calls/process-creation.ts'
import { dispatch } from './calls/scheduling.ts'
import { wake } from './calls/state-changes.ts'
import { type KernelCall, kernelCalls } from './calls/table.ts'
import { makeThread, type ThreadMaking } from './calls/thread-creation.ts'
import { endTimeout } from './calls/timeouts.ts'
import { expire } from './calls/timer-expiry.ts'
import { timeOut } from './calls/waits.ts'
import { MachineCore } from './machine-core.ts'
import { describeBlocker } from './objects/blocker.ts'
import type { ModelProcess } from './objects/model-process.ts'
import type { ModelThread } from './objects/model-thread.ts'
import type { ModelTimer } from './objects/timer.ts'
import { defaultPools, type PoolCapacities, type PoolSettings } from './pools.ts'

/** End of the kernel's clock, in ms of Unix time. Later times have no year of four digits. */
export const clockEnd = 253_402_300_799_999

export class Machine extends MachineCore {
  #expiries = 0

  constructor(kernel: Kernel, pools: PoolCapacities = defaultPools) {
    super(kernel)
    kernel.actions = new ModelActions(this)
    kernel.update(kernel.now, () => {
      this.pools.startCounting(kernel.system)
      this.pools.set(kernel.system, pools)
    })
  }

  // ---- calls of threads ----

  /**
   * Makes one kernel call for a thread. A refused call has changed nothing, except that its TimerTimeout is used up.
   * @throws KernelError ESRCH when there is no such process or thread, or it has ended; EBUSY when the thread is
   * blocked; the errno with which the call itself is refused; and the errno of a wait which ends as soon as it begins
   */
  call(pid: number, tid: number, call: KernelCall): CallOutcome {
    const thread = this.#caller(pid, tid)
    return this.kernel.update(this.kernel.now, () => {
      const { timeout } = thread
      try {
        const progress = this.#execute(thread, call)
        return progress === 'blocked' ? outcomeOfWait(thread) : { returned: progress }
      } catch (error) {
        emitDenied(this.kernel, error, { cause: thread.path, call: call.name })
        throw error
      } finally {
        const isOver = thread.blocker === null || thread.blocker.state === 'STOPPED'
        if (isOver) thread.calling = null
        // A timeout which this call itself has set is for the next call.
        if (isOver && thread.timeout === timeout) endTimeout(this, thread)
      }
    })
  }

  #caller(pid: number, tid: number): ModelThread {
    const thread = this.processes.get(pid).threads.get(tid)
    if (thread === undefined || thread.isDead)
      throw new KernelError(
        'ESRCH',
        thread ? `thread ${tid} of process ${pid} has ended` : `process ${pid} has no thread ${tid}`,
      )
    const { blocker } = thread
    if (blocker !== null) {
      const on = Object.entries(thread.waitsOn ?? {}).map(([name, value]) => ` ${name} ${value}`)
      throw new KernelError('EBUSY', `thread ${tid} of process ${pid} is blocked in ${blocker.state}${on.join(',')}`)
    }
    return thread
  }

  #execute(thread: ModelThread, { name, args }: KernelCall): Progress {
    // The one place where a call meets its arguments: `KernelCall` has typed them together.
    const execute = kernelCalls[name] as (machine: MachineCore, thread: ModelThread, args: unknown) => Progress
    const undo = dispatch(this, thread)
    thread.calling = name
    try {
      return execute(this, thread, args)
    } catch (error) {
      undo()
      throw error
    }
  }

  // ---- changes from outside ----

  /**
   * Creates a process on behalf of no thread.
   * @throws KernelError EAGAIN, ENOMEM or EPERM, as spawn does
   */
  create(making: ProcessMaking): ModelProcess {
    return this.#outside('create', () => makeProcess(this, making))
  }

  /**
   * Creates a thread on behalf of no thread.
   * @throws KernelError EAGAIN, ENOMEM or EPERM, as ThreadCreate does
   */
  createThread(process: ModelProcess, making: ThreadMaking): ModelThread {
    return this.#outside('createThread', () => makeThread(this, process, making))
  }

  /** @throws KernelError EAGAIN or ENOMEM when the partition has no room for what the process uses */
  move(process: ModelProcess, container: Partition | System): void {
    this.#outside('move', () => move(this, process, container))
  }

  #outside<T>(call: string, change: () => T): T {
    return this.kernel.update(this.kernel.now, () => fromOutside(this.kernel, call, change))
  }

  /**
   * Creates a partition, or sets pools of one which exists. Null removes a pool.
   * @throws KernelError EINVAL when a name is `.` or `..`: clients remove these from a path before they send it
   */
  putPartition(names: readonly string[], pools: PoolSettings): Partition {
    const lost = names.find((name) => name === '.' || name === '..')
    if (lost !== undefined) throw new KernelError('EINVAL', `a partition cannot be named ${lost}: no path leads to it`)
    return this.kernel.update(this.kernel.now, () => {
      const partition = this.pools.partition(names)
      this.pools.set(partition, pools)
      return partition
    })
  }

  /** Sets pools of the whole machine. Null removes a pool. */
  putPools(pools: PoolSettings): void {
    this.kernel.update(this.kernel.now, () => this.pools.set(this.kernel.system, pools))
  }

  /** @throws KernelError EBUSY when there are processes or partitions in it */
  removePartition(partition: Partition): void {
    const { members, partitions, path } = partition
    if (members.size > 0) throw new KernelError('EBUSY', `there are ${members.size} processes in ${path}`)
    if (partitions.size > 0) throw new KernelError('EBUSY', `there are ${partitions.size} partitions in ${path}`)
    this.kernel.update(this.kernel.now, () => partitionEnded(this.kernel, partition))
  }

  // ---- time ----

  /**
   * Lets time pass: timers expire in order, each at its own time. The clock stops after `expiriesMax` expiries, once
   * everything which was due at that moment has happened. Their number is not known before: each may end or set others.
   * @param to ms of the kernel's clock
   * @throws KernelError EINVAL when `to` is before now or after the end of the clock; then no time has passed
   */
  advance(to: number, { expiriesMax = Number.POSITIVE_INFINITY }: { expiriesMax?: number } = {}): void {
    if (to < this.kernel.now) throw new KernelError('EINVAL', 'the clock does not go backwards')
    if (to > clockEnd) throw new KernelError('EINVAL', 'the clock ends with the year 9999')
    const last = this.#expiries + expiriesMax
    const { kernel, wheel } = this
    const fire = (timer: ModelTimer) => kernel.update(wheel.now, () => this.#expire(timer))
    for (let next = this.nextAt(); next !== null && next <= to; next = this.nextAt()) {
      if (this.#expiries >= last) return
      wheel.advance(next, fire)
      // A wait which ends at this very moment was not too long: a signal which a threshold sends may end it.
      this.#expiries += kernel.update(next, () => kernel.notifier.expire(next))
      this.#expiries += kernel.update(next, () => kernel.timers.expire(next))
    }
    wheel.advance(to, fire)
    kernel.update(to, () => {})
  }

  /** Time of the next expiry, in ms of the kernel's clock; null when no timer is armed. */
  nextAt(): number | null {
    const { timers, notifier } = this.kernel
    const all = [this.wheel.nextAt(), timers.nextAt(), notifier.nextAt()].filter((at) => at !== null)
    return all.length === 0 ? null : Math.min(...all)
  }

  /** Expiries since the machine was created or loaded. They measure work done, and are not part of a saved state. */
  get expiries(): number {
    return this.#expiries
  }

  #expire(timer: ModelTimer): void {
    this.#expiries++
    switch (timer.purpose) {
      case 'timer':
        expire(this, timer)
        break
      case 'timeout':
        timeOut(this, timer.thread)
        break
      case 'sleep':
        wake(this, timer.thread, { value: {} })
        break
      case 'cpu':
        expireShare(this, timer)
        break
    }
  }
}

/** Outcome of a call which has blocked. The wait may have ended already: even then the call was not refused. */
function outcomeOfWait(thread: ModelThread): CallOutcome {
  const { blocker, calling, returned } = thread
  if (blocker !== null && calling !== null) return { blocked: blocker.state, on: describeBlocker(blocker) }
  // The call unmasked a signal, which has ended the thread.
  if (thread.isDead) return { returned: {} }
  assert(returned !== null, 'a call which is over has returned')
  if ('errno' in returned) throw new KernelError(returned.errno, `${returned.call} was ended at once`)
  return { returned: returned.value }
}
