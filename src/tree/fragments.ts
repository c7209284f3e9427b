/**
 * Processes and threads as JSON text that is kept as long as nothing in it changes: most of a machine is at rest, and
 * encoding is most of a bulk read. A process's revision counts the changes of its threads too, so its text with them is
 * kept as one. Partitions and the system change with every reading: theirs are made anew from what lies in them.
 */

import type { Node } from '../kernel/objects/node.ts'
import type { TreeContext } from './definition.ts'
import { inlineDirectories, showNode } from './inline.ts'

interface Kept {
  readonly revision: number
  /** By depth; holes where it was never asked for. */
  readonly texts: (string | undefined)[]
}

export class Fragments {
  readonly #context: TreeContext
  readonly #kept = new WeakMap<Node, Kept>()

  constructor(context: TreeContext) {
    this.#context = context
  }

  /** The node as JSON, with so many levels below it inline. */
  of(node: Node, depth: number): string {
    if (node.level !== 'process' && node.level !== 'thread') return this.#encode(node, depth)
    // Below a thread nothing is inline.
    const index = Math.min(depth, node.level === 'process' ? 1 : 0)
    const kept = this.#kept.get(node)
    const isFresh = kept?.revision === node.revision
    const known = isFresh ? kept.texts[index] : undefined
    if (known !== undefined) return known
    const text = this.#encode(node, index)
    if (isFresh) kept.texts[index] = text
    else {
      const texts: Kept['texts'] = [undefined, undefined]
      texts[index] = text
      this.#kept.set(node, { revision: node.revision, texts })
    }
    return text
  }

  #encode(node: Node, depth: number): string {
    const own = JSON.stringify(showNode(this.#context, node))
    if (depth === 0) return own
    const inline = inlineDirectories(node.level).map(({ leaf, children }) => {
      const texts = children(this.#context, node).map((child) => this.of(child, depth - 1))
      return `,"${leaf}":[${texts.join(',')}]`
    })
    return `${own.slice(0, -1)}${inline.join('')}}`
  }
}
