/** Finds the row of a path outside the tree, and registers the rows with Fastify. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readBody } from './body.ts'
import { docsRoutes } from './docs.ts'
import { eventsRoute } from './events.ts'
import { healthRoutes } from './health.ts'
import { metricsRoute } from './metrics.ts'
import { parseQuery } from './negotiate.ts'
import type { ServiceParts, ServiceRoute, ServiceVerb } from './service-route.ts'
import { subscriptionRoutes } from './subscriptions.ts'

export const serviceRoutes: readonly ServiceRoute[] = [
  eventsRoute,
  ...subscriptionRoutes,
  metricsRoute,
  ...healthRoutes,
  ...docsRoutes,
]

const patterns = serviceRoutes.map((route) => {
  const path = route.path.replaceAll('.', '\\.').replace(/:\w+/, '[^/]*')
  return { route, pattern: new RegExp(`^${path}${route.hasFiles ? '(?:/.*)?' : ''}$`) }
})

/** The row that a path belongs to; null for the tree and for paths that do not exist. */
export function serviceRouteAt(path: string): ServiceRoute | null {
  return patterns.find(({ pattern }) => pattern.test(path))?.route ?? null
}

export function allowOfService({ verbs }: ServiceRoute): string {
  return ['GET', 'HEAD', ...Object.keys(verbs).filter((method) => method !== 'GET')].join(', ')
}

export function addServiceRoutes(app: FastifyInstance, parts: ServiceParts): void {
  for (const { path, verbs } of serviceRoutes)
    for (const [method, verb] of Object.entries(verbs)) {
      if (verb.handle === undefined) continue
      app.route<NamedRoute>({ method, url: path, handler: (request, reply) => handle(verb, parts, request, reply) })
    }
}

/** Routes without a parameter have no name. */
interface NamedRoute {
  Params: { name?: string }
}

function handle(
  verb: ServiceVerb,
  parts: ServiceParts,
  request: FastifyRequest<NamedRoute>,
  reply: FastifyReply<NamedRoute>,
): unknown {
  const query = verb.query === null ? {} : parseQuery(verb.query, request.query)
  const body = verb.body === undefined ? null : readBody(request, { body: verb.body })
  return verb.handle!({ query, body, name: request.params.name ?? '', request, reply }, parts)
}
