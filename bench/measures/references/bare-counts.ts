/**
 * Counts over four levels without thresholds, peaks or readings. These additions are necessary in any design, so they
 * are the lower bound.
 */

export interface BareNode {
  readonly level: 'thread' | 'container'
  readonly slot: number
  readonly above: number
  revision: number
}

const limitCount = 20

export class BareCounts {
  readonly #values: readonly Float64Array[]
  readonly #up: Int32Array
  readonly #changes: Int32Array
  #used = 0

  constructor(nodes: number) {
    this.#values = Array.from({ length: limitCount }, () => new Float64Array(nodes))
    this.#up = new Int32Array(nodes)
    this.#changes = new Int32Array(nodes)
  }

  admit(container: BareNode | null): BareNode {
    const slot = this.#used++
    this.#up[slot] = container?.slot ?? -1
    return { level: 'thread', slot, above: container?.slot ?? -1, revision: 0 }
  }

  charge(node: BareNode, index: number, delta: number): void {
    const values = this.#values[index]!
    values[node.slot]! += delta
    node.revision++
    for (let at = node.above; at >= 0; at = this.#up[at]!) {
      values[at]! += delta
      this.#changes[at]!++
    }
  }
}
