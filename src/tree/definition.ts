/**
 * A row of the pathname space. From it come the route, validation, the types, the listing of its parent, the text
 * form, the OpenAPI entry and what can be subscribed to. A new node, document or leaf is one row.
 */

import type { z } from 'zod'
import type { Kernel } from '../kernel/kernel.ts'
import type { Level } from '../kernel/limits/table.ts'
import type { Node } from '../kernel/objects/node.ts'
import type { Partition } from '../kernel/objects/partition.ts'
import type { Process } from '../kernel/objects/process.ts'
import type { System } from '../kernel/objects/system.ts'
import type { Thread } from '../kernel/objects/thread.ts'

export interface NodeOf {
  thread: Thread
  process: Process
  partition: Partition
  system: System
}

/** What reading needs besides the node: the kernel, and what the service knows of itself. */
export interface TreeContext {
  readonly kernel: Kernel
  /** Name of this machine. */
  readonly host: string
  readonly version: string
  /** What feeds the model, as in `linux`. */
  readonly source: string
}

export type Params = Readonly<Record<string, string>>

export interface PutRequest {
  readonly body: unknown
  /** Name of the token that asks; null where no tokens are in use. */
  readonly owner: string | null
  readonly preconditions: Preconditions
}

/** `If-Match` and `If-None-Match`, as lists of ETags or `*`; null where the header is not there. */
export interface Preconditions {
  readonly ifMatch: string | null
  readonly ifNoneMatch: string | null
}

export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly etag?: string
}

/** Columns of the text form: a heading, and what stands below it. */
export interface Column<Entry> {
  readonly title: string
  readonly align: 'left' | 'right'
  readonly cell: (entry: Entry) => string
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
  readonly read: (context: TreeContext, node: Node, params: Params) => unknown
  /** A strong validator of what `read` answers, where there is one. */
  readonly etag?: (context: TreeContext, node: Node, params: Params) => string
  readonly columns?: readonly Column<never>[]
  /** Below it, names that exist: for telling the longest part of a path that does. */
  readonly put?: {
    readonly summary: string
    readonly body: z.ZodType
    readonly run: (context: TreeContext, node: Node, params: Params, request: PutRequest) => Answer
  }
  readonly remove?: {
    readonly summary: string
    readonly run: (context: TreeContext, node: Node, params: Params, preconditions: Preconditions) => Answer
  }
}

interface Row<L extends Level, R extends z.ZodType> {
  readonly under: readonly L[]
  readonly leaf: string
  readonly kind: Definition['kind']
  readonly summary: string
  readonly reply: R
  readonly read: (context: TreeContext, node: NodeOf[L], params: Params) => z.input<R>
  readonly etag?: (context: TreeContext, node: NodeOf[L], params: Params) => string
  readonly columns?: readonly Column<EntryOf<z.output<R>>>[]
  readonly put?: Definition['put']
  readonly remove?: Definition['remove']
}

/** What a directory lists; of anything else, the thing itself. */
export type EntryOf<T> = T extends { readonly entries: readonly (infer E)[] } ? E : T

/** Preconditions: `resolve` hands a row only nodes of the levels that it stands under. */
export const defineNode = <L extends Level, R extends z.ZodType>(row: Row<L, R>): Definition =>
  row as unknown as Definition
