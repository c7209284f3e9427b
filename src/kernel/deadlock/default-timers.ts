/**
 * Runs default deadlock timers, for threads which cannot set a timeout before each call. A thread which stays in a
 * chosen state longer than the nearest timeout above it allows causes one warning, and one more event when it
 * continues. A warning may be wrong, because a wait may only be long; no deadlock is missed.
 */

import { assert } from '../errno.ts'
import type { Emit } from '../events.ts'
import { type Dispose, Listeners } from '../listeners.ts'
import { containers, type Node } from '../nodes/node.ts'
import type { Partition } from '../nodes/partition.ts'
import type { Thread } from '../nodes/thread.ts'
import { threadsWithin } from '../nodes/within.ts'
import { type ThreadState, timeoutStates } from '../states.ts'
import { TimerWheel } from '../time/timer-wheel.ts'
import { byPidAndTid } from './deadlock.ts'
import {
  type DefaultTimeout,
  sameTimeoutDefinition,
  type TimeoutDefined,
  type TimeoutDefinition,
  timeoutPath,
} from './default-timeout.ts'
import {
  beginOf,
  dueAt,
  emitEased,
  emitWarning,
  passing,
  TimedWait,
  type TimedWaitState,
  timedWaitState,
  type WarnedWait,
} from './timed-wait.ts'
import { TimeoutSet } from './timeout-set.ts'

export interface DefaultTimersPorts {
  readonly emit: Emit
  readonly now: () => number
  readonly firstRevision: number
}

export class DefaultTimers {
  readonly #ports: DefaultTimersPorts
  readonly #timeouts = new TimeoutSet()
  readonly #waits = new Map<Thread, TimedWait>()
  readonly #wheel: TimerWheel<TimedWait>
  #revision: number
  #armed = new Listeners()
  #defined = new Listeners<TimeoutDefined>()

  constructor(ports: DefaultTimersPorts) {
    this.#ports = ports
    this.#revision = ports.firstRevision
    this.#wheel = new TimerWheel<TimedWait>(Math.trunc(ports.now()))
  }

  /** Calls the listener after timeouts were set or removed. A source examines threads that are timed more often. */
  onArmed(listener: () => void): Dispose {
    return this.#armed.add(listener)
  }

  /** Calls the listener for each timeout that was set or removed. */
  onDefined(listener: (defined: TimeoutDefined) => void): Dispose {
    return this.#defined.add(listener)
  }

  /** Takes over the listeners of other timers, because this kernel takes the place of theirs. */
  shareListeners(former: DefaultTimers): void {
    this.#armed = former.#armed
    this.#defined = former.#defined
  }

  timeouts(): Iterable<DefaultTimeout> {
    return this.#timeouts.all()
  }

  /** The timeout that is set at the node itself. */
  find(node: Node): DefaultTimeout | null {
    return this.#timeouts.find(node)
  }

  /** The timeout that applies to a node: its own, or the nearest above it. */
  holding(node: Node): DefaultTimeout | null {
    return this.#timeouts.holding(node)
  }

  /** Threads below a node which have caused a warning and still wait. */
  warned(node: Node): Thread[] {
    const all = [...this.#waits.values()].filter(({ warned }) => warned !== null).map(({ thread }) => thread)
    return all.filter((thread) => [...containers(thread)].includes(node)).sort(byPidAndTid)
  }

  /**
   * Sets a timeout. Waits in progress are timed from their beginning. A wait which is too long already causes a warning
   * at once, marked `initial`. A thread which has caused a warning causes no other before it has continued.
   */
  put(
    node: Node,
    { definition, owner }: { definition: TimeoutDefinition; owner: string | null },
  ): { timeout: DefaultTimeout; created: boolean } {
    const known = this.find(node)
    if (known !== null && sameTimeoutDefinition(known.definition, definition)) return { timeout: known, created: false }
    const timeout: DefaultTimeout = { path: timeoutPath(node), node, definition, owner, revision: this.#revision++ }
    this.#timeouts.add(timeout)
    this.#defined.notify({ timeout, change: 'set' })
    this.#reconsider(threadsWithin(node))
    this.#armed.notify()
    return { timeout, created: known === null }
  }

  /**
   * A thread which caused a warning before a restart still waits, as far as can be seen. It causes no other warning
   * before it has continued, and then its end is reported. Preconditions: no timeout is set yet.
   * @returns false when the thread is not in that state
   */
  resume(thread: Thread, { timeout: path, definition: known, state, since }: WarnedWait): boolean {
    const definition = known ?? { states: timeoutStates.filter((timed) => timed === state), afterMs: null }
    const begin = thread.condition.state === state ? beginOf(thread, { path, definition }, undefined) : null
    if (begin === null) return false
    const wait = new TimedWait(thread, { path, definition }, begin)
    wait.warned = state
    wait.since = since
    this.#waits.set(thread, wait)
    return true
  }

  /**
   * Restores a timeout from before a restart. Waits are timed from their first observation after the restart.
   * Preconditions: no timeout is set at the node.
   */
  reinstate(node: Node, persisted: Pick<DefaultTimeout, 'definition' | 'owner' | 'revision'>): void {
    this.#timeouts.add({ ...persisted, path: timeoutPath(node), node })
    this.#reconsider(threadsWithin(node))
    this.#armed.notify()
  }

  /** Another owner takes over a timeout. */
  reown(timeout: DefaultTimeout, owner: string): void {
    timeout.owner = owner
    this.#defined.notify({ timeout, change: 'set' })
  }

  delete(timeout: DefaultTimeout): void {
    assert(this.find(timeout.node) === timeout, 'a timeout that is deleted is set')
    this.#timeouts.remove(timeout)
    this.#defined.notify({ timeout, change: 'gone' })
    this.#reconsider(threadsWithin(timeout.node))
    this.#armed.notify()
  }

  /** A thread has entered a state, perhaps the same one again. While nothing is timed this is one comparison. */
  follow(thread: Thread): void {
    if (!this.#timeouts.isApplied && this.#waits.size === 0) return
    const due = this.#decide(thread)
    // The wait was seen late. Its warning is emitted by the wheel all the same, so that all warnings come in one order.
    if (due !== null) this.#arm(due)
  }

  /** A thread has ended. */
  ended(thread: Thread): void {
    const wait = this.#waits.get(thread)
    if (wait !== undefined) this.#end(wait, 'DEAD')
  }

  /** The process of these threads has moved to another partition. */
  moved(threads: Iterable<Thread>): void {
    if (this.#timeouts.isApplied) this.#reconsider(threads)
  }

  /**
   * A node is about to end: a timeout that is set on it ends with it. One on a partition waits until it is there again.
   * Preconditions: no thread is below it.
   */
  removeNode(node: Node): void {
    const timeout = this.#timeouts.find(node)
    if (timeout === null) return
    if (node.level === 'partition') this.#timeouts.suspend(timeout)
    else {
      this.#timeouts.remove(timeout)
      this.#defined.notify({ timeout, change: 'gone' })
    }
    this.#armed.notify()
  }

  /** Applies the timeout that waits for this partition. Preconditions: no thread is in it yet. */
  partitionAppeared(partition: Partition): void {
    if (this.#timeouts.resume(partition)) this.#armed.notify()
  }

  /** Time of the next warning, in whole ms of Unix time; null when no wait is timed. */
  nextAt(): number | null {
    return this.#wheel.nextAt()
  }

  /** Warns of all waits which are too long by then. Preconditions: thread states are of that time. @returns how many */
  expire(at: number): number {
    let warned = 0
    this.#wheel.advance(Math.max(this.#wheel.now, Math.floor(at)), (wait) => {
      warned++
      this.#warn(wait, { initial: false })
    })
    return warned
  }

  /** Warnings whose wait has not ended. */
  warnings(): { thread: Thread; timeout: string; state: ThreadState; since: number }[] {
    return [...this.#waits.values()].flatMap(({ thread, timeout: { path: timeout }, warned: state, since }) =>
      state === null ? [] : [{ thread, timeout, state, since }],
    )
  }

  exportWaits(): ReadonlyMap<Thread, TimedWaitState> {
    const places = new Map(this.#wheel.armed().map((wait, place) => [wait, place]))
    return new Map([...this.#waits].map(([thread, wait]) => [thread, timedWaitState(wait, places.get(wait) ?? null)]))
  }

  /** Restores a saved state. Preconditions: all nodes exist, and no timeout is set yet. */
  restore(
    timeouts: readonly DefaultTimeout[],
    waits: readonly (TimedWaitState & { readonly thread: Thread })[],
    nextRevision: number,
  ): void {
    this.#revision = nextRevision
    const byPath = new Map(timeouts.map((timeout) => [timeout.path, timeout]))
    for (const timeout of timeouts) this.#timeouts.add(timeout)
    const inOrder = [...waits].sort((one, other) => (one.place ?? -1) - (other.place ?? -1))
    for (const { thread, timeout: path, definition, begin, warned, isPassing, place } of inOrder) {
      // A warned wait stays under the definition which caused its warning, even when another one is set since.
      const counting = warned === null ? byPath.get(path) : undefined
      const wait = new TimedWait(thread, counting ?? { path, definition }, begin)
      wait.warned = warned
      wait.isPassing = isPassing
      this.#waits.set(thread, wait)
      if (place !== null) this.#arm(wait)
    }
  }

  get nextRevision(): number {
    return this.#revision
  }

  #reconsider(threads: Iterable<Thread>): void {
    const now = this.#ports.now()
    const past: TimedWait[] = []
    for (const thread of threads) {
      const wait = this.#decide(thread)
      if (wait === null) continue
      if (dueAt(wait) <= now) past.push(wait)
      else this.#arm(wait)
    }
    past.sort((one, other) => one.begin - other.begin || byPidAndTid(one.thread, other.thread))
    for (const wait of past) this.#warn(wait, { initial: true })
  }

  /** Finds a wait which must be timed from now on; null when nothing changes or nothing is timed. */
  #decide(thread: Thread): TimedWait | null {
    const { state } = thread.condition
    const known = this.#waits.get(thread)
    if (passing.has(state)) {
      if (known !== undefined) known.isPassing = true
      return null
    }
    if (known !== undefined && known.warned !== null) {
      // A warned wait ends only with its blocking, even when timeouts change meanwhile.
      if (beginOf(thread, known.timeout, known) === known.begin) return null
      this.#end(known, state)
    }
    const timeout = this.holding(thread)
    const begin = timeout === null ? null : beginOf(thread, timeout, known)
    if (known?.warned === null) {
      if (known.timeout === timeout && known.begin === begin) return null
      this.#drop(known)
    }
    if (timeout === null || begin === null) return null
    const wait = new TimedWait(thread, timeout, begin)
    this.#waits.set(thread, wait)
    return wait
  }

  #arm(wait: TimedWait): void {
    // A time which has passed already is due at once, and not before now.
    this.#wheel.arm(wait, Math.max(dueAt(wait), Math.ceil(this.#ports.now())))
  }

  #drop(wait: TimedWait): void {
    this.#wheel.cancel(wait)
    this.#waits.delete(wait.thread)
  }

  #end(wait: TimedWait, state: ThreadState | null): void {
    this.#drop(wait)
    if (wait.warned !== null) emitEased(this.#ports, wait, { warned: wait.warned, present: state })
  }

  #warn(wait: TimedWait, { initial }: { initial: boolean }): void {
    wait.warned = wait.thread.condition.state
    emitWarning(this.#ports, wait, initial)
  }
}
