/** Stores default timeouts by the node they are set at. Those at partitions that are not there wait for them. */

import { containers, type Node } from '../nodes/node.ts'
import { isAbsent, type Partition } from '../nodes/partition.ts'
import type { DefaultTimeout } from './default-timeout.ts'

export class TimeoutSet {
  readonly #placed = new Map<Node, DefaultTimeout>()
  /** By pathname of the partition. */
  readonly #waiting = new Map<string, DefaultTimeout>()

  /** Whether there is a timeout at any present node. */
  get isApplied(): boolean {
    return this.#placed.size > 0
  }

  all(): readonly DefaultTimeout[] {
    return [...this.#placed.values(), ...this.#waiting.values()]
  }

  /** The timeout that is set at the node itself. */
  find(node: Node): DefaultTimeout | null {
    return (isAbsent(node) ? this.#waiting.get(node.path) : this.#placed.get(node)) ?? null
  }

  /** The timeout that applies to a node: its own, or the nearest above it. */
  holding(node: Node): DefaultTimeout | null {
    const own = this.find(node)
    if (own !== null) return own
    for (const container of containers(node)) {
      const there = this.#placed.get(container)
      if (there !== undefined) return there
    }
    return null
  }

  /** Replaces the timeout at the same node. */
  add(timeout: DefaultTimeout): void {
    if (isAbsent(timeout.node)) this.#waiting.set(timeout.node.path, timeout)
    else this.#placed.set(timeout.node, timeout)
  }

  remove({ node }: DefaultTimeout): void {
    if (isAbsent(node)) this.#waiting.delete(node.path)
    else this.#placed.delete(node)
  }

  /** Its partition is about to be removed: it waits until one of the same pathname appears. */
  suspend(timeout: DefaultTimeout): void {
    this.#placed.delete(timeout.node)
    this.#waiting.set(timeout.node.path, timeout)
  }

  /** Places the timeout that waits for this partition. Returns false if there is none. */
  resume(partition: Partition): boolean {
    const timeout = this.#waiting.get(partition.path)
    if (timeout === undefined) return false
    this.#waiting.delete(partition.path)
    this.#placed.set(partition, { ...timeout, node: partition })
    return true
  }
}
