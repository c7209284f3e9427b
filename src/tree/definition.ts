/**
 * Defines a row of the pathname space. Everything else is derived from the rows: routes, authorisation, validation, the
 * types of replies, text forms, listings, OpenAPI, the reference, and the paths that can be subscribed to.
 */

import type { z } from 'zod'
import type { Kernel } from '../kernel/kernel.ts'
import type { Level } from '../kernel/limits/limit-row.ts'
import type { Node } from '../kernel/nodes/node.ts'
import type { Partition } from '../kernel/nodes/partition.ts'
import type { Process } from '../kernel/nodes/process.ts'
import type { System } from '../kernel/nodes/system.ts'
import type { Thread } from '../kernel/nodes/thread.ts'
import type { TreeContext } from './context.ts'
import { listOf, listWithGapOf } from './list-views.ts'
import type { Role } from './role.ts'
import type { ArrangedList } from './text-lists.ts'
import type { BodilessVerb, BodyVerb, LinesVerb, Params, Verb } from './verb.ts'

interface NodeOf {
  thread: Thread
  process: Process
  partition: Partition
  system: System
}

/** Parameters of the query that a row's own `read` gets. */
export interface ReadQuery {
  readonly since: string | null
}

/** A column of the text form. */
export interface Column<Entry> {
  readonly title: string
  readonly align: 'left' | 'right'
  cell(entry: Entry): string
  /**
   * The number that the cell shows, to sort by; null and undefined where it is unknown. Without it rows sort by the
   * cell.
   */
  by?(entry: Entry): number | null | undefined
}

/** The entries of a directory or list: for paging, bulk reads and NDJSON. */
export interface Listing<Child> {
  readonly entry: z.ZodType
  /** In ascending order of their keys. */
  children(context: TreeContext, node: Node, params: Params): readonly Child[]
  /** Unique in its list, and constant for the lifetime of the child: cursors of pages contain it. */
  key(child: Child): string | number
  show(context: TreeContext, child: Child): object
  /** The entries are nodes, so `depth` can show them inline. */
  readonly listsNodes: boolean
}

/** Drawings of a view, in the languages of Graphviz and Mermaid. */
export interface Drawings<View> {
  dot?(view: View): string
  mermaid?(view: View): string
}

/** The columns of a row that do not depend on its types. */
interface AnyRow {
  /** The path below the node: '' is the node itself, `:name` any segment, `:limit` the name of a limit of the node. */
  readonly leaf: string
  readonly summary: string
  /** A description of each parameter in `leaf`, but for `:limit`. */
  readonly params?: Readonly<Record<string, string>>
  /** Only the model has this row; on a live machine every method returns 405. */
  readonly modelOnly?: true
}

/**
 * One row, as the rest of the service sees it. The types of node, view and body are erased here and nowhere else:
 * TypeScript compares the parameters of methods in both directions, so a typed row is assignable to this shape without
 * a cast.
 */
export interface Definition extends AnyRow {
  /** The levels that have this row, each below the paths of its nodes. */
  readonly under: readonly Level[]
  readonly kind: 'node' | 'directory' | 'document' | 'limit'
  readonly reply: z.ZodType
  /** The role that GET needs; `read` where it is absent. */
  readonly readRole?: Role
  /** Lists have a `listing` instead. */
  read?(context: TreeContext, node: Node, params: Params, query: ReadQuery): object
  readonly listing?: Listing<unknown>
  /** `?since=` is supported. */
  readonly takesSince?: true
  /** A strong validator of the reply to GET; null where there is none yet. */
  etag?(context: TreeContext, node: Node, params: Params): string | null
  readonly drawings?: Drawings<object>
  readonly columns?: readonly Column<object>[]
  /** Arranges the entries of the text form, where it differs from JSON. */
  arrange?(views: readonly object[]): ArrangedList<object>
  /** Fields of the reply that are amounts of the limit in the path, without the places in lists. */
  readonly amounts?: readonly string[]
  /** The text form as sentences, in place of columns or pairs. */
  prose?(views: readonly object[], context: TreeContext): string
  /** The reason why entries of the list are missing on this machine; null if none are. */
  incomplete?(kernel: Kernel): string | null
  /**
   * Present where a setting can wait below a partition that is not there: whether one does. If so, the path exists for
   * all methods. PUT is served there in any case.
   */
  isAwaiting?(kernel: Kernel, node: Node, params: Params): boolean
  readonly put?: Verb
  readonly post?: Verb
  readonly postLines?: LinesVerb
  readonly remove?: Verb
  /**
   * PUT of a name below this directory that does not exist yet. `params.name` is that name, `node` the directory's
   * node.
   */
  readonly create?: Verb
}

interface Row<L extends Level, R extends z.ZodType<object>, P extends z.ZodType, Q extends z.ZodType> extends AnyRow {
  readonly under: readonly L[]
  readonly kind: Definition['kind']
  readonly reply: R
  readonly read: (context: TreeContext, node: NodeOf[L], params: Params, query: ReadQuery) => z.input<R> & object
  readonly readRole?: Role
  readonly takesSince?: true
  readonly etag?: (context: TreeContext, node: NodeOf[L], params: Params) => string | null
  readonly drawings?: Drawings<z.output<R>>
  readonly amounts?: readonly string[]
  readonly isAwaiting?: (kernel: Kernel, node: Node, params: Params) => boolean
  readonly prose?: (views: readonly z.output<R>[], context: TreeContext) => string
  readonly put?: BodyVerb<NodeOf[L], P>
  readonly post?: BodyVerb<NodeOf[L], Q>
  readonly remove?: BodilessVerb<NodeOf[L]>
}

/** Preconditions: `resolve` passes a row only nodes of the levels that the row is under. */
export function defineNode<L extends Level, R extends z.ZodType<object>, P extends z.ZodType, Q extends z.ZodType>({
  remove,
  ...row
}: Row<L, R, P, Q>): Definition {
  return remove === undefined ? row : { ...row, remove: { ...remove, body: null } }
}

interface ListRow<L extends Level, E extends z.ZodType<object>, Child, Q extends z.ZodType, C extends z.ZodType>
  extends AnyRow {
  readonly under: readonly L[]
  readonly kind: 'directory' | 'document'
  /** Shape of one entry. */
  readonly entry: E
  readonly children: (context: TreeContext, node: NodeOf[L], params: Params) => readonly Child[]
  readonly key: (child: Child) => string | number
  readonly show: (context: TreeContext, child: Child) => z.input<E> & object
  readonly listsNodes?: true
  readonly isAwaiting?: (kernel: Kernel, node: Node, params: Params) => boolean
  readonly columns: readonly Column<z.output<E>>[]
  arrange?(views: readonly z.output<E>[]): ArrangedList<z.output<E>>
  readonly prose?: (views: readonly z.output<E>[], context: TreeContext) => string
  readonly incomplete?: (kernel: Kernel) => string | null
  readonly post?: BodyVerb<NodeOf[L], Q>
  readonly postLines?: LinesVerb
  readonly create?: BodyVerb<NodeOf[L], C>
}

/** A row whose reply is a list. Preconditions: those of `defineNode`. */
export function defineList<
  L extends Level,
  E extends z.ZodType<object>,
  Child,
  Q extends z.ZodType,
  C extends z.ZodType,
>({ entry, children, key, show, listsNodes, ...row }: ListRow<L, E, Child, Q, C>): Definition {
  const reply = row.incomplete === undefined ? listOf(entry) : listWithGapOf(entry)
  return { ...row, reply, listing: { entry, children, key, show, listsNodes: listsNodes === true } }
}
