/** `/metrics`, for Prometheus. */

import type { FastifyInstance } from 'fastify'
import { authorize } from './security/gate.ts'

export interface MetricsText {
  readonly contentType: string
  text(): Promise<string>
}

export function addMetricsRoute(app: FastifyInstance, metrics: MetricsText): void {
  app.get('/metrics', async (request, reply) => {
    authorize(request.token, 'read')
    return reply.type(metrics.contentType).send(await metrics.text())
  })
}
