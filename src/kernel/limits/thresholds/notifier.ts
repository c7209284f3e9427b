/**
 * Stores thresholds (the Generic Notifier), watches their nodes, and emits an event when usage crosses a trip point.
 * One `threshold.tripped` is followed by exactly one `threshold.cleared` (unless `once`), so there is never a storm.
 */

import { assert } from '../../errno.ts'
import type { ClearReason } from '../../events/reasons.ts'
import { type Dispose, Listeners } from '../../listeners.ts'
import type { Node } from '../../nodes/node.ts'
import type { Partition } from '../../nodes/partition.ts'
import type { Process } from '../../nodes/process.ts'
import { TimerWheel } from '../../time/timer-wheel.ts'
import { checkCount, checkWatches } from '../maxima.ts'
import { byContainer, thresholdPath } from '../places.ts'
import type { Reading } from '../readings.ts'
import { limits } from '../table.ts'
import { Scope } from './scope.ts'
import { Switches } from './switches.ts'
import { NotifierTimer, sameDefinition, Threshold, ThresholdWatch } from './threshold.ts'
import {
  checkHasCapacity,
  checkRequest,
  type RequestPorts,
  type RestoredThreshold,
  type ThresholdDefined,
  type ThresholdRequest,
} from './threshold-request.ts'
import { ThresholdSet } from './threshold-set.ts'
import { Watches, type WatchPorts } from './watches.ts'

export interface NotifierPorts extends RequestPorts, WatchPorts {
  readonly firstRevision: number
}

export class Notifier {
  /** A limit that is switched off is not watched at all. Its thresholds stay. */
  readonly switches = new Switches()
  readonly watches: Watches
  readonly #ports: NotifierPorts
  readonly #wheel: TimerWheel<NotifierTimer>
  readonly #set = new ThresholdSet()
  readonly reach = new Scope(this.#set, this.switches)
  #revision: number
  #armed = new Listeners()
  #defined = new Listeners<ThresholdDefined>()

  constructor(ports: NotifierPorts) {
    this.#ports = ports
    this.#revision = ports.firstRevision
    this.#wheel = new TimerWheel<NotifierTimer>(Math.trunc(ports.now()))
    this.watches = new Watches(ports, this.#wheel)
  }

  /** Calls the listener after thresholds came, went or changed. A source reads more often what is armed. */
  onArmed(listener: () => void): Dispose {
    return this.#armed.add(listener)
  }

  /** Calls the listener for each definition that was set, renewed or removed, and for each switch. */
  onDefined(listener: (defined: ThresholdDefined) => void): Dispose {
    return this.#defined.add(listener)
  }

  /** Takes over the listeners of a notifier, because this kernel takes the place of the other. */
  shareListeners(former: Notifier): void {
    this.#armed = former.#armed
    this.#defined = former.#defined
  }

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
    checkHasCapacity(this.#ports, node, index, request)
    if (known !== null && sameDefinition(known.definition, request.definition)) {
      this.#renew(known)
      return { threshold: known, created: false }
    }
    const threshold = this.#make(node, index, name, request, this.#revision)
    checkWatches(this.watches.count - (known?.watches.size ?? 0), this.reach.nodesOf(threshold))
    this.#revision++
    if (known !== null) this.#retire(known, 'replaced')
    this.install(threshold)
    this.#countDown(threshold)
    this.#defined.notify({ threshold, change: 'set' })
    this.watches.begin([threshold], this.reach)
    this.#armed.notify()
    return { threshold, created: known === null }
  }

  /**
   * Sets a threshold again as it was before a restart. If it had tripped and usage is still past the point, no event is
   * emitted; if usage is back, it clears. If usage is past the point only now, it trips, marked `initial`.
   * @throws Like `put`, but a percentage may have lost its capacity.
   */
  restore(node: Node, index: number, name: string, restored: RestoredThreshold): Threshold {
    const { revision, endsAt, tripped } = restored
    const known = this.#check(node, index, name, restored)
    assert(known === null, 'a restored threshold was not set meanwhile')
    const threshold = this.#make(node, index, name, restored, revision)
    const nodes = [...this.reach.nodesOf(threshold)]
    checkWatches(this.watches.count, nodes)
    this.install(threshold)
    this.watches.resume(threshold, nodes, tripped)
    if (endsAt !== null) this.arm(threshold, Math.ceil(endsAt))
    this.#armed.notify()
    return threshold
  }

  /** The result that `put` would have now. Sets nothing and emits nothing. @throws Like `put`. */
  preview(node: Node, index: number, name: string, request: ThresholdRequest): Threshold {
    this.#check(node, index, name, request)
    checkHasCapacity(this.#ports, node, index, request)
    const threshold = this.#make(node, index, name, request, this.#revision)
    for (const each of this.reach.nodesOf(threshold)) {
      const watch = new ThresholdWatch(threshold, each, true)
      threshold.watches.set(each, watch)
      this.watches.preview(watch)
    }
    return threshold
  }

  /** @returns The present threshold of that name, or null. */
  #check(node: Node, index: number, name: string, request: ThresholdRequest): Threshold | null {
    checkRequest(this.#ports, node, index, request)
    const known = this.find(node, index, name)
    if (known === null) checkCount(this.#set.size)
    return known
  }

  #make(node: Node, index: number, name: string, { definition, owner }: ThresholdRequest, revision: number): Threshold {
    return new Threshold({ path: thresholdPath(node, index, name), name, node, index, definition, owner, revision })
  }

  #countDown(threshold: Threshold): void {
    if (threshold.ttlMs !== null) this.arm(threshold, Math.ceil(this.#ports.now() + threshold.ttlMs))
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
      this.watches.evaluate(watch)
    }
  }

  /** Another owner takes over a threshold: no event, and `once` stays as it is. */
  reown(threshold: Threshold, owner: string): void {
    threshold.owner = owner
    this.#defined.notify({ threshold, change: 'renewed' })
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
   * Switches a limit, or with null the whole notifier. Switching off clears tripped thresholds. Switching on evaluates
   * thresholds as if they had just been set.
   */
  switch(index: number | null, on: boolean): void {
    const before = limits.map((_, each) => this.switches.isOn(each))
    this.switches.set(index, on)
    this.#defined.notify({ threshold: null, change: 'set' })
    const changed = [...this.#set.all()].filter((each) => before[each.index] !== this.switches.isOn(each.index))
    const watches = changed.flatMap((threshold) => [...threshold.watches.values()])
    for (const watch of watches.sort(byContainer)) this.watches.remove(watch, 'disabled')
    this.watches.begin(changed, this.reach)
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
      if (of instanceof ThresholdWatch) this.watches.expire(of)
      else {
        this.#retire(of, 'expired')
        this.#armed.notify()
      }
    })
    return count
  }

  waiting(): readonly NotifierTimer[] {
    return this.#wheel.armed()
  }

  arm(of: Threshold | ThresholdWatch, at: number): void {
    of.timer ??= new NotifierTimer(of)
    this.#wheel.arm(of.timer, at)
  }

  /**
   * Applies the thresholds with `per` above a node to it, because it is new or has moved there. Its usage is evaluated
   * when the change under way is complete. If it has moved and is past a trip point then, the event is `initial`.
   */
  adopt(node: Node, { moved = false } = {}): void {
    if (node.isRemoved) return
    for (const threshold of this.#set.above(node))
      if (!threshold.watches.has(node) && this.reach.isFor(threshold, node)) this.watches.adopt(threshold, node, moved)
  }

  /** Ends the watches of a node that is about to end, and thresholds on it. Those on a partition wait for the next. */
  removeNode(node: Node): void {
    const placed = this.#set.at(node)
    if (node.level === 'partition') {
      for (const threshold of placed) this.watches.clear(threshold, 'gone')
      for (const threshold of placed) this.#set.suspend(threshold)
    }
    this.watches.removeNode(node)
    if (node.level !== 'partition') for (const threshold of placed) this.#retire(threshold, 'died')
    if (placed.length > 0) this.#armed.notify()
  }

  /** Applies the thresholds that wait for this partition, as if they had just been set. */
  partitionAppeared(partition: Partition): void {
    const resumed = this.#set.resume(partition)
    for (const threshold of resumed)
      for (const each of this.reach.nodesOf(threshold)) this.watches.adopt(threshold, each, true)
    if (resumed.length > 0) this.#armed.notify()
  }

  /** A process has another name or user, so `where` may include or exclude it now. */
  reconsider(process: Process): void {
    if (this.#set.filters === 0) return
    for (const node of [...process.threads.values(), process]) {
      this.watches.filter(node)
      this.adopt(node, { moved: true })
    }
  }

  /** The reading of a limit. Nothing is known of a node that has ended, for example by the signal of a threshold. */
  read(node: Node, index: number): Reading {
    return this.watches.read(node, index)
  }

  #retire(threshold: Threshold, reason: ClearReason): void {
    this.watches.clear(threshold, reason)
    if (threshold.timer !== null) this.#wheel.cancel(threshold.timer)
    this.#set.remove(threshold)
    this.#defined.notify({ threshold, change: 'gone' })
  }
}
