/**
 * Reads the resource at a pathname: whole or one page, all fields or some, with or without the levels below. A read
 * happens in one tick of the event loop, so it is one snapshot.
 */

import type { Node } from '../kernel/nodes/node.ts'
import type { TreeContext } from './context.ts'
import type { Definition, ReadQuery } from './definition.ts'
import { MalformedQuery } from './errors.ts'
import { type Fields, parseFields, select } from './fields.ts'
import type { Fragments } from './fragments.ts'
import { showDeep } from './inline.ts'
import { type PageRequest, pageOf } from './paging.ts'
import type { Resolved } from './resolve.ts'

export interface ReadRequest extends PageRequest, ReadQuery {
  /** Levels below the path that are shown inline; null for the default: a directory's entries, a node alone. */
  readonly depth: number | null
  readonly fields: string | null
}

interface ReadList {
  readonly path: string
  /** The cursor of the next page. */
  readonly next: string | null
  /** The reason why entries are missing on this machine; null if none are. */
  readonly incomplete: string | null
}

/** The parts of a reply. Entries are shown when a function is called, which happens in the same tick. */
export interface ReadResult {
  /** For a list, all but its entries. Null for anything else, which is its own only entry. */
  readonly list: ReadList | null
  readonly fields: Fields | null
  readonly views: () => object[]
  /** The text form as sentences; null where it is columns or pairs. */
  readonly prose: (() => string) | null
  /** Each entry as compact JSON in UTF-8. */
  readonly lines: () => Buffer[]
  /** The first entry as compact JSON. Anything but a list has only this one. */
  readonly text: () => string
}

/** @throws MalformedQuery, and the errors of the row's own `read` */
export function read(context: TreeContext, fragments: Fragments, resolved: Resolved, request: ReadRequest): ReadResult {
  const { definition } = resolved
  const { listing } = definition
  const fields = request.fields === null ? null : parseFields(request.fields, listing?.entry ?? definition.reply)
  checkDepth(definition, request.depth)
  if (request.since !== null && !definition.takesSince)
    throw new MalformedQuery('since', 'only `history` takes this parameter')
  const { list, nodes, others } =
    listing === undefined ? readOne(context, resolved, request) : readPage(context, resolved, request)
  const depth = request.depth ?? (listing === undefined ? 0 : 1)
  // The entries of a directory are its first level.
  const below = listing === undefined ? depth : depth - 1
  const views = (): object[] => {
    const whole = nodes === null ? others() : nodes.map((node) => showDeep(context, node, below))
    return fields === null ? whole : whole.map((view) => select(view, fields))
  }
  const lines = (): Buffer[] =>
    nodes !== null && fields === null
      ? nodes.map((node) => fragments.bytesOf(node, below))
      : views().map((view) => Buffer.from(JSON.stringify(view)))
  const text = (): string =>
    nodes !== null && fields === null ? fragments.textOf(nodes[0]!, below) : JSON.stringify(views()[0])
  const prose = definition.prose === undefined ? null : () => definition.prose!(views(), context)
  return { list, fields, views, prose, lines, text }
}

interface Subjects {
  readonly list: ReadResult['list']
  /** Null if the entries are not nodes. */
  readonly nodes: readonly Node[] | null
  readonly others: () => object[]
}

function readOne(
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

function readPage(
  context: TreeContext,
  { definition, node, params, canonical }: Resolved,
  request: PageRequest,
): Subjects {
  const { children, key, show, listsNodes } = definition.listing!
  const page = pageOf({ path: canonical, all: children(context, node, params), key }, request)
  const incomplete = definition.incomplete?.(context.kernel) ?? null
  const list = { path: canonical, next: page.next, incomplete }
  const others = () => page.children.map((child) => show(context, child))
  return { list, nodes: listsNodes ? (page.children as readonly Node[]) : null, others }
}

function checkDepth({ kind, listing }: Definition, depth: number | null): void {
  if (depth === null) return
  if (kind !== 'node' && !listing?.listsNodes) {
    throw new MalformedQuery('depth', 'only nodes and their directories have levels below them')
  }
  if (depth === 0 && listing)
    throw new MalformedQuery('depth', 'a directory shows its entries, which are its first level; use 1 or more')
}
