/** Serves the route `/metrics`: the service's own metrics in the format of Prometheus. */

import { defineVerb, type ServiceRoute } from './service-route.ts'

export interface MetricsText {
  readonly contentType: string
  text(): Promise<string>
}

export const metricsRoute: ServiceRoute = {
  path: '/metrics',
  tag: 'Service',
  verbs: {
    GET: defineVerb({
      summary: 'Metrics of the service, for Prometheus',
      operationId: 'metrics',
      access: 'read',
      query: null,
      replies: { 200: { description: 'The metrics', media: 'text/plain' } },
      handle: async ({ reply }, { metrics }) => reply.type(metrics.contentType).send(await metrics.text()),
    }),
  },
}
