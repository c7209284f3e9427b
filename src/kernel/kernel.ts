/**
 * The state of one kernel: the system, its partitions, processes and threads, their usage and the thresholds on it.
 * Pure and synchronous: no I/O, no clock and no randomness of its own. Time is passed in; the same input gives the
 * same events. Written by observations (`observations.ts`); every change is one `update`.
 */

import { type ActionAbilities, type Actions, noActions } from './actions.ts'
import { Deadlocks } from './deadlock/deadlocks.ts'
import { DefaultTimers } from './deadlock/default-timers.ts'
import { assert, KernelError } from './errno.ts'
import type { EventContent, EventType, KernelEvent } from './events.ts'
import { type Level, type LimitName, type LimitRow, limitIndex } from './limits/table.ts'
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

/** What a source can measure, said once. */
export interface Abilities {
  /** Limits that this source cannot measure at all, or not at some level, with the reason. */
  readonly unavailable: Partial<Record<LimitName, string | Partial<Record<Level, string>>>>
  /** Where limits have a capacity that is read; elsewhere there is no finite one. */
  readonly capacities: Partial<Record<LimitName, readonly Level[]>>
  /** How often a limit is sampled, as in "25ms", with a threshold on it or without; null: counted as it happens. */
  readonly period: (limit: LimitName, level: Level, armed: boolean) => string | null
  /** What can be done to processes there; left out: nothing. */
  readonly actions?: ActionAbilities
}

export interface KernelOptions {
  readonly abilities: Abilities
  /** pid of the service itself, where it is one of the processes. */
  readonly selfPid?: number
  /** Revisions of thresholds count up from here: a start time, so that none from before a restart comes again. */
  readonly firstRevision: number
  /** ms of Unix time. */
  readonly now: number
}

export class Kernel {
  readonly system = new System()
  readonly processes = new Map<number, Process>()
  /** What a source has seen threads wait for, and the processes it has seen all threads of wait for ever. */
  waits = new Map<Thread, ThreadWait>()
  closedSets = new Set<Process>()
  readonly usage = new Usage()
  readonly notifier: Notifier
  readonly timers: DefaultTimers
  readonly deadlocks: Deadlocks
  readonly selfPid: number | null
  /** ms of Unix time. */
  now: number
  /** Set by a source that can do something to processes. */
  actions: Actions | null = null
  readonly actionAbilities: ActionAbilities
  #beforeUpdate = new Listeners<number>()
  #events = new Listeners<KernelEvent>()
  #nextSequence = 1
  readonly #abilities: Abilities
  readonly #capacities: Readonly<Record<Level, readonly number[]>>
  #updating = false
  /** Thresholds that tripped in the change under way, and send a signal. */
  #orders: ThresholdWatch[] = []
  #acting = false

  constructor({ abilities, selfPid, firstRevision, now }: KernelOptions) {
    this.#abilities = abilities
    this.actionAbilities = abilities.actions ?? noActions
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
      // What an action brings about is told, and triggers no other.
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

  /** An event log that has events already counts on from its newest. */
  continueSequence(next: number): void {
    this.#nextSequence = next
  }

  /** Takes the place of another kernel: listeners of that one hear this one from now on, and the sequence goes on. */
  takePlaceOf(former: Kernel): void {
    this.#beforeUpdate = former.#beforeUpdate
    this.#events = former.#events
    this.#nextSequence = former.#nextSequence
    this.notifier.shareListeners(former.notifier)
    this.timers.shareListeners(former.timers)
  }

  /** Gives a newborn node its counters. Its capacities that are to be read are not known before. */
  admit(node: Node): void {
    this.usage.admit(node)
    for (const index of this.#capacities[node.level]) this.usage.awaitCapacity(node, index)
  }

  /** One complete change at one time: thresholds see it when it is whole. */
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

  /** Evaluates the thresholds on all that has changed so far. */
  settle(): void {
    const due = this.usage.settle()
    if (due.length > 0 || this.notifier.watches.hasAdopted) this.notifier.watches.evaluateDue(due)
  }

  emit<Type extends EventType>(type: Type, { subject, about, data }: EventContent<Type>): void {
    this.#nextSequence++
    // The type and its data belong together: TypeScript cannot follow that into the union.
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

  /** The partition of these names from the outermost in; null where there is none. */
  partition(names: readonly string[]): Partition | null {
    let at: System | Partition = this.system
    for (const name of names) {
      const below: Partition | undefined = at.partitions.get(name)
      if (below === undefined) return null
      at = below
    }
    return at === this.system ? null : (at as Partition)
  }

  /** Why a limit cannot be measured at all at nodes of a level; null where it can. */
  unmeasurable({ name }: Pick<LimitRow, 'name'>, level: Level): string | null {
    const reason = this.#abilities.unavailable[name as LimitName]
    if (reason === undefined || typeof reason === 'string') return reason ?? null
    return reason[level] ?? null
  }

  /** How often a limit is sampled; null where it is counted as it happens, or cannot be measured at all. */
  period(limit: LimitName, level: Level): string | null {
    return this.#abilities.period(limit, level, this.notifier.isArmed(limitIndex[limit]))
  }
}

function capacitiesByLevel({ capacities }: Abilities): Record<Level, number[]> {
  const at = (level: Level) => limitNames.flatMap((name, index) => (capacities[name]?.includes(level) ? [index] : []))
  return { thread: at('thread'), process: at('process'), partition: at('partition'), system: at('system') }
}

const limitNames = Object.keys(limitIndex) as LimitName[]
