/** Indexes the thresholds by pathname and by node. */

import { containers, type Node } from '../../nodes/node.ts'
import { limits } from '../table.ts'
import type { Threshold } from './threshold.ts'

export class ThresholdSet {
  readonly #all = new Map<string, Threshold>()
  /** By the node they are set at. */
  readonly #placed = new Map<Node, Set<Threshold>>()
  /** The thresholds with `per`, which may watch newborn nodes below. */
  readonly #spread = new Map<Node, Set<Threshold>>()
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
    addTo(this.#placed, threshold)
    if (threshold.definition.per !== null) addTo(this.#spread, threshold)
  }

  remove(threshold: Threshold): void {
    this.#all.delete(threshold.path)
    this.#count(threshold, -1)
    takeFrom(this.#placed, threshold)
    takeFrom(this.#spread, threshold)
  }

  #count({ index, definition }: Threshold, sign: 1 | -1): void {
    this.#counts[index]! += sign
    if (definition.where !== null) this.#filters += sign
  }
}

function addTo(map: Map<Node, Set<Threshold>>, threshold: Threshold): void {
  const there = map.get(threshold.node)
  if (there === undefined) map.set(threshold.node, new Set([threshold]))
  else there.add(threshold)
}

function takeFrom(map: Map<Node, Set<Threshold>>, threshold: Threshold): void {
  const there = map.get(threshold.node)
  if (there?.delete(threshold) && there.size === 0) map.delete(threshold.node)
}
