/** Adds, evaluates and removes the watches of all thresholds, and emits their events. */

import type { ClearReason } from '../../events/reasons.ts'
import type { Emit } from '../../events.ts'
import { containers, type Node } from '../../nodes/node.ts'
import { isEmpty } from '../../nodes/within.ts'
import type { TimerWheel } from '../../time/timer-wheel.ts'
import { type Guard, guardsOf } from '../guard.ts'
import type { Level } from '../limit-row.ts'
import { byContainer } from '../places.ts'
import { nothingKnown, type Reading } from '../readings.ts'
import { limits } from '../table.ts'
import type { Usage } from '../usage.ts'
import { crossingData, crossingPlaces, pointsOf } from './crossing.ts'
import { Evaluator, guardOfWatch, type WatchEvent } from './evaluator.ts'
import type { Scope } from './scope.ts'
import { type NotifierTimer, type Threshold, ThresholdWatch } from './threshold.ts'
import { isMeant } from './where.ts'

export interface WatchPorts {
  readonly usage: Usage
  readonly emit: Emit
  /** The sampling period of the limit, for example "25ms"; null if it is counted as it changes. */
  readonly period: (index: number, level: Level) => string | null
  readonly selfPid: number | null
  /** Called for a watch that has tripped and whose action is a signal. */
  readonly act: (watch: ThresholdWatch) => void
  /** ms of Unix time. */
  readonly now: () => number
}

export class Watches {
  readonly #ports: WatchPorts
  readonly #evaluator: Evaluator
  #count = 0
  /** Watches on nodes that came below a threshold in the change under way. */
  #adopted: ThresholdWatch[] = []

  constructor(ports: WatchPorts, wheel: TimerWheel<NotifierTimer>) {
    this.#ports = ports
    this.#evaluator = new Evaluator({
      usage: ports.usage,
      wheel,
      now: ports.now,
      read: ({ node, threshold }) => this.read(node, threshold.index),
      emit: (watch, event) => this.#emit(watch, event),
    })
  }

  /** Pairs of a threshold and a node that it watches. */
  get count(): number {
    return this.#count
  }

  get hasAdopted(): boolean {
    return this.#adopted.length > 0
  }

  /** The reading of a limit. Nothing is known of a node that has ended, for example by the signal of a threshold. */
  read(node: Node, index: number): Reading {
    if (node.slot < 0) return nothingKnown
    const { home } = limits[index]!
    return this.#ports.usage.reading(node, index, node.level !== home && isEmpty(node, home))
  }

  /** Adds a watch, which has to be evaluated. */
  add(threshold: Threshold, node: Node, fresh: boolean): ThresholdWatch {
    const watch = new ThresholdWatch(threshold, node, fresh)
    threshold.watches.set(node, watch)
    this.#count++
    this.#ports.usage.guard(node, threshold.index).watches.add(watch)
    return watch
  }

  /** Removes a watch. If it had tripped, it is cleared for this reason. */
  remove(watch: ThresholdWatch, reason: ClearReason): void {
    const { threshold, node } = watch
    const { on, once } = threshold.definition
    if (watch.state === 'tripped' && on === 'cross' && !once) this.#emit(watch, { type: 'threshold.cleared', reason })
    watch.state = 'unknown'
    this.#evaluator.rest(watch)
    threshold.watches.delete(node)
    this.#count--
    const guard = guardOfWatch(watch)
    guard.watches.delete(watch)
    // Without a guard, a change of the counter costs no more than without thresholds.
    if (guard.watches.size === 0) this.#ports.usage.unguard(guard)
  }

  /** Watches the nodes of these thresholds and evaluates them, smallest containers first. */
  begin(thresholds: Iterable<Threshold>, reach: Scope): void {
    const watches: ThresholdWatch[] = []
    for (const threshold of thresholds)
      for (const each of reach.nodesOf(threshold)) watches.push(this.add(threshold, each, true))
    for (const watch of watches.sort(byContainer)) this.evaluate(watch)
  }

  /** Watches these nodes again as before a restart, when some had tripped. */
  resume(threshold: Threshold, nodes: readonly Node[], tripped: ReadonlySet<Node>): void {
    const { on, once } = threshold.definition
    for (const each of nodes) {
      const had = tripped.has(each) && (on === 'cross' || once)
      const watch = this.add(threshold, each, !had)
      if (had) watch.state = 'tripped'
    }
    for (const watch of [...threshold.watches.values()].sort(byContainer)) this.evaluate(watch)
  }

  /** Removes all watches of a threshold. */
  clear({ watches }: Threshold, reason: ClearReason): void {
    for (const watch of [...watches.values()].sort(byContainer)) this.remove(watch, reason)
  }

  /** Removes all watches of a node that is about to end. */
  removeNode(node: Node): void {
    for (const watch of watchesOf(node)) this.remove(watch, 'died')
  }

  /** Removes the watches of a node that has moved or changed, where the threshold does not apply to it any more. */
  filter(node: Node): void {
    const above = new Set<Node>([node, ...containers(node)])
    for (const watch of watchesOf(node)) {
      const { where } = watch.threshold.definition
      const isIn = above.has(watch.threshold.node) && (where === null || isMeant(where, node))
      if (!isIn) this.remove(watch, 'filtered')
    }
  }

  /** Adds a watch that is evaluated when the change under way is complete. */
  adopt(threshold: Threshold, node: Node, fresh: boolean): void {
    this.#adopted.push(this.add(threshold, node, fresh))
  }

  /** Sets the state that a watch would have now. Emits nothing. */
  preview(watch: ThresholdWatch): void {
    this.#evaluator.preview(watch)
  }

  /** Evaluates the watches that are due, and new ones: smallest container first, then by path. */
  evaluateDue(due: readonly Guard[]): void {
    const adopted = this.#adopted.filter((watch) => watch.threshold.watches.get(watch.node) === watch)
    this.#adopted = []
    const dueAt = (guard: Guard) => guard.due(this.#ports.usage.capacity(guard.node, guard.index))
    const watches = new Set([...due.flatMap(dueAt), ...adopted])
    for (const watch of [...watches].sort(byContainer)) this.#evaluator.judge(watch)
    const guards = new Set([...due, ...adopted.map(guardOfWatch)])
    for (const guard of guards) guard.rest(this.#ports.usage.capacity(guard.node, guard.index))
  }

  evaluate(watch: ThresholdWatch): void {
    this.#evaluator.judge(watch)
    this.#mind(watch)
  }

  /** The waiting time of a watch is over. Preconditions: all changes until now have been evaluated. */
  expire(watch: ThresholdWatch): void {
    this.#evaluator.expire(watch)
    this.#mind(watch)
  }

  #mind(watch: ThresholdWatch): void {
    const { node, threshold } = watch
    guardOfWatch(watch).mind(watch, this.#ports.usage.capacity(node, threshold.index))
  }

  #emit(watch: ThresholdWatch, event: WatchEvent): void {
    const { threshold, node } = watch
    const { usage, period, selfPid, emit, act } = this.#ports
    if (event.type === 'threshold.tripped' && threshold.definition.action === 'signal') act(watch)
    const places = crossingPlaces(watch)
    const surroundings = { usage, period: period(threshold.index, node.level), selfPid }
    const now = this.read(node, threshold.index)
    if (event.type === 'limit.changed') {
      const { type, ...change } = event
      emit(type, { ...places, data: { ...crossingData(watch, now, { ...surroundings, points: {} }), ...change } })
      return
    }
    if (event.type === 'threshold.unknown' || event.type === 'threshold.known') {
      const data = crossingData(watch, now, { ...surroundings, points: {} })
      if (event.type === 'threshold.known') emit(event.type, { ...places, data })
      else emit(event.type, { ...places, data: { ...data, reason: event.reason } })
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
