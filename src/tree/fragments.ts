/**
 * Processes and threads as JSON text that is kept as long as nothing in it changes: most of a machine is at rest, and
 * encoding is most of a bulk read. A process's revision counts the changes of its threads too, so its text with them is
 * kept as one. Partitions and the system change with every reading: theirs are made anew from what lies in them.
 */

import type { Node } from '../kernel/nodes/node.ts'
import type { TreeContext } from './definition.ts'
import { inlineDirectories, showNode } from './inline.ts'

interface Kept {
  readonly revision: number
  /** By depth; holes where it was never asked for in this form. */
  readonly texts: (string | undefined)[]
  readonly bytes: (Buffer | undefined)[]
}

export class Fragments {
  readonly #context: TreeContext
  readonly #kept = new WeakMap<Node, Kept>()

  constructor(context: TreeContext) {
    this.#context = context
  }

  /** The node as JSON in UTF-8, with so many levels below it inline. Nobody writes to it. */
  bytesOf(node: Node, depth: number): Buffer {
    const kept = this.#keptOf(node)
    if (kept === null) return Buffer.from(this.#encode(node, depth))
    const index = depthBelow(node, depth)
    kept.bytes[index] ??= Buffer.from(kept.texts[index] ?? this.#encode(node, index))
    return kept.bytes[index]
  }

  /** The same as a string: what is small goes out in one piece with its headers. */
  textOf(node: Node, depth: number): string {
    const kept = this.#keptOf(node)
    if (kept === null) return this.#encode(node, depth)
    const index = depthBelow(node, depth)
    kept.texts[index] ??= this.#encode(node, index)
    return kept.texts[index]
  }

  /** What is kept of it and still holds; null for what is not kept at all. */
  #keptOf(node: Node): Kept | null {
    if (node.level !== 'process' && node.level !== 'thread') return null
    const former = this.#kept.get(node)
    const revision = this.#context.kernel.usage.revision(node)
    if (former?.revision === revision) return former
    const kept: Kept = { revision, texts: [undefined, undefined], bytes: [undefined, undefined] }
    this.#kept.set(node, kept)
    return kept
  }

  #encode(node: Node, depth: number): string {
    const own = JSON.stringify(showNode(this.#context, node))
    if (depth === 0) return own
    const inline = inlineDirectories(node.level).map(({ leaf, children }) => {
      const texts = children(this.#context, node).map((child) => this.textOf(child, depth - 1))
      return `,"${leaf}":[${texts.join(',')}]`
    })
    return `${own.slice(0, -1)}${inline.join('')}}`
  }
}

/** Below a process there is one level, below a thread none. */
function depthBelow({ level }: Node, depth: number): number {
  return Math.min(depth, level === 'process' ? 1 : 0)
}
