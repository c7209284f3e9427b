/**
 * Holds the state of one kernel: the system, its partitions, processes and threads, their usage and the thresholds on
 * it. Pure and synchronous: no I/O, no clock and no randomness of its own. Time is passed in; the same input gives the
 * same events. Every change is one `update`. A source makes changes through `observations.ts`, `observed-usage.ts` and
 * `observed-waits.ts`.
 */

import { type ActionAbilities, type Actions, noActions } from './actions.ts'
import { Deadlocks } from './deadlock/deadlocks.ts'
import { DefaultTimers } from './deadlock/default-timers.ts'
import { assert, KernelError } from './errno.ts'
import type { EventContent, EventType, KernelEvent } from './events.ts'
import type { Level, LimitRow } from './limits/limit-row.ts'
import { requestHoldMs, requestsMax } from './limits/maxima.ts'
import { Requests } from './limits/requests.ts'
import { type LimitName, limitIndex } from './limits/table.ts'
import { carryOut } from './limits/thresholds/action.ts'
import { Notifier } from './limits/thresholds/notifier.ts'
import type { ThresholdWatch } from './limits/thresholds/threshold.ts'
import { Usage } from './limits/usage.ts'
import { type Dispose, Listeners } from './listeners.ts'
import type { Node } from './nodes/node.ts'
import type { Partition } from './nodes/partition.ts'
import type { Process } from './nodes/process.ts'
import { System } from './nodes/system.ts'
import type { Thread } from './nodes/thread.ts'
import type { ThreadWait } from './nodes/wait.ts'

/** The abilities of a source: the limits that it can measure, and what it can do to processes. */
export interface Abilities {
  /** Limits that this source cannot measure at all, or not at some level, with the reason. */
  readonly unavailable: Partial<Record<LimitName, string | Partial<Record<Level, string>>>>
  /** Levels at which the source reads a capacity of the limit. At other levels the capacity is infinite. */
  readonly capacities: Partial<Record<LimitName, readonly Level[]>>
  /**
   * The sampling period of a limit, for example "25ms"; null if usage is counted as it changes.
   * @param armed Whether a threshold is set on the limit.
   */
  readonly period: (limit: LimitName, level: Level, armed: boolean) => string | null
  /** Levels at which the source reads a limit only while it is watched or was requested lately. */
  readonly onDemand?: Partial<Record<LimitName, readonly Level[]>>
  /** Absent if processes have no executables. A longer name of a process is cut. */
  readonly executables?: { readonly nameBytesMax: number }
  /** Absent if processes have no command lines. They are shown only if `shown`: they may contain secrets. */
  readonly cmdlines?: { readonly shown: boolean }
  /** The reason why the source reads no owners of locks, so that it finds no deadlock; absent or null if it does. */
  readonly noOwners?: string | null
  /** Actions that the source can carry out on processes; absent if there are none. */
  readonly actions?: ActionAbilities
}

export interface KernelOptions {
  readonly abilities: Abilities
  /** pid of the service itself, where it is one of the processes. */
  readonly selfPid?: number
  /** Revisions of thresholds count up from here. A start time makes them unique over restarts. */
  readonly firstRevision: number
  /** ms of Unix time. */
  readonly now: number
}

export class Kernel {
  readonly system = new System()
  readonly processes = new Map<number, Process>()
  /** Observed waits of threads. */
  waits = new Map<Thread, ThreadWait>()
  /** Processes in which every thread was observed to wait for ever. */
  closedSets = new Set<Process>()
  readonly usage = new Usage()
  readonly notifier: Notifier
  readonly requests = new Requests({ holdMs: requestHoldMs, max: requestsMax })
  readonly timers: DefaultTimers
  readonly deadlocks: Deadlocks
  readonly selfPid: number | null
  /** ms of Unix time. */
  now: number
  /** Set by a source that can carry out actions on processes. */
  actions: Actions | null = null
  readonly actionAbilities: ActionAbilities
  readonly executables: NonNullable<Abilities['executables']> | null
  readonly cmdlines: NonNullable<Abilities['cmdlines']> | null
  #beforeUpdate = new Listeners<number>()
  #events = new Listeners<KernelEvent>()
  #nextSequence = 1
  readonly #abilities: Abilities
  readonly #capacities: Readonly<Record<Level, readonly number[]>>
  #updating = false
  /** Watches that tripped in the change under way and whose action is a signal. */
  #orders: ThresholdWatch[] = []
  #acting = false

  constructor({ abilities, selfPid, firstRevision, now }: KernelOptions) {
    this.#abilities = abilities
    this.actionAbilities = abilities.actions ?? noActions
    this.executables = abilities.executables ?? null
    this.cmdlines = abilities.cmdlines ?? null
    this.#capacities = capacitiesByLevel(abilities)
    this.selfPid = selfPid ?? null
    this.now = now
    this.notifier = new Notifier({
      usage: this.usage,
      emit: (type, content) => this.emit(type, content),
      unmeasurable: (row, level) => this.unmeasurable(row, level),
      period: (index, level) => this.period(limitNames[index]!, level),
      selfPid: this.selfPid,
      firstRevision,
      actions: this.actionAbilities,
      // Consequences of an action emit events, but they trigger no further action.
      act: (watch) => {
        if (!this.#acting) this.#orders.push(watch)
      },
      now: () => this.now,
    })
    this.timers = new DefaultTimers({
      emit: (type, content) => this.emit(type, content),
      now: () => this.now,
      firstRevision,
    })
    this.deadlocks = new Deadlocks({
      emit: (type, content) => this.emit(type, content),
      nextSequence: () => this.#nextSequence,
      now: () => this.now,
    })
    this.admit(this.system)
  }

  /** The reason why the source finds no deadlocks; null if it does. */
  get whyNoDeadlocks(): string | null {
    const { noOwners = null } = this.#abilities
    return noOwners === null ? null : `owners of locks are not read, so no deadlock is found: ${noOwners}`
  }

  /** Calls the listener before each change, with the time of the change. */
  beforeUpdate(listener: (at: number) => void): Dispose {
    return this.#beforeUpdate.add(listener)
  }

  /** Calls the listener with each event, as it happens. */
  onEvent(listener: (event: KernelEvent) => void): Dispose {
    return this.#events.add(listener)
  }

  /** The sequence that the next event gets. */
  get nextSequence(): number {
    return this.#nextSequence
  }

  /** Continues the sequence of an event log that has events already. */
  continueSequence(next: number): void {
    this.#nextSequence = next
  }

  /** Takes the place of another kernel: its listeners now listen to this one, and the sequence continues. */
  takePlaceOf(former: Kernel): void {
    this.#beforeUpdate = former.#beforeUpdate
    this.#events = former.#events
    this.#nextSequence = former.#nextSequence
    this.notifier.shareListeners(former.notifier)
    this.timers.shareListeners(former.timers)
  }

  /** Gives a new node its counters. Capacities that the source reads are unknown until their first reading. */
  admit(node: Node): void {
    this.usage.admit(node)
    for (const index of this.#capacities[node.level]) this.usage.awaitCapacity(node, index)
  }

  /** Makes one complete change at one time. Thresholds are evaluated when it is complete. */
  update<T>(at: number, change: () => T): T {
    assert(!this.#updating, 'an update does not begin inside another')
    this.#beforeUpdate.notify(at)
    this.now = at
    this.#updating = true
    try {
      return change()
    } finally {
      this.#updating = false
      this.#finish()
      if (this.#orders.length > 0) this.#carryOut()
    }
  }

  #carryOut(): void {
    const orders = this.#orders
    this.#orders = []
    this.#acting = true
    try {
      for (const watch of orders) carryOut(this, watch)
      this.#finish()
    } finally {
      this.#acting = false
    }
  }

  #finish(): void {
    this.settle()
    this.deadlocks.settle()
  }

  /** Evaluates the thresholds on everything that has changed so far. */
  settle(): void {
    const due = this.usage.settle()
    if (due.length > 0 || this.notifier.watches.hasAdopted) this.notifier.watches.evaluateDue(due)
  }

  emit<Type extends EventType>(type: Type, { subject, about, data }: EventContent<Type>): void {
    this.#nextSequence++
    // The type and its data match, but TypeScript cannot derive that for the union.
    this.#events.notify({ type, at: this.now, subject, about, data } as KernelEvent)
  }

  /** @throws ESRCH */
  process(pid: number): Process {
    const process = this.processes.get(pid)
    if (process === undefined) throw new KernelError('ESRCH', `there is no process ${pid}`)
    return process
  }

  /** @throws ESRCH */
  thread(pid: number, tid: number): Thread {
    const thread = this.process(pid).threads.get(tid)
    if (thread === undefined) throw new KernelError('ESRCH', `process ${pid} has no thread ${tid}`)
    return thread
  }

  /** The partition with these names, from the outermost in; null if it does not exist. */
  partition(names: readonly string[]): Partition | null {
    let at: System | Partition = this.system
    for (const name of names) {
      const below: Partition | undefined = at.partitions.get(name)
      if (below === undefined) return null
      at = below
    }
    return at === this.system ? null : (at as Partition)
  }

  /** The reason why a limit can never be measured at nodes of a level; null if it can. */
  unmeasurable({ name }: Pick<LimitRow, 'name'>, level: Level): string | null {
    const reason = this.#abilities.unavailable[name as LimitName]
    if (reason === undefined || typeof reason === 'string') return reason ?? null
    return reason[level] ?? null
  }

  /** Whether the source reads a limit at nodes of a level only while it is watched or was requested lately. */
  isOnDemand(limit: LimitName, level: Level): boolean {
    return this.#abilities.onDemand?.[limit]?.includes(level) ?? false
  }

  /** The sampling period of a limit; null if usage is counted as it changes, or can never be measured. */
  period(limit: LimitName, level: Level): string | null {
    return this.#abilities.period(limit, level, this.notifier.isArmed(limitIndex[limit]))
  }
}

function capacitiesByLevel({ capacities }: Abilities): Record<Level, number[]> {
  const at = (level: Level) => limitNames.flatMap((name, index) => (capacities[name]?.includes(level) ? [index] : []))
  return { thread: at('thread'), process: at('process'), partition: at('partition'), system: at('system') }
}

const limitNames = Object.keys(limitIndex) as LimitName[]
