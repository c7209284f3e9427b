/** The state of all that a filter means: in one tick, so it is one snapshot. Nodes first, then thresholds and deadlocks. */

import type { Node } from '../kernel/nodes/node.ts'
import { processOf } from '../kernel/nodes/owners.ts'
import { partitionsWithin, processesWithin } from '../kernel/nodes/within.ts'
import type { Definition, TreeContext } from './definition.ts'
import { NoSuchPath } from './errors.ts'
import type { Fragments } from './fragments.ts'
import type { PathFilter } from './path-filter.ts'
import { read } from './read.ts'
import { type Resolved, resolve } from './resolve.ts'
import { definitions } from './tree.ts'

export interface NodeView {
  readonly path: string
  /** As JSON; nobody writes to it. */
  readonly view: Buffer
}

/** What there is besides nodes that a controller has to know of before it goes by events. */
const listed = ['thresholds', 'deadlocks'].map((leaf) => {
  const row: Definition | undefined = definitions.find((one) => one.leaf === leaf && one.under.includes('system'))
  if (row?.listing === undefined) throw new Error(`/sys/${leaf} is no list`)
  return row.listing
})

interface Listed {
  readonly path: string
  readonly members?: readonly { readonly path: string }[]
}

export function snapshotOf(context: TreeContext, fragments: Fragments, filter: PathFilter): NodeView[] {
  const views = new Map<string, Buffer>()
  for (const node of nodes(context)) {
    if (filter.concerns(placesOf(node))) views.set(node.path, fragments.bytesOf(node, 0))
    else {
      const leaf = leafOf(context, fragments, { node, leaf: filter.leafAt(node.path) })
      if (leaf !== null) views.set(leaf.path, leaf.view)
    }
  }
  for (const view of others(context)) {
    const places = [view.path, ...(view.members ?? []).map(({ path }) => path)]
    if (filter.concerns(places)) views.set(view.path, Buffer.from(JSON.stringify(view)))
  }
  return [...views].map(([path, view]) => ({ path, view }))
}

/** What lies around comes before what lies in it. */
function* nodes({ kernel }: TreeContext): Generator<Node> {
  const { system } = kernel
  yield system
  yield* partitionsWithin(system)
  for (const process of [...processesWithin(system)].sort((a, b) => a.pid - b.pid)) {
    yield process
    yield* process.threads.values()
  }
}

/** Where its events say that it is. */
function placesOf(node: Node): string[] {
  const partition = processOf(node)?.partition
  return partition ? [node.path, partition.path] : [node.path]
}

/** A leaf that is a list has its entries among the nodes. */
function leafOf(
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

/** Of many nodes that a pattern means, some may not have such a leaf. */
function resolveOrNull({ kernel }: TreeContext, path: string): Resolved | null {
  try {
    return resolve(kernel, path)
  } catch (error) {
    if (error instanceof NoSuchPath) return null
    throw error
  }
}

function others(context: TreeContext): Listed[] {
  return listed.flatMap(({ children, show }) =>
    children(context, context.kernel.system, {}).map((child) => show(context, child) as Listed),
  )
}
