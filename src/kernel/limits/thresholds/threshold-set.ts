/** Indexes the thresholds by pathname and by node. */

import { containers, type Node } from '../../nodes/node.ts'
import { isAbsent, type Partition } from '../../nodes/partition.ts'
import { limits } from '../table.ts'
import type { Threshold } from './threshold.ts'

export class ThresholdSet {
  readonly #all = new Map<string, Threshold>()
  /** By the node they are set at. */
  readonly #placed = new Map<Node, Set<Threshold>>()
  /** The thresholds with `per`, which may watch newborn nodes below. */
  readonly #spread = new Map<Node, Set<Threshold>>()
  /** Thresholds at partitions that are not there, by pathname of the partition. */
  readonly #waiting = new Map<string, Set<Threshold>>()
  /** Number of thresholds on each limit. */
  readonly #counts: number[] = limits.map(() => 0)
  #filters = 0

  get size(): number {
    return this.#all.size
  }

  /** Number of thresholds with a `where`. */
  get filters(): number {
    return this.#filters
  }

  all(): Iterable<Threshold> {
    return this.#all.values()
  }

  has({ path }: Threshold): boolean {
    return this.#all.has(path)
  }

  find(path: string): Threshold | null {
    return this.#all.get(path) ?? null
  }

  /** Number of thresholds on a limit. */
  countOn(index: number): number {
    return this.#counts[index] ?? 0
  }

  /** The thresholds set at this node. */
  at(node: Node): readonly Threshold[] {
    // A partition that is not there is another object for each request.
    if (isAbsent(node)) return [...this.all()].filter((threshold) => threshold.node.path === node.path)
    return [...(this.#placed.get(node) ?? [])]
  }

  /** The thresholds with `per` that are set above a node. */
  *above(node: Node): Generator<Threshold> {
    if (this.#spread.size === 0) return
    for (const container of containers(node)) yield* this.#spread.get(container) ?? []
  }

  /** The thresholds with `per` that are set at a node or above it. */
  *over(node: Node): Generator<Threshold> {
    yield* this.#spread.get(node) ?? []
    yield* this.above(node)
  }

  add(threshold: Threshold): void {
    this.#all.set(threshold.path, threshold)
    this.#count(threshold, 1)
    if (isAbsent(threshold.node)) addTo(this.#waiting, threshold.node.path, threshold)
    else this.#place(threshold)
  }

  remove(threshold: Threshold): void {
    this.#all.delete(threshold.path)
    this.#count(threshold, -1)
    this.#displace(threshold)
  }

  /** Its partition is about to be removed: it waits until one of the same pathname appears. */
  suspend(threshold: Threshold): void {
    this.#displace(threshold)
    addTo(this.#waiting, threshold.node.path, threshold)
  }

  /** Places the thresholds that wait for this partition, and returns them. */
  resume(partition: Partition): readonly Threshold[] {
    const waiting = [...(this.#waiting.get(partition.path) ?? [])]
    this.#waiting.delete(partition.path)
    for (const threshold of waiting) {
      threshold.node = partition
      this.#place(threshold)
    }
    return waiting
  }

  #place(threshold: Threshold): void {
    addTo(this.#placed, threshold.node, threshold)
    if (threshold.definition.per !== null) addTo(this.#spread, threshold.node, threshold)
  }

  #displace(threshold: Threshold): void {
    takeFrom(this.#placed, threshold.node, threshold)
    takeFrom(this.#spread, threshold.node, threshold)
    takeFrom(this.#waiting, threshold.node.path, threshold)
  }

  #count({ index, definition }: Threshold, sign: 1 | -1): void {
    this.#counts[index]! += sign
    if (definition.where !== null) this.#filters += sign
  }
}

function addTo<Key>(map: Map<Key, Set<Threshold>>, key: Key, threshold: Threshold): void {
  const there = map.get(key)
  if (there === undefined) map.set(key, new Set([threshold]))
  else there.add(threshold)
}

function takeFrom<Key>(map: Map<Key, Set<Threshold>>, key: Key, threshold: Threshold): void {
  const there = map.get(key)
  if (there?.delete(threshold) && there.size === 0) map.delete(key)
}
