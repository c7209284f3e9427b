/**
 * The Generic Notifier: stores the thresholds, watches their nodes, and emits an event when usage crosses a trip point.
 * One `threshold.tripped` is followed by exactly one `threshold.cleared` (unless `once`), so there is never a storm.
 */

import type { ActionAbilities } from '../../actions.ts'
import { assert, KernelError } from '../../errno.ts'
import type { Emit } from '../../events.ts'
import { type Dispose, Listeners } from '../../listeners.ts'
import { containers, type Node } from '../../nodes/node.ts'
import type { Process } from '../../nodes/process.ts'
import { isEmpty } from '../../nodes/within.ts'
import { TimerWheel } from '../../time/timer-wheel.ts'
import { type Guard, guardsOf } from '../guard.ts'
import { checkCount, checkWatches } from '../maxima.ts'
import { byContainer, thresholdPath } from '../places.ts'
import { nothingKnown, type Reading } from '../readings.ts'
import { type LimitRow, limits } from '../table.ts'
import type { Usage } from '../usage.ts'
import { checkAction } from './action.ts'
import { checkDefinition, checkMeasurable } from './check-definition.ts'
import { crossingData, crossingPlaces, pointsOf } from './crossing.ts'
import { type ClearReason, Evaluator, guardOfWatch, type WatchEvent } from './evaluator.ts'
import { Scope } from './scope.ts'
import { Switches } from './switches.ts'
import { NotifierTimer, sameDefinition, Threshold, type ThresholdDefinition, ThresholdWatch } from './threshold.ts'
import { ThresholdSet } from './threshold-set.ts'
import { isMeant } from './where.ts'

export interface NotifierParts {
  readonly usage: Usage
  readonly emit: Emit
  /** The reason why a limit can never be measured at a node of this level; null if it can. */
  readonly unmeasurable: (row: LimitRow, level: Node['level']) => string | null
  /** The sampling period of the limit, for example "25ms"; null if it is counted as it changes. */
  readonly period: (index: number, level: Node['level']) => string | null
  readonly selfPid: number | null
  readonly firstRevision: number
  /** The actions that the source offers. */
  readonly actions: ActionAbilities
  /** Called for a watch that has tripped and whose action is a signal. */
  readonly act: (watch: ThresholdWatch) => void
  /** ms of Unix time. */
  readonly now: () => number
}

/** A request of a client to set a threshold. */
export interface ThresholdRequest {
  readonly definition: ThresholdDefinition
  readonly owner: string | null
}

/** A threshold from before a restart. */
export interface RestoredThreshold extends ThresholdRequest {
  readonly revision: number
  /** When its `ttl` runs out, in ms of Unix time. */
  readonly endsAt: number | null
  /** Nodes at which it had tripped, or had emitted its only event (`once`). */
  readonly tripped: ReadonlySet<Node>
}

/** The change of a definition. `renewed` is the same definition with more time. */
export type DefinitionChange = 'set' | 'renewed' | 'gone'

export interface ThresholdDefined {
  /** Null: a limit or the whole notifier was switched on or off. */
  readonly threshold: Threshold | null
  readonly change: DefinitionChange
}

export class Notifier {
  /** A limit that is switched off is not watched at all. Its thresholds stay. */
  readonly switches = new Switches()
  readonly #parts: NotifierParts
  readonly #judge: Evaluator
  readonly #wheel: TimerWheel<NotifierTimer>
  /** Pairs of a threshold and a node that it watches. */
  #watches = 0
  readonly #set = new ThresholdSet()
  readonly reach = new Scope(this.#set, this.switches)
  /** Watches on nodes that came below a threshold in the change under way. */
  #adopted: ThresholdWatch[] = []
  #revision: number
  #armed = new Listeners()
  #defined = new Listeners<ThresholdDefined>()

  constructor(parts: NotifierParts) {
    this.#parts = parts
    this.#revision = parts.firstRevision
    this.#wheel = new TimerWheel<NotifierTimer>(Math.trunc(parts.now()))
    this.#judge = new Evaluator({
      usage: parts.usage,
      wheel: this.#wheel,
      now: parts.now,
      read: ({ node, threshold }) => this.read(node, threshold.index),
      emit: (watch, event) => this.#emit(watch, event),
    })
  }

  /** Calls the listener after thresholds came, went or changed. A source reads more often what is armed. */
  onArmed(listener: () => void): Dispose {
    return this.#armed.add(listener)
  }

  /**
   * Calls the listener for each definition that came, went or was renewed, and when something was switched on or off.
   */
  onDefined(listener: (defined: ThresholdDefined) => void): Dispose {
    return this.#defined.add(listener)
  }

  /** The kernel of this notifier takes the place of the kernel of the other. */
  shareListeners(former: Notifier): void {
    this.#armed = former.#armed
    this.#defined = former.#defined
  }

  get hasAdopted(): boolean {
    return this.#adopted.length > 0
  }

  /** The revision of the next definition. */
  get nextRevision(): number {
    return this.#revision
  }

  get size(): number {
    return this.#set.size
  }

  thresholds(): Iterable<Threshold> {
    return this.#set.all()
  }

  /** Whether there is a threshold on this limit anywhere, and it is switched on. */
  isArmed(index: number): boolean {
    return this.countOn(index) > 0 && this.switches.isOn(index)
  }

  /** Number of thresholds on this limit. */
  countOn(index: number): number {
    return this.#set.countOn(index)
  }

  /** The thresholds set on this limit at this node. */
  thresholdsAt(node: Node, index: number): Threshold[] {
    return this.#set.at(node).filter((threshold) => threshold.index === index)
  }

  find(node: Node, index: number, name: string): Threshold | null {
    return this.#set.find(thresholdPath(node, index, name))
  }

  /**
   * Sets a threshold. The same definition again is no event; a changed one clears the old as `replaced` first.
   * Nodes already past trip at once, marked `initial`.
   * @throws ESRCH for a thread that has ended, EINVAL for a contradiction, ENOTSUP for a limit that can never be
   * measured there, ENOSPC past the maximum.
   */
  put(node: Node, index: number, name: string, request: ThresholdRequest): { threshold: Threshold; created: boolean } {
    const known = this.#check(node, index, name, request)
    if (known !== null && sameDefinition(known.definition, request.definition)) {
      this.#renew(known)
      return { threshold: known, created: false }
    }
    const threshold = this.#make(node, index, name, request, this.#revision)
    checkWatches(this.#watches - (known?.watches.size ?? 0), this.reach.nodesOf(threshold))
    this.#revision++
    if (known !== null) this.#retire(known, 'replaced')
    this.install(threshold)
    this.#countDown(threshold)
    this.#defined.notify({ threshold, change: 'set' })
    this.#begin([threshold])
    this.#armed.notify()
    return { threshold, created: known === null }
  }

  /**
   * Sets a threshold again as it was before a restart. If it had tripped and usage is still past the point, no event is
   * emitted; if usage is back, it clears. If usage is past the point only now, it trips, marked `initial`.
   * @throws Like `put`.
   */
  restore(
    node: Node,
    index: number,
    name: string,
    { revision, endsAt, tripped, ...request }: RestoredThreshold,
  ): Threshold {
    const known = this.#check(node, index, name, request)
    assert(known === null, 'a restored threshold was not set meanwhile')
    const threshold = this.#make(node, index, name, request, revision)
    const nodes = [...this.reach.nodesOf(threshold)]
    checkWatches(this.#watches, nodes)
    this.install(threshold)
    const { on, once } = threshold.definition
    for (const each of nodes) {
      const had = tripped.has(each) && (on === 'cross' || once)
      const watch = this.watch(threshold, each, !had)
      if (had) watch.state = 'tripped'
    }
    for (const watch of [...threshold.watches.values()].sort(byContainer)) this.#evaluate(watch)
    if (endsAt !== null) this.arm(threshold, Math.ceil(endsAt))
    this.#armed.notify()
    return threshold
  }

  /** The result that `put` would have now. Sets nothing and emits nothing. @throws Like `put`. */
  preview(node: Node, index: number, name: string, request: ThresholdRequest): Threshold {
    this.#check(node, index, name, request)
    const threshold = this.#make(node, index, name, request, this.#revision)
    for (const each of this.reach.nodesOf(threshold)) {
      const watch = new ThresholdWatch(threshold, each, true)
      threshold.watches.set(each, watch)
      this.#judge.preview(watch)
    }
    return threshold
  }

  /** @returns The present threshold of that name, or null. */
  #check(node: Node, index: number, name: string, { definition }: ThresholdRequest): Threshold | null {
    const { usage, unmeasurable, actions } = this.#parts
    const row: LimitRow = limits[index]!
    if (node.isRemoved) throw new KernelError('ESRCH', `${node.path} has ended, and waits only to be joined`)
    checkDefinition(definition, row, node)
    checkAction(definition, { row, node, abilities: actions })
    checkMeasurable(definition, row, {
      node,
      why: unmeasurable(row, definition.per ?? node.level),
      capacity: usage.capacity(node, index),
    })
    const known = this.find(node, index, name)
    if (known === null) checkCount(this.#set.size)
    return known
  }

  #make(node: Node, index: number, name: string, { definition, owner }: ThresholdRequest, revision: number): Threshold {
    return new Threshold({ path: thresholdPath(node, index, name), name, node, index, definition, owner, revision })
  }

  /** Watches the nodes of these thresholds and evaluates them, smallest containers first. */
  #begin(thresholds: Iterable<Threshold>): void {
    const watches: ThresholdWatch[] = []
    for (const threshold of thresholds)
      for (const each of this.reach.nodesOf(threshold)) watches.push(this.watch(threshold, each, true))
    for (const watch of watches.sort(byContainer)) this.#evaluate(watch)
  }

  #countDown(threshold: Threshold): void {
    if (threshold.ttlMs !== null) this.arm(threshold, Math.ceil(this.#parts.now() + threshold.ttlMs))
  }

  /** The same definition was put again: its `ttl` starts again, and a threshold with `once` may emit again. */
  #renew(threshold: Threshold): void {
    this.#countDown(threshold)
    const { once } = threshold.definition
    if (once || threshold.timer !== null) this.#defined.notify({ threshold, change: once ? 'set' : 'renewed' })
    if (!once) return
    for (const watch of threshold.watches.values()) {
      if (watch.state !== 'tripped') continue
      watch.state = 'unknown'
      watch.fresh = true
      watch.reported = null
      this.#evaluate(watch)
    }
  }

  /** Adds a threshold, which watches nothing yet. */
  install(threshold: Threshold): void {
    this.#set.add(threshold)
  }

  delete(threshold: Threshold): void {
    assert(this.#set.has(threshold), 'a threshold that is deleted exists')
    this.#retire(threshold, 'deleted')
    this.#armed.notify()
  }

  /**
   * Switches a limit, or with null the whole notifier. What goes off is cleared; what comes on is looked at as if just
   * set.
   */
  switch(index: number | null, on: boolean): void {
    const before = limits.map((_, each) => this.switches.isOn(each))
    this.switches.set(index, on)
    this.#defined.notify({ threshold: null, change: 'set' })
    const changed = [...this.#set.all()].filter((each) => before[each.index] !== this.switches.isOn(each.index))
    const watches = changed.flatMap((threshold) => [...threshold.watches.values()])
    for (const watch of watches.sort(byContainer)) this.#unwatch(watch, 'disabled')
    this.#begin(changed)
    this.#armed.notify()
  }

  /** The next expiry, in whole ms; null if nothing waits. */
  nextAt(): number | null {
    return this.#wheel.nextAt()
  }

  /**
   * Fires the timers up to and at that time. Preconditions: all changes until then are settled.
   * @returns The number of timers that fired.
   */
  expire(at: number): number {
    let count = 0
    this.#wheel.advance(Math.max(this.#wheel.now, Math.floor(at)), ({ of }) => {
      count++
      if (of instanceof ThresholdWatch) this.#expire(of)
      else {
        this.#retire(of, 'expired')
        this.#armed.notify()
      }
    })
    return count
  }

  #expire(watch: ThresholdWatch): void {
    this.#judge.expire(watch)
    this.#mind(watch)
  }

  /** The armed timers, in the order in which they will fire. */
  waiting(): readonly NotifierTimer[] {
    return this.#wheel.armed()
  }

  /** Arms the end of a threshold, or of the waiting of a watch. */
  arm(of: Threshold | ThresholdWatch, at: number): void {
    of.timer ??= new NotifierTimer(of)
    this.#wheel.arm(of.timer, at)
  }

  /** Evaluates the watches that are due, and new ones: smallest container first, then by path. */
  evaluate(due: readonly Guard[]): void {
    const adopted = this.#adopted.filter((watch) => watch.threshold.watches.get(watch.node) === watch)
    this.#adopted = []
    const dueAt = (guard: Guard) => guard.due(this.#parts.usage.capacity(guard.node, guard.index))
    const watches = new Set([...due.flatMap(dueAt), ...adopted])
    for (const watch of [...watches].sort(byContainer)) this.#judge.judge(watch)
    const guards = new Set([...due, ...adopted.map(guardOfWatch)])
    for (const guard of guards) guard.rest(this.#parts.usage.capacity(guard.node, guard.index))
  }

  /**
   * Holds a newborn node, or one that has moved in, against the thresholds with `per` above it. What it uses already
   * is looked at when the change that brought it is complete; if it moved, being past then is `initial`.
   */
  adopt(node: Node, { moved = false } = {}): void {
    if (node.isRemoved) return
    for (const threshold of this.#set.above(node))
      if (!threshold.watches.has(node) && this.reach.isFor(threshold, node))
        this.#adopted.push(this.watch(threshold, node, moved))
  }

  /** Ends all watches of a node that is about to end, and the thresholds set on it. */
  removeNode(node: Node): void {
    for (const watch of watchesOf(node)) this.#unwatch(watch, 'died')
    const placed = this.#set.at(node)
    for (const threshold of placed) this.#retire(threshold, 'died')
    if (placed.length > 0) this.#armed.notify()
  }

  /**
   * Ends the watches on a node whose threshold is not above it any more, or no longer for it: it has moved or changed.
   */
  filter(node: Node): void {
    const above = new Set<Node>([node, ...containers(node)])
    for (const watch of watchesOf(node)) {
      const { where } = watch.threshold.definition
      const isIn = above.has(watch.threshold.node) && (where === null || isMeant(where, node))
      if (!isIn) this.#unwatch(watch, 'filtered')
    }
  }

  /** A process has another name or user, so `where` may include or exclude it now. */
  reconsider(process: Process): void {
    if (this.#set.filters === 0) return
    for (const node of [...process.threads.values(), process]) {
      this.filter(node)
      this.adopt(node, { moved: true })
    }
  }

  /** The reading of a limit. Nothing is known of a node that has ended, for example by the signal of a threshold. */
  read(node: Node, index: number): Reading {
    if (node.slot < 0) return nothingKnown
    const { home } = limits[index]!
    return this.#parts.usage.reading(node, index, node.level !== home && isEmpty(node, home))
  }

  /** Adds a watch, which has to be evaluated. */
  watch(threshold: Threshold, node: Node, fresh: boolean): ThresholdWatch {
    const watch = new ThresholdWatch(threshold, node, fresh)
    threshold.watches.set(node, watch)
    this.#watches++
    this.#parts.usage.guard(node, threshold.index).watches.add(watch)
    return watch
  }

  #unwatch(watch: ThresholdWatch, reason: ClearReason): void {
    const { threshold, node } = watch
    const { on, once } = threshold.definition
    if (watch.state === 'tripped' && on === 'cross' && !once) this.#emit(watch, { type: 'threshold.cleared', reason })
    watch.state = 'unknown'
    this.#judge.rest(watch)
    threshold.watches.delete(node)
    this.#watches--
    const guard = guardOfWatch(watch)
    guard.watches.delete(watch)
    // Without a guard, a change of the counter costs no more than without thresholds.
    if (guard.watches.size === 0) this.#parts.usage.unguard(guard)
  }

  #retire(threshold: Threshold, reason: ClearReason): void {
    for (const watch of [...threshold.watches.values()].sort(byContainer)) this.#unwatch(watch, reason)
    if (threshold.timer !== null) this.#wheel.cancel(threshold.timer)
    this.#set.remove(threshold)
    this.#defined.notify({ threshold, change: 'gone' })
  }

  #evaluate(watch: ThresholdWatch): void {
    this.#judge.judge(watch)
    this.#mind(watch)
  }

  #mind(watch: ThresholdWatch): void {
    const { node, threshold } = watch
    guardOfWatch(watch).mind(watch, this.#parts.usage.capacity(node, threshold.index))
  }

  #emit(watch: ThresholdWatch, event: WatchEvent): void {
    const { threshold, node } = watch
    const { usage, period, selfPid, emit, act } = this.#parts
    if (event.type === 'threshold.tripped' && threshold.definition.action === 'signal') act(watch)
    const places = crossingPlaces(watch)
    const surroundings = { usage, period: period(threshold.index, node.level), selfPid }
    const now = this.read(node, threshold.index)
    if (event.type === 'limit.changed') {
      const { type, ...change } = event
      emit(type, { ...places, data: { ...crossingData(watch, now, { ...surroundings, points: {} }), ...change } })
      return
    }
    const { type, ...crossing } = event
    const points = pointsOf(threshold, usage.capacity(node, threshold.index))
    emit(type, { ...places, data: { ...crossingData(watch, now, { ...surroundings, points }), ...crossing } })
  }
}

function watchesOf(node: Node): ThresholdWatch[] {
  return guardsOf(node).flatMap(({ watches }) => [...watches])
}
