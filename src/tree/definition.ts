/**
 * A row of the pathname space. From it come the route, validation, the types, the listing of its parent, the text
 * form, the OpenAPI entry and what can be subscribed to. A new node, document or leaf is one row.
 */

import type { z } from 'zod'
import type { History } from '../kernel/history/history.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Level } from '../kernel/limits/table.ts'
import type { Node } from '../kernel/nodes/node.ts'
import type { Partition } from '../kernel/nodes/partition.ts'
import type { Process } from '../kernel/nodes/process.ts'
import type { System } from '../kernel/nodes/system.ts'
import type { Thread } from '../kernel/nodes/thread.ts'
import type { Machine } from '../model/machine.ts'
import type { MachineState } from '../model/state/state.ts'
import { listOf } from './views.ts'

export interface NodeOf {
  thread: Thread
  process: Process
  partition: Partition
  system: System
}

/** What came of a scenario. */
export interface ScenarioReport {
  readonly title: string
  readonly met: boolean
  readonly differences: readonly { readonly line: number; readonly column: number; readonly message: string }[]
  readonly calls: number
  readonly events: number
  readonly ranMs: number
}

/** Runs scenarios in the machine. */
export interface Scenarios {
  /** @throws MalformedFile; then nothing has happened */
  run(text: string): ScenarioReport
  readonly last: ScenarioReport | null
}

/** The model that clients drive. */
export interface Model {
  readonly scenarios: Scenarios
  readonly machine: Machine
  readonly clock: 'virtual' | 'real'
  /** Where time follows the wall clock, lets it come up to now: before whatever clients do. */
  catchUp(): void
  /** Puts a machine in this state in the place of the one that is there. @throws KernelError EINVAL; then nothing has changed */
  replace(state: MachineState): void
}

/** What reading needs besides the node: the kernel, and what the service knows of itself. */
export interface TreeContext {
  readonly kernel: Kernel
  /** Name of this machine. */
  readonly host: string
  readonly version: string
  /** What feeds the model, as in `linux`. */
  readonly source: string
  /** Null on a live machine, which is observed and not called. */
  readonly model: Model | null
  /** Lets the kernel's time come up to now: before whatever clients do. */
  readonly catchUp: () => void
  readonly history: History
}

export type Params = Readonly<Record<string, string>>

/** What some readings are asked beside their path. */
export interface ReadQuery {
  readonly since: string | null
}

export interface PutRequest {
  readonly body: unknown
  /** Name of the token that asks; null where no tokens are in use. */
  readonly owner: string | null
  readonly preconditions: Preconditions
  /** What would be answered is to be told, and nothing done. */
  readonly dryRun: boolean
}

/** `If-Match` and `If-None-Match`, as lists of ETags or `*`; null where the header is not there. */
export interface Preconditions {
  readonly ifMatch: string | null
  readonly ifNoneMatch: string | null
}

export interface VerbResult {
  readonly status: number
  readonly body?: unknown
  readonly etag?: string
  /** Pathname of what was made. */
  readonly location?: string
}

/** A verb that makes or changes something. */
interface Verb<Run> {
  readonly summary: string
  readonly run: Run
  /** Only the model can: on a live machine it is refused with 405. */
  readonly ofModel?: true
}

export interface Words {
  /** @throws MalformedWords */
  readonly parse: (words: readonly string[]) => unknown
  readonly examples: readonly string[]
}

export interface PutVerb
  extends Verb<(context: TreeContext, node: Node, params: Params, request: PutRequest) => VerbResult> {
  readonly body: z.ZodType
  /** Of what is answered, where that is not what GET shows. */
  readonly reply?: z.ZodType
  /** The body may be words, as one would write them to a file in /proc. */
  readonly words?: Words
  /** Where it is more than any body may have: 413. */
  readonly bodyBytesMax?: number
  /** It acts on processes, so it is for operators. */
  readonly operates?: (body: unknown) => boolean
  /** It takes ?dry-run. */
  readonly dryRun?: true
}

export interface PostVerb
  extends Verb<(context: TreeContext, node: Node, params: Params, body: unknown) => VerbResult> {
  readonly body: z.ZodType
  /** Of what is answered. */
  readonly reply: z.ZodType
  /** The body is a file of YAML, handed on as it is. */
  readonly yaml?: true
}

export type RemoveVerb = Verb<
  (context: TreeContext, node: Node, params: Params, preconditions: Preconditions) => VerbResult
>

/** Columns of the text form: a heading, and what stands below it. */
export interface Column<Entry> {
  readonly title: string
  readonly align: 'left' | 'right'
  readonly cell: (entry: Entry) => string
  /** The number that the cell shows, to sort by; null and undefined where it is not known. Without it the cell itself. */
  readonly by?: (entry: Entry) => number | null | undefined
}

/** What a directory or a list has in it, one by one: for paging, for bulk reads and for lines of NDJSON. */
export interface Listing<Child> {
  readonly entry: z.ZodType
  /** In ascending order of their keys. */
  readonly children: (context: TreeContext, node: Node, params: Params) => readonly Child[]
  /** Unique in its list, and the same as long as the child is there: where a page begins. */
  readonly key: (child: Child) => string | number
  readonly show: (context: TreeContext, child: Child) => object
  /** Its children are nodes: then it can be shown inline below the node that has it. */
  readonly ofNodes: boolean
}

export interface Drawings<View> {
  readonly dot?: (view: View) => string
  readonly mermaid?: (view: View) => string
}

/** One row, as the rest of the service sees it: types are erased here and nowhere else. */
export interface Definition {
  /** The levels under which it stands, each at that node's own path. */
  readonly under: readonly Level[]
  /** What follows the node's path: '' is the node itself; `:name` is one segment, `:limit` the name of a limit there. */
  readonly leaf: string
  readonly kind: 'node' | 'directory' | 'document' | 'limit'
  readonly summary: string
  readonly reply: z.ZodType
  /** Of all but lists, which have a listing instead. */
  readonly read?: (context: TreeContext, node: Node, params: Params, query: ReadQuery) => object
  readonly listing?: Listing<unknown>
  /** `?since=` is for it. */
  readonly takesSince?: true
  /** A strong validator of what `read` answers, where there is one. */
  readonly etag?: (context: TreeContext, node: Node, params: Params) => string | null
  /** Drawings of what `read` answers. */
  readonly as?: Drawings<never>
  readonly columns?: readonly Column<never>[]
  /** The text form in words, in place of columns or pairs. */
  readonly prose?: (views: readonly never[], context: TreeContext) => string
  readonly put?: PutVerb
  readonly post?: PostVerb
  /** POST is there too, but has a route of its own. */
  readonly postsApart?: true
  readonly remove?: RemoveVerb
  /** The row as a whole is the model's. */
  readonly ofModel?: true
  /** PUT below this directory makes an entry of that name: `params.name`, of the node that has the directory. */
  readonly create?: PutVerb
}

interface Row<L extends Level, R extends z.ZodType> {
  readonly under: readonly L[]
  readonly leaf: string
  readonly kind: Definition['kind']
  readonly summary: string
  readonly reply: R
  readonly read: (context: TreeContext, node: NodeOf[L], params: Params, query: ReadQuery) => z.input<R> & object
  readonly takesSince?: true
  readonly etag?: (context: TreeContext, node: NodeOf[L], params: Params) => string | null
  readonly as?: Drawings<z.output<R>>
  readonly prose?: (views: readonly z.output<R>[], context: TreeContext) => string
  readonly put?: PutVerb
  readonly post?: PostVerb
  readonly remove?: RemoveVerb
  readonly ofModel?: true
}

/** Preconditions: `resolve` hands a row only nodes of the levels that it stands under. */
export function defineNode<L extends Level, R extends z.ZodType>(row: Row<L, R>): Definition {
  return row as unknown as Definition
}

interface ListRow<L extends Level, E extends z.ZodType, Child> {
  readonly under: readonly L[]
  readonly leaf: string
  readonly kind: 'directory' | 'document'
  readonly summary: string
  /** Shape of one entry. */
  readonly entry: E
  readonly children: (context: TreeContext, node: NodeOf[L], params: Params) => readonly Child[]
  readonly key: (child: Child) => string | number
  readonly show: (context: TreeContext, child: Child) => z.input<E> & object
  readonly ofNodes?: true
  readonly columns: readonly Column<z.output<E>>[]
  readonly prose?: (views: readonly z.output<E>[], context: TreeContext) => string
  readonly post?: PostVerb
  readonly postsApart?: true
  readonly ofModel?: true
  /** PUT of a name that is not there. */
  readonly create?: PutVerb
}

/** A row whose answer is a list. Preconditions: as for `defineNode`. */
export function defineList<L extends Level, E extends z.ZodType, Child>(row: ListRow<L, E, Child>): Definition {
  const { entry, children, key, show, ofNodes = false, ...rest } = row
  return {
    ...rest,
    reply: listOf(entry),
    listing: { entry, children, key, show, ofNodes },
  } as unknown as Definition
}
