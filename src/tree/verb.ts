/**
 * Defines PUT, POST and DELETE of a row: the schema of the body, the role that a request needs, and the function that
 * carries it out. The route parses the body once, by the schema, and the function gets it typed.
 */

import type { z } from 'zod'
import type { Node } from '../kernel/nodes/node.ts'
import type { TreeContext } from './context.ts'
import type { Role } from './role.ts'

export type Params = Readonly<Record<string, string>>

/** `If-Match` and `If-None-Match`, as lists of ETags or `*`; null where the header is absent. */
export interface Preconditions {
  readonly ifMatch: string | null
  readonly ifNoneMatch: string | null
}

/** One request that changes something, resolved and parsed. */
export interface VerbRequest<N, Body> {
  readonly context: TreeContext
  readonly node: N
  readonly params: Params
  readonly body: Body
  /** Name of the token that sent the request; null where the service runs without tokens. */
  readonly owner: string | null
  readonly preconditions: Preconditions
  /** `?dry-run`: report the result and change nothing. */
  readonly dryRun: boolean
}

/** A body that is written a moment later, because a reading on which it depends is on its way. */
export interface DeferredBody {
  readonly isPending: () => boolean
  readonly write: () => unknown
}

export interface VerbResult {
  readonly status: number
  readonly body?: unknown
  /** Replaces `body` when it is no longer pending, or has been for too long. */
  readonly deferred?: DeferredBody
  readonly etag?: string
  /** Pathname of the new resource. */
  readonly location?: string
}

/** A second form of a body: plain text, as one would write it to a file in /proc. */
export interface TextForm {
  /** Turns the words of the text into the object that the body's schema parses. @throws MalformedText */
  readonly parse: (words: readonly string[], params: Params) => unknown
  readonly examples: readonly string[]
}

/** The columns that every verb has. */
interface AnyVerb {
  readonly summary: string
  /** The role that every request needs, whatever its body. It is checked before the body is read. */
  readonly role: Role
  /** Only the model serves it: on a live machine the answer is 405. */
  readonly modelOnly?: true
}

/** A verb with a body, typed by the schema of the body. */
export interface BodyVerb<N, B extends z.ZodType> extends AnyVerb {
  readonly body: B
  /** Shape of the reply, where it is not the one that GET has. */
  readonly reply?: z.ZodType
  readonly text?: TextForm
  /** The body is the text of a YAML file, passed on unparsed. */
  readonly yaml?: true
  /** For bodies that may be larger than others. */
  readonly bodyBytesMax?: number
  /** `?dry-run` is supported. */
  readonly dryRun?: true
  /** The role that a request with this body needs, where the body decides: `role` or a higher one. */
  roleFor?(body: z.output<B>): Role
  run(request: VerbRequest<N, z.output<B>>): VerbResult
}

export interface BodilessVerb<N> extends AnyVerb {
  run(request: VerbRequest<N, null>): VerbResult
}

/** The verbs of a row as the routes see them: node and body have lost their types. */
export interface Verb extends AnyVerb {
  /** Null for DELETE. */
  readonly body: z.ZodType | null
  readonly reply?: z.ZodType
  readonly text?: TextForm
  readonly yaml?: true
  readonly bodyBytesMax?: number
  readonly dryRun?: true
  roleFor?(body: unknown): Role
  run(request: VerbRequest<Node, unknown>): VerbResult
}

/** POST of a stream of NDJSON lines, served by a route of its own: each line is answered by a line. */
export interface LinesVerb extends AnyVerb {
  /** A line that a client could send. */
  readonly example: string
  /** Shape of one line of the reply. */
  readonly reply: z.ZodType
}
