/** Whether the service lives and is ready, and what it is, outside the tree. */

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { TreeContext } from '../tree/definition.ts'
import { Problem } from './problems.ts'

export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export interface Health {
  /** What readiness rests on; some may be not ok without the service being unready: `ready` decides. */
  readonly checks: () => readonly Check[]
  readonly ready: () => boolean
}

const Query = z.strictObject({ verbose: z.string().optional() })

export function addHealthRoutes(
  app: FastifyInstance,
  { context, health }: { context: TreeContext; health: Health },
): void {
  app.get('/livez', async (_request, reply) => reply.type('text/plain; charset=utf-8').send('ok\n'))
  app.get('/readyz', async (request, reply) => {
    const query = Query.safeParse(request.query)
    if (!query.success) throw new Problem('invalid-query', '/readyz takes ?verbose only')
    const ready = health.ready()
    const verdict = ready ? 'ok\n' : 'not ready\n'
    const lines = health.checks().map(({ name, ok, detail }) => `[${ok ? '+' : '-'}] ${name}: ${detail}\n`)
    const text = query.data.verbose === undefined ? verdict : `${lines.join('')}${verdict}`
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .type('text/plain; charset=utf-8')
      .send(text)
  })
  app.get('/', async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(
      `${JSON.stringify(
        {
          service: 'introspectd',
          version: context.version,
          node: context.host,
          tree: '/sys',
          processes: '/sys/proc?format=text',
          limits: '/sys/limits?format=text',
          openapi: '/openapi.json',
          asyncapi: '/asyncapi.json',
          docs: '/docs',
          metrics: '/metrics',
          ready: '/readyz?verbose',
        },
        null,
        2,
      )}\n`,
    ),
  )
}
