/**
 * Captures the state of everything that a path filter matches, in one tick of the event loop, so it is one snapshot.
 * Nodes come first, then thresholds and deadlocks.
 */

import type { Node } from '../kernel/nodes/node.ts'
import { processOf } from '../kernel/nodes/owners.ts'
import { partitionsWithin, processesWithin } from '../kernel/nodes/within.ts'
import type { TreeContext } from './context.ts'
import { NoSuchPath } from './errors.ts'
import type { Fragments } from './fragments.ts'
import type { PathFilter } from './path-filter.ts'
import { read } from './read.ts'
import { type Resolved, resolve } from './resolve.ts'
import { definitions } from './tree.ts'

export interface NodeView {
  readonly path: string
  /** JSON. The receiver must not change the bytes. */
  readonly view: Buffer
}

/** The lists that a controller must know, besides nodes, before it can follow the events. */
const listings = ['thresholds', 'deadlocks'].map((leaf) => {
  const row = definitions.find((each) => each.leaf === leaf && each.under.includes('system'))
  if (row?.listing === undefined) throw new Error(`/sys/${leaf} is no list`)
  return row.listing
})

interface ListedView {
  readonly path: string
  readonly members?: readonly { readonly path: string }[]
}

export function snapshotOf(context: TreeContext, fragments: Fragments, filter: PathFilter): NodeView[] {
  const views = new Map<string, Buffer>()
  for (const node of nodesOf(context)) {
    if (filter.concerns(pathsConcerning(node))) views.set(node.path, fragments.bytesOf(node, 0))
    else {
      const leaf = readLeaf(context, fragments, { node, leaf: filter.leafAt(node.path) })
      if (leaf !== null) views.set(leaf.path, leaf.view)
    }
  }
  for (const view of listedViews(context)) {
    const paths = [view.path, ...(view.members ?? []).map(({ path }) => path)]
    if (filter.concerns(paths)) views.set(view.path, Buffer.from(JSON.stringify(view)))
  }
  return [...views].map(([path, view]) => ({ path, view }))
}

/** Containers come before their contents. */
function* nodesOf({ kernel }: TreeContext): Generator<Node> {
  const { system } = kernel
  yield system
  yield* partitionsWithin(system)
  for (const process of [...processesWithin(system)].sort((a, b) => a.pid - b.pid)) {
    yield process
    yield* process.threads.values()
  }
}

/** The paths that events about this node carry. */
function pathsConcerning(node: Node): string[] {
  const partition = processOf(node)?.partition
  return partition ? [node.path, partition.path] : [node.path]
}

/** Null for a leaf that is a list: its entries are in the snapshot themselves. */
function readLeaf(
  context: TreeContext,
  fragments: Fragments,
  { node, leaf }: { readonly node: Node; readonly leaf: string | null },
): NodeView | null {
  if (leaf === null) return null
  const resolved = resolveOrNull(context, `${node.path}/${leaf}`)
  if (resolved === null || resolved.definition.read === undefined) return null
  const { text } = read(context, fragments, resolved, {
    depth: null,
    fields: null,
    limit: null,
    cursor: null,
    since: null,
  })
  return { path: resolved.canonical, view: Buffer.from(text()) }
}

/** A pattern matches many nodes, and not all of them have such a leaf. */
function resolveOrNull({ kernel }: TreeContext, path: string): Resolved | null {
  try {
    return resolve(kernel, path)
  } catch (error) {
    if (error instanceof NoSuchPath) return null
    throw error
  }
}

function listedViews(context: TreeContext): ListedView[] {
  return listings.flatMap((listing) =>
    listing.children(context, context.kernel.system, {}).map((child) => listing.show(context, child) as ListedView),
  )
}
