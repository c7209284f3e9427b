/**
 * Annotates limits at nodes: the maximum that decides a capacity, the part of a value that can be reclaimed, and the
 * granularity of an estimate.
 */

import type { Node } from '../nodes/node.ts'

/** One fact of some limits at some nodes. Most limits have none. */
class Annotation<Value> {
  readonly #values = new Map<Node, Map<number, Value>>()

  get isInUse(): boolean {
    return this.#values.size > 0
  }

  get(node: Node, index: number): Value | null {
    return this.#values.get(node)?.get(index) ?? null
  }

  /** Clients see the fact, so a change of it counts in the revision of the node. */
  set(node: Node, index: number, value: Value | null): void {
    if (this.get(node, index) === value) return
    node.revision++
    const values = this.#values.get(node) ?? new Map<number, Value>()
    if (value === null) values.delete(index)
    else values.set(index, value)
    if (values.size === 0) this.#values.delete(node)
    else this.#values.set(node, values)
  }

  forget(node: Node): void {
    this.#values.delete(node)
  }
}

export class Annotations {
  /** The name of the maximum that decides the capacity, where several could. */
  readonly capacitySource = new Annotation<string>()
  /** The part of the value that the kernel can take back when it needs memory. */
  readonly reclaimable = new Annotation<number>()

  /** An estimate is exact only to this many units. */
  readonly granularity = new Annotation<number>()

  forget(node: Node): void {
    this.capacitySource.forget(node)
    this.reclaimable.forget(node)
    this.granularity.forget(node)
  }
}
