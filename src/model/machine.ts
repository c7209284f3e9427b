/**
 * The model: a machine that executes kernel calls on the kernel state. Time moves only by `advance`, so the same calls at
 * the same times give the same events, byte for byte.
 */

import { assert, KernelError } from '../kernel/errno.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { type LimitName, limitIndex, limits } from '../kernel/limits/table.ts'
import { emitDenied, fromOutside } from '../kernel/limits/thresholds/deny.ts'
import type { Node } from '../kernel/nodes/node.ts'
import type { Partition } from '../kernel/nodes/partition.ts'
import type { System } from '../kernel/nodes/system.ts'
import type { ThreadCondition } from '../kernel/nodes/thread.ts'
import { partitionAppeared, partitionEnded } from '../kernel/observations.ts'
import type { ThreadState } from '../kernel/states.ts'
import { TimerWheel } from '../kernel/time/timer-wheel.ts'
import { ModelActions } from './actions.ts'
import type { CallOutcome, Progress } from './calls/call.ts'
import { makeProcess, move, type ProcessMaking } from './calls/process.ts'
import { dispatch, release } from './calls/scheduling.ts'
import { type KernelCall, kernelCalls } from './calls/table.ts'
import { makeThread, type ThreadMaking } from './calls/thread.ts'
import { endTimeout, timeOut } from './calls/timeouts.ts'
import { expire, expireShare } from './calls/timer.ts'
import { describeBlocker } from './objects/blocker.ts'
import { ModelProcess } from './objects/model-process.ts'
import type { ModelThread } from './objects/model-thread.ts'
import type { Sync } from './objects/sync.ts'
import type { ModelTimer } from './objects/timer.ts'
import { type Signal, signalOf } from './signals.ts'

/** Capacities of a partition or of the system, each in its limit's unit. */
export type Pools = Readonly<Partial<Record<LimitName, number>>>

/** Null takes a pool away. */
export type PoolSettings = Readonly<Partial<Record<LimitName, number | null>>>

/** What the machine has for all, where nobody says otherwise: one hog can exhaust each of them. */
export const defaultPools: Pools = {
  processes: 32_768,
  threads: 2_097_152,
  channels: 65_536,
  'server-ids': 65_536,
  connections: 65_536,
  timers: 65_536,
  signals: 65_536,
  fds: 1_048_576,
  'data-pages': 2_097_152,
  memory: 16 * 2 ** 30,
}

/** Limits that a pool can be set for: those at which a call can be refused. */
export const poolNames: readonly LimitName[] = limits
  .filter(({ at, errno }) => errno !== null && (at as readonly string[]).includes('partition'))
  .map(({ name }) => name)

/** Of the kernel's clock, in ms of Unix time: times after it have no four-digit year. */
export const clockEnd = 253_402_300_799_999

const noMaximum = 'no maximum of memory is set'

export class Machine {
  readonly kernel: Kernel
  readonly wheel: TimerWheel<ModelTimer>
  /** Synchronisation objects whose names begin with /. */
  readonly shared = new Map<string, Sync>()
  /** The one that made the last call. */
  running: ModelThread | null = null
  /** A call that a thread was blocked in has returned. */
  onReturn: (thread: ModelThread) => void = () => {}
  readonly childSignal: Signal
  /** pids of the living and of zombies. */
  readonly pids = new Set<number>()
  lastPid = 0
  births = 0
  arrivals = 0
  #expiries = 0
  #condition: ThreadCondition | null = null

  constructor(kernel: Kernel, pools: Pools = defaultPools) {
    const childSignal = signalOf('SIGCHLD')
    assert(childSignal !== null, 'there is a signal for the ends of children')
    this.kernel = kernel
    kernel.actions = new ModelActions(this)
    this.wheel = new TimerWheel(kernel.now)
    this.childSignal = childSignal
    kernel.update(kernel.now, () => {
      this.count(kernel.system)
      this.#setPools(kernel.system, pools)
    })
  }

  // ---- what clients do ----

  /**
   * One kernel call by a thread.
   * @throws KernelError ESRCH no such process or thread, or it has ended; EBUSY it is blocked; what the call itself
   * refuses: then nothing has changed, but that its TimerTimeout is spent; and what a wait that is over at once returns
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
        // What this very call has set is for the next.
        if (isOver && thread.timeout === timeout) endTimeout(this, thread)
      }
    })
  }

  #caller(pid: number, tid: number): ModelThread {
    const thread = this.process(pid).threads.get(tid)
    if (thread === undefined || thread.isDead)
      throw new KernelError('ESRCH', `process ${pid} has no thread ${tid}${thread ? ' that lives' : ''}`)
    const { blocker } = thread
    if (blocker !== null) {
      const on = Object.entries(thread.waitsOn ?? {}).map(([name, value]) => ` ${name} ${value}`)
      throw new KernelError('EBUSY', `thread ${tid} of process ${pid} is blocked in ${blocker.state}${on.join(',')}`)
    }
    return thread
  }

  #execute(thread: ModelThread, { name, args }: KernelCall): Progress {
    // The one place where a call and its arguments meet: they are typed together by `KernelCall`.
    const execute = kernelCalls[name] as (machine: Machine, thread: ModelThread, args: unknown) => Progress
    const undo = dispatch(this, thread)
    thread.calling = name
    try {
      return execute(this, thread, args)
    } catch (error) {
      undo()
      throw error
    }
  }

  /** A process that no thread made. @throws EAGAIN, ENOMEM, EPERM */
  create(making: ProcessMaking): ModelProcess {
    return this.#outside('create', () => makeProcess(this, making))
  }

  /** A thread that no thread made. @throws EAGAIN, ENOMEM, EPERM */
  createThread(process: ModelProcess, making: ThreadMaking): ModelThread {
    return this.#outside('createThread', () => makeThread(this, process, making))
  }

  /** @throws EAGAIN or ENOMEM where the partition has no room for it */
  move(process: ModelProcess, container: Partition | System): void {
    this.#outside('move', () => move(this, process, container))
  }

  #outside<T>(call: string, change: () => T): T {
    return this.kernel.update(this.kernel.now, () => fromOutside(this.kernel, call, change))
  }

  /**
   * Makes a partition, or sets pools of one that is there; null takes a pool away.
   * @throws EINVAL a name that clients take out of a path before they send it
   */
  putPartition(names: readonly string[], pools: PoolSettings): Partition {
    const lost = names.find((name) => name === '.' || name === '..')
    if (lost !== undefined) throw new KernelError('EINVAL', `no path leads to a partition named ${lost}`)
    return this.kernel.update(this.kernel.now, () => {
      const partition = this.partition(names)
      this.#setPools(partition, pools)
      return partition
    })
  }

  /** Sets pools of the whole machine; null takes one away. */
  putPools(pools: PoolSettings): void {
    this.kernel.update(this.kernel.now, () => this.#setPools(this.kernel.system, pools))
  }

  /** @throws EBUSY processes or partitions are in it */
  removePartition(partition: Partition): void {
    const { members, partitions, path } = partition
    if (members.size > 0) throw new KernelError('EBUSY', `there are ${members.size} processes in ${path}`)
    if (partitions.size > 0) throw new KernelError('EBUSY', `there are ${partitions.size} partitions in ${path}`)
    this.kernel.update(this.kernel.now, () => partitionEnded(this.kernel, partition))
  }

  /**
   * Lets time pass: timers expire in order, each at its own time. Once so many have expired the clock stops, where all
   * that was due has happened: how many will is not known before, as each may end or set others.
   * @param to ms of the kernel's clock
   * @throws EINVAL before now, or after the end of the clock; then no time has passed
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
      // What ends at this very moment has not lasted too long; a signal that a threshold sends may end it.
      this.#expiries += kernel.update(next, () => kernel.notifier.expire(next))
      this.#expiries += kernel.update(next, () => kernel.timers.expire(next))
    }
    wheel.advance(to, fire)
    kernel.update(to, () => {})
  }

  /** When the next timer expires, in ms of the kernel's clock; null where none is armed. */
  nextAt(): number | null {
    const { timers, notifier } = this.kernel
    const all = [this.wheel.nextAt(), timers.nextAt(), notifier.nextAt()].filter((at) => at !== null)
    return all.length === 0 ? null : Math.min(...all)
  }

  /** Timers that have expired since it was made or loaded: a measure of what was done, and no part of its state. */
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
        release(this, timer.thread, { value: {} })
        break
      case 'cpu':
        expireShare(this, timer)
        break
    }
  }

  // ---- what calls use ----

  /** @throws ESRCH */
  process(pid: number): ModelProcess {
    const process = this.find(pid)
    if (process === null) throw new KernelError('ESRCH', `there is no process ${pid}`)
    return process
  }

  processes(): ModelProcess[] {
    return [...this.kernel.processes.values()].filter((process) => process instanceof ModelProcess)
  }

  find(pid: number): ModelProcess | null {
    const process = this.kernel.processes.get(pid)
    return process instanceof ModelProcess ? process : null
  }

  /** The partition of these names, made where it is not there. Preconditions: inside an update. */
  partition(names: readonly string[]): Partition {
    for (let depth = 1; depth <= names.length; depth++) {
      const path = names.slice(0, depth)
      if (this.kernel.partition(path) !== null) continue
      const made = partitionAppeared(this.kernel, path)
      this.count(made)
      this.kernel.usage.lose(made, limitIndex['memory-free'], noMaximum)
    }
    const partition = this.kernel.partition(names)
    assert(partition !== null, 'a partition has a name')
    return partition
  }

  /** What has been counted of nothing yet is known to be none. */
  count(node: Node): void {
    for (const [index, row] of limits.entries()) {
      const isOwn =
        row.home === node.level || (row.adds === 'read' && (row.at as readonly string[]).includes(node.level))
      if (isOwn) this.kernel.usage.charge(node, index, 0)
    }
  }

  /** A maximum of memory is what free memory is told by. */
  #setPools(node: Node, pools: PoolSettings): void {
    for (const [limit, capacity] of Object.entries(pools) as [LimitName, number | null][])
      this.setCapacity(node, limit, capacity ?? Number.POSITIVE_INFINITY)
    if (pools.memory === undefined) return
    const free = limitIndex['memory-free']
    if (pools.memory === null) this.kernel.usage.lose(node, free, noMaximum)
    else {
      const value = Math.max(0, pools.memory - this.usage(node, 'memory'))
      this.kernel.usage.observe(node, free, { value, at: this.kernel.now })
      this.setCapacity(node, 'memory-free', pools.memory)
    }
  }

  usage(node: Node, limit: LimitName): number {
    return this.kernel.usage.value(node, limitIndex[limit])
  }

  capacity(node: Node, limit: LimitName): number {
    return this.kernel.usage.capacity(node, limitIndex[limit])
  }

  setCapacity(node: Node, limit: LimitName, capacity: number): void {
    this.kernel.usage.observeCapacity(node, limitIndex[limit], capacity)
  }

  conditionOf(state: ThreadState): ThreadCondition {
    const since = this.kernel.now
    // Most threads that are made at once are in one state.
    if (this.#condition?.state !== state || this.#condition.since !== since)
      this.#condition = { state, on: null, certain: true, why: null, since }
    return this.#condition
  }

  nextArrival(): number {
    return ++this.arrivals
  }
}

/** Of a call that has blocked. Where its wait was over as it began it has happened all the same: that is no refusal. */
function outcomeOfWait(thread: ModelThread): CallOutcome {
  const { blocker, calling, returned } = thread
  if (blocker !== null && calling !== null) return { blocked: blocker.state, on: describeBlocker(blocker) }
  // A signal that it let through has ended it.
  if (thread.isDead) return { returned: {} }
  assert(returned !== null, 'a call that is over has returned')
  if ('errno' in returned) throw new KernelError(returned.errno, `${returned.call} was ended at once`)
  return { returned: returned.value }
}
