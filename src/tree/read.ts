/** Reading a path: all of it or a page, whole or some fields, with what lies below or without; in one tick, so it is one snapshot. */

import type { Node } from '../kernel/nodes/node.ts'
import type { Definition, ReadQuery, TreeContext } from './definition.ts'
import { MalformedQuery } from './errors.ts'
import { type Fields, parseFields, select } from './fields.ts'
import type { Fragments } from './fragments.ts'
import { showDeep } from './inline.ts'
import { type PageRequest, pageOf } from './paging.ts'
import type { Resolved } from './resolve.ts'

export interface ReadRequest extends PageRequest, ReadQuery {
  /** Levels below the path that are shown inline; null for what is usual: a directory's entries, a node alone. */
  readonly depth: number | null
  readonly fields: string | null
}

/** What an answer consists of. Its entries are looked at when they are written, which is in the same tick. */
export interface ReadResult {
  /** Of lists: their path and the cursor of the next page. Of anything else null: there is one entry, itself. */
  readonly list: { readonly path: string; readonly next: string | null } | null
  readonly fields: Fields | null
  readonly views: () => object[]
  /** For people; null where they are shown columns or pairs. */
  readonly words: (() => string) | null
  /** Each entry as compact JSON in UTF-8. */
  readonly lines: () => Buffer[]
  /** The first entry, and of what is no list the only one, as compact JSON. */
  readonly text: () => string
}

/** @throws MalformedQuery, and what the row's own reading throws */
export function read(context: TreeContext, fragments: Fragments, resolved: Resolved, request: ReadRequest): ReadResult {
  const { definition } = resolved
  const { listing } = definition
  const fields = request.fields === null ? null : parseFields(request.fields, listing?.entry ?? definition.reply)
  checkDepth(definition, request.depth)
  if (request.since !== null && !definition.takesSince) throw new MalformedQuery('since', 'only histories have a past')
  const { list, nodes, others } =
    listing === undefined ? one(context, resolved, request) : several(context, resolved, request)
  const depth = request.depth ?? (listing === undefined ? 0 : 1)
  // The entries of a directory are its first level.
  const below = listing === undefined ? depth : depth - 1
  const views = (): object[] => {
    const whole = nodes === null ? others() : nodes.map((node) => showDeep(context, node, below))
    return fields === null ? whole : whole.map((view) => select(view, fields) as object)
  }
  const lines = (): Buffer[] =>
    nodes !== null && fields === null
      ? nodes.map((node) => fragments.bytesOf(node, below))
      : views().map((view) => Buffer.from(JSON.stringify(view)))
  const text = (): string =>
    nodes !== null && fields === null ? fragments.textOf(nodes[0]!, below) : JSON.stringify(views()[0])
  const { prose } = definition
  const words = prose === undefined ? null : () => prose(views() as never[], context)
  return { list, fields, views, words, lines, text }
}

interface Subjects {
  readonly list: ReadResult['list']
  /** Null where the entries are no nodes. */
  readonly nodes: readonly Node[] | null
  readonly others: () => object[]
}

function one(
  context: TreeContext,
  { definition, node, params }: Resolved,
  { limit, cursor, since }: ReadRequest,
): Subjects {
  if (limit !== null || cursor !== null) {
    throw new MalformedQuery(limit === null ? 'cursor' : 'limit', 'only directories and lists have pages')
  }
  const others = () => [definition.read!(context, node, params, { since })]
  return { list: null, nodes: definition.kind === 'node' ? [node] : null, others }
}

function several(context: TreeContext, { definition, node, params, canonical }: Resolved, page: PageRequest): Subjects {
  const { children, key, show, ofNodes } = definition.listing!
  const { children: chosen, next } = pageOf({ path: canonical, all: children(context, node, params), key }, page)
  const list = { path: canonical, next }
  const others = () => chosen.map((child) => show(context, child))
  return { list, nodes: ofNodes ? (chosen as readonly Node[]) : null, others }
}

function checkDepth({ kind, listing }: Definition, depth: number | null): void {
  if (depth === null) return
  if (kind !== 'node' && !listing?.ofNodes) {
    throw new MalformedQuery('depth', 'only nodes and their directories have levels below them')
  }
  if (depth === 0 && listing)
    throw new MalformedQuery('depth', 'a directory shows its entries, which are its first level')
}
