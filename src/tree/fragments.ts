/**
 * Caches processes and threads as JSON, each for as long as nothing in it changes: most of a machine is idle, and
 * encoding is most of the cost of a bulk read. A process's revision counts the changes of its threads too, so the cache
 * also has the process with its threads inline. Partitions and the system change with every reading, so they are
 * encoded each time.
 */

import type { Node } from '../kernel/nodes/node.ts'
import type { TreeContext } from './context.ts'
import { inlineDirectories, showNode } from './inline.ts'

interface CachedNode {
  readonly revision: number
  /** By depth; undefined until a reader needs that depth in this form. */
  readonly texts: (string | undefined)[]
  readonly bytes: (Buffer | undefined)[]
}

export class Fragments {
  readonly #context: TreeContext
  readonly #cache = new WeakMap<Node, CachedNode>()

  constructor(context: TreeContext) {
    this.#context = context
  }

  /** The node as JSON in UTF-8, with `depth` levels below it inline. The caller must not change the bytes. */
  bytesOf(node: Node, depth: number): Buffer {
    const cached = this.#cachedOf(node)
    if (cached === null) return Buffer.from(this.#encode(node, depth))
    const index = depthBelow(node, depth)
    cached.bytes[index] ??= Buffer.from(cached.texts[index] ?? this.#encode(node, index))
    return cached.bytes[index]
  }

  /** The same as a string: a short reply is sent in one piece with its headers. */
  textOf(node: Node, depth: number): string {
    const cached = this.#cachedOf(node)
    if (cached === null) return this.#encode(node, depth)
    const index = depthBelow(node, depth)
    cached.texts[index] ??= this.#encode(node, index)
    return cached.texts[index]
  }

  /** The entry of the node's present revision, empty where there was none; null for levels that are not cached. */
  #cachedOf(node: Node): CachedNode | null {
    if (node.level !== 'process' && node.level !== 'thread') return null
    const former = this.#cache.get(node)
    const revision = this.#context.kernel.usage.revision(node)
    if (former !== undefined && former.revision === revision) return former
    const cached: CachedNode = { revision, texts: [undefined, undefined], bytes: [undefined, undefined] }
    this.#cache.set(node, cached)
    return cached
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
