/**
 * The Generic Notifier: keeps the thresholds, watches the nodes they name, and tells when usage crosses a trip point.
 * One `threshold.tripped`, then exactly one `threshold.cleared` (unless `once`): never a storm.
 */

import type { ActionAbilities } from '../actions.ts'
import { assert, KernelError } from '../errno.ts'
import type { EventType } from '../events.ts'
import { containers, type Node } from '../objects/node.ts'
import { isEmpty, nodesWithin } from '../objects/within.ts'
import { checkAction } from './action.ts'
import { crossingData, crossingPlaces } from './crossing.ts'
import { type Guard, guardOf } from './guard.ts'
import type { Reading } from './readings.ts'
import { type LimitRow, levels, limits } from './table.ts'
import {
  checkDefinition,
  isPercentage,
  pointValue,
  sameDefinition,
  Threshold,
  type ThresholdDefinition,
  Watch,
} from './threshold.ts'
import type { Usage } from './usage.ts'

export type ClearReason = 'rearmed' | 'died' | 'deleted' | 'replaced' | 'filtered'

/** Most thresholds there may be in all; one more is refused with ENOSPC. */
export const thresholdsMax = 100_000

export interface NotifierParts {
  readonly usage: Usage
  readonly emit: (type: EventType, subject: string, about: readonly string[], data: Record<string, unknown>) => void
  /** Why a limit cannot be measured at all at a node of this level, or null. */
  readonly unmeasurable: (row: LimitRow, level: Node['level']) => string | null
  /** How often the limit is sampled, as in "25ms"; null where it is counted as it happens. */
  readonly period: (index: number, level: Node['level']) => string | null
  readonly selfPid: number | null
  readonly firstRevision: number
  /** What can be done to processes. */
  readonly actions: ActionAbilities
  /** It has tripped, and its action is a signal. */
  readonly act: (watch: Watch) => void
}

export class Notifier {
  readonly #parts: NotifierParts
  readonly #all = new Map<string, Threshold>()
  /** Thresholds by the node they are set at. */
  readonly #placed = new Map<Node, Set<Threshold>>()
  /** Those of them with `per`, by the node they are set at: what newborn nodes below are held against. */
  readonly #spread = new Map<Node, Set<Threshold>>()
  /** How many thresholds there are on each limit. */
  readonly #armed: number[] = limits.map(() => 0)
  /** Watches on nodes that came below a threshold in the change under way. */
  #adopted: Watch[] = []
  #revision: number
  /** Called after thresholds came, went or changed: a source reads more often what is armed. */
  onArmed: () => void = () => {}

  constructor(parts: NotifierParts) {
    this.#parts = parts
    this.#revision = parts.firstRevision
  }

  get hasAdopted(): boolean {
    return this.#adopted.length > 0
  }

  /** Of the next definition. */
  get nextRevision(): number {
    return this.#revision
  }

  get size(): number {
    return this.#all.size
  }

  thresholds(): Iterable<Threshold> {
    return this.#all.values()
  }

  /** Whether there is a threshold on this limit anywhere. */
  isArmed(index: number): boolean {
    return (this.#armed[index] ?? 0) > 0
  }

  /** Those set on this limit at this very node. */
  thresholdsAt(node: Node, index: number): Threshold[] {
    return [...(this.#placed.get(node) ?? [])].filter((threshold) => threshold.index === index)
  }

  find(node: Node, index: number, name: string): Threshold | null {
    return this.#all.get(thresholdPath(node, index, name)) ?? null
  }

  /**
   * Sets a threshold. The same definition again is no event; a changed one clears the old as `replaced` first.
   * Nodes already past trip at once, marked `initial`.
   * @throws ESRCH for a thread that has ended, EINVAL for a contradiction, ENOTSUP for a limit that can never be measured there, ENOSPC past the maximum.
   */
  put(
    node: Node,
    index: number,
    name: string,
    { definition, owner }: { definition: ThresholdDefinition; owner: string | null },
  ): { threshold: Threshold; created: boolean } {
    const row: LimitRow = limits[index]!
    if (node.isBuried) throw new KernelError('ESRCH', `${node.path} has ended, and waits only to be joined`)
    checkDefinition(definition, row, node)
    checkAction(definition, { row, node, abilities: this.#parts.actions })
    this.#checkMeasurable(row, index, node, definition)
    const path = thresholdPath(node, index, name)
    const known = this.#all.get(path)
    if (known !== undefined && sameDefinition(known.definition, definition)) {
      this.#rearmOnce(known)
      return { threshold: known, created: false }
    }
    if (known === undefined && this.#all.size >= thresholdsMax) {
      throw new KernelError('ENOSPC', `there are ${thresholdsMax} thresholds already, which is the most; delete some`)
    }
    if (known !== undefined) this.#retire(known, 'replaced')
    const threshold = new Threshold({ path, name, node, index, definition, owner, revision: this.#revision++ })
    this.install(threshold)
    const watched = definition.per === null ? [node] : nodesWithin(node, definition.per)
    for (const each of watched) if (!each.isBuried) this.watch(threshold, each, true)
    for (const watch of [...threshold.watches.values()].sort(byContainer)) this.#evaluate(watch)
    this.onArmed()
    return { threshold, created: known === undefined }
  }

  /** A threshold is in force; as yet it watches nothing. */
  install(threshold: Threshold): void {
    this.#all.set(threshold.path, threshold)
    this.#armed[threshold.index]!++
    addTo(this.#placed, threshold)
    if (threshold.definition.per !== null) addTo(this.#spread, threshold)
  }

  delete(threshold: Threshold): void {
    assert(this.#all.has(threshold.path), 'a threshold that is deleted exists')
    this.#retire(threshold, 'deleted')
    this.onArmed()
  }

  /** Evaluates the watches of what has changed, and new ones: smallest container first, then by path. */
  evaluate(due: readonly Guard[]): void {
    const adopted = this.#adopted.filter(({ threshold, node }) => threshold.watches.has(node))
    this.#adopted = []
    const watches = new Set([...due.flatMap((guard) => guard.watches), ...adopted])
    for (const watch of [...watches].sort(byContainer)) this.#judge(watch)
    const guards = new Set([...due, ...adopted.map(guardOfWatch)])
    for (const guard of guards) guard.rest(this.#parts.usage.capacity(guard.node, guard.index))
  }

  /**
   * Holds a newborn node, or one that has moved in, against the thresholds with `per` above it. What it uses already
   * is looked at when the change that brought it is complete; if it moved, being past then is `initial`.
   */
  adopt(node: Node, { moved = false } = {}): void {
    if (this.#spread.size === 0 || node.isBuried) return
    for (const container of containers(node)) {
      for (const threshold of this.#spread.get(container) ?? []) {
        if (threshold.definition.per !== node.level || threshold.watches.has(node)) continue
        this.#adopted.push(this.watch(threshold, node, moved))
      }
    }
  }

  /** The thresholds with `per` that would watch a node of this level, born below this one. */
  awaiting(container: Node, index: number, level: Node['level']): Threshold[] {
    if (this.#spread.size === 0) return []
    const above = [container, ...containers(container)].flatMap((node) => [...(this.#spread.get(node) ?? [])])
    return above.filter((threshold) => threshold.index === index && threshold.definition.per === level)
  }

  /** Ends all watching of a node: it is about to end. Thresholds set on it end with it. */
  bury(node: Node): void {
    for (const watch of watchesOf(node)) this.#unwatch(watch, 'died')
    const placed = this.#placed.get(node)
    if (placed === undefined) return
    for (const threshold of [...placed]) this.#retire(threshold, 'died')
    this.onArmed()
  }

  /** Ends the watches on a node whose threshold is no longer above it: it has moved. */
  filter(node: Node): void {
    const above = new Set<Node>([node, ...containers(node)])
    for (const watch of watchesOf(node)) if (!above.has(watch.threshold.node)) this.#unwatch(watch, 'filtered')
  }

  read(node: Node, index: number): Reading {
    const { home } = limits[index]!
    return this.#parts.usage.reading(node, index, node.level !== home && isEmpty(node, home))
  }

  #checkMeasurable(row: LimitRow, index: number, node: Node, { at, per }: ThresholdDefinition): void {
    const why = this.#parts.unmeasurable(row, per ?? node.level)
    if (why !== null) throw new KernelError('ENOTSUP', `${row.name} cannot be measured here: ${why}`)
    if (per === null && isPercentage(at) && this.#parts.usage.capacity(node, index) === Number.POSITIVE_INFINITY) {
      throw new KernelError(
        'ENOTSUP',
        `${node.path}/${row.name} has no finite capacity to take a percentage of; give a number`,
      )
    }
  }

  /** It is yet to be evaluated. */
  watch(threshold: Threshold, node: Node, fresh: boolean): Watch {
    const watch = new Watch(threshold, node, fresh)
    threshold.watches.set(node, watch)
    this.#parts.usage.guard(node, threshold.index).watches.push(watch)
    return watch
  }

  #unwatch(watch: Watch, reason: ClearReason): void {
    const { threshold, node } = watch
    if (watch.state === 'tripped' && !threshold.definition.once) this.#tell(watch, { reason })
    watch.state = 'unknown'
    threshold.watches.delete(node)
    const guard = guardOfWatch(watch)
    guard.watches.splice(guard.watches.indexOf(watch), 1)
    // Without a guard a counter's change costs nothing more than before anybody watched.
    if (guard.watches.length === 0) this.#parts.usage.unguard(guard)
  }

  #retire(threshold: Threshold, reason: ClearReason): void {
    for (const watch of [...threshold.watches.values()].sort(byContainer)) this.#unwatch(watch, reason)
    this.#all.delete(threshold.path)
    this.#armed[threshold.index]!--
    takeFrom(this.#placed, threshold)
    takeFrom(this.#spread, threshold)
  }

  #rearmOnce(threshold: Threshold): void {
    if (!threshold.definition.once) return
    for (const watch of threshold.watches.values()) {
      if (watch.state !== 'tripped') continue
      watch.state = 'unknown'
      watch.fresh = true
      this.#evaluate(watch)
    }
  }

  #evaluate(watch: Watch): void {
    this.#judge(watch)
    const { node, threshold } = watch
    guardOfWatch(watch).mind(watch, this.#parts.usage.capacity(node, threshold.index))
  }

  #judge(watch: Watch): void {
    const { threshold, node } = watch
    const { at, rearm, direction, once } = threshold.definition
    const capacity = this.#parts.usage.capacity(node, threshold.index)
    const now = this.read(node, threshold.index)
    const trip = pointValue(at, capacity, direction)
    if (now.value === null || Number.isNaN(trip)) {
      if (watch.state === 'armed') watch.state = 'unknown'
      return
    }
    const rising = direction === 'rising'
    const past = rising ? now.value >= trip : now.value <= trip
    if (watch.state !== 'tripped') {
      const proven = rising || now.unreadable === 0
      if (past && proven) {
        watch.state = 'tripped'
        this.#tell(watch, { initial: watch.fresh })
        if (threshold.definition.action === 'signal') this.#parts.act(watch)
      } else watch.state = 'armed'
      watch.fresh = false
      return
    }
    if (once || !provesReturn(now, rising)) return
    const back = rearm === null ? null : pointValue(rearm, capacity, direction)
    const cleared = back === null ? !past : rising ? now.value <= back : now.value >= back
    if (!cleared) return
    watch.state = 'armed'
    this.#tell(watch, { reason: 'rearmed' })
  }

  #tell(watch: Watch, what: { initial: boolean } | { reason: ClearReason }): void {
    const { subject, about } = crossingPlaces(watch)
    const { usage, period, selfPid } = this.#parts
    const data = crossingData(watch, this.read(watch.node, watch.threshold.index), {
      usage,
      period: period(watch.threshold.index, watch.node.level),
      selfPid,
    })
    this.#parts.emit('initial' in what ? 'threshold.tripped' : 'threshold.cleared', subject, about, {
      ...data,
      ...what,
    })
  }
}

/**
 * A lower bound (unreadable parts) proves a rise and never a fall; an estimate (a high-water mark) may trip but
 * only a true reading clears.
 */
const provesReturn = ({ unreadable, estimated }: Reading, rising: boolean): boolean =>
  estimated === 0 && (!rising || unreadable === 0)

function guardOfWatch({ node, threshold }: Watch): Guard {
  const guard = guardOf(node, threshold.index)
  assert(guard !== null, 'what is watched is guarded')
  return guard
}

const watchesOf = ({ guards }: Node): Watch[] => (guards ?? []).flatMap(({ watches }) => watches)

function addTo(map: Map<Node, Set<Threshold>>, threshold: Threshold): void {
  const there = map.get(threshold.node)
  if (there === undefined) map.set(threshold.node, new Set([threshold]))
  else there.add(threshold)
}

function takeFrom(map: Map<Node, Set<Threshold>>, threshold: Threshold): void {
  const there = map.get(threshold.node)
  if (there?.delete(threshold) && there.size === 0) map.delete(threshold.node)
}

export const thresholdPath = (node: Node, index: number, name: string): string =>
  `${node.path}/${limits[index]!.name}/threshold/${encodeURIComponent(name)}`

/** The limit of this name at a node; null where there is none at its level. */
export function limitAt(node: Node, name: string): number | null {
  const index = limits.findIndex((row) => row.name === name)
  const row: LimitRow | undefined = limits[index]
  return row?.at.includes(node.level) ? index : null
}

/** Nested partitions lie between process and system, the deepest first: the deeper, the longer its path. */
function byContainer(a: Watch, b: Watch): number {
  const level = levels.indexOf(a.node.level) - levels.indexOf(b.node.level)
  if (level !== 0) return level
  if (a.node.level === 'partition') {
    const depth = [...containers(b.node)].length - [...containers(a.node)].length
    if (depth !== 0) return depth
  }
  if (a.node.path !== b.node.path) return a.node.path < b.node.path ? -1 : 1
  return a.threshold.path < b.threshold.path ? -1 : 1
}
