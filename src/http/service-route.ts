/**
 * Defines the row for each route outside the tree, such as /events and /metrics. Registration, authorisation, the
 * answers 404 and 405, OpenAPI and the client's types are derived from the rows.
 */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Role } from '../tree/role.ts'
import type { ApiDocuments } from './docs.ts'
import type { Health } from './health.ts'
import type { MetricsText } from './metrics.ts'
import type { HeaderName, Tag } from './openapi-parts.ts'
import type { StreamParts } from './stream-request.ts'

/** The parts of the service that the handlers of these routes use. */
export interface ServiceParts extends StreamParts {
  readonly health: Health
  readonly metrics: MetricsText
  readonly documents: ApiDocuments
  /** The store of events and cursors. */
  readonly storage: 'journal' | 'memory'
}

/** The role that a request needs; `open` is for anybody, without a token. */
export type NeededRole = Role | 'open'

/** One kind of reply, for OpenAPI. */
export interface ServiceReply {
  readonly description: string
  readonly headers?: readonly HeaderName[]
  readonly json?: z.ZodType
  /** Shape of one line of NDJSON. */
  readonly line?: z.ZodType
  readonly media?: 'text/plain' | 'text/html'
}

interface AnyServiceVerb {
  readonly summary: string
  readonly operationId: string
  readonly access: NeededRole
  readonly replies: Readonly<Record<number, ServiceReply>>
}

/** A verb typed by the schemas of its query and body. Both are parsed before the handler is called. */
interface TypedServiceVerb<Q extends z.ZodType, B extends z.ZodType> extends AnyServiceVerb {
  /** Null: any query is ignored. */
  readonly query: Q | null
  readonly body?: B
  readonly handle: (request: ServiceRequest<z.output<Q>, z.output<B>>, parts: ServiceParts) => unknown
}

export interface ServiceRequest<Query, Body> {
  readonly query: Query
  readonly body: Body
  /** The parameter in the path; '' where there is none. */
  readonly name: string
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** A verb as the server sees it: query and body have lost their types, as in `Definition` of the tree. */
export interface ServiceVerb extends AnyServiceVerb {
  readonly query: z.ZodType | null
  readonly body?: z.ZodType
  /** Absent where a plugin serves the route. */
  handle?(request: ServiceRequest<unknown, unknown>, parts: ServiceParts): unknown
}

export interface ServiceRoute {
  /** A path with at most one parameter, as in `/subscriptions/:name`. */
  readonly path: string
  readonly tag: Tag
  /** Schema of the parameter in the path. */
  readonly name?: z.ZodType
  /** The route also has every path below it. */
  readonly hasFiles?: true
  /** It is answered whatever `Host` says: load balancers send a name of their own in their health checks, or none. */
  readonly anyHost?: true
  readonly verbs: Readonly<Partial<Record<'GET' | 'OPTIONS' | 'PUT' | 'DELETE', ServiceVerb>>>
}

export function defineVerb<Q extends z.ZodType, B extends z.ZodType>(verb: TypedServiceVerb<Q, B>): ServiceVerb {
  return verb
}
