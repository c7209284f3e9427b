/** Serves the routes `/livez` and `/readyz` for supervisors, and `/`, which names the entry points of the service. */

import { z } from 'zod'
import { publicPath } from './public-path.ts'
import { jsonText, jsonType } from './send.ts'
import { defineVerb, type ServiceParts, type ServiceRequest, type ServiceRoute } from './service-route.ts'

export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export interface Health {
  /** The parts that readiness depends on. Some may fail while the service is ready: `ready` decides. */
  readonly checks: () => readonly Check[]
  readonly ready: () => boolean
}

const plainText = 'text/plain; charset=utf-8'

// HAProxy checks health with OPTIONS unless it is configured otherwise.
const forHaproxy = 'The same, for load balancers that check with OPTIONS'

const livez = {
  summary: 'Whether the service is alive',
  access: 'open',
  query: null,
  replies: { 200: { description: 'ok', media: 'text/plain' } },
  handle: ({ reply }: ServiceRequest<unknown, unknown>) => reply.type(plainText).send('ok\n'),
} as const

const ReadyQuery = z.strictObject({
  verbose: z.string().optional().meta({ description: 'List the checks; needs no value', allowEmptyValue: true }),
})

const readyz = {
  summary: 'Whether the service is ready to serve; ?verbose lists the checks',
  access: 'open',
  query: ReadyQuery,
  replies: {
    200: { description: 'ready', headers: ['Cache-Control'], media: 'text/plain' },
    503: { description: 'not ready', headers: ['Cache-Control'], media: 'text/plain' },
  },
  handle: (
    { query: { verbose }, reply }: ServiceRequest<z.output<typeof ReadyQuery>, unknown>,
    { health }: ServiceParts,
  ) => {
    const isReady = health.ready()
    const verdict = isReady ? 'ok\n' : 'not ready\n'
    const lines = health.checks().map(({ name, ok, detail }) => `[${ok ? '+' : '-'}] ${name}: ${detail}\n`)
    return reply
      .code(isReady ? 200 : 503)
      .header('cache-control', 'no-store')
      .type(plainText)
      .send(verbose === undefined ? verdict : `${lines.join('')}${verdict}`)
  },
} as const

const entryPoints = {
  tree: '/sys',
  processes: '/sys/proc?format=text',
  limits: '/sys/limits?format=text',
  openapi: '/openapi.json',
  asyncapi: '/asyncapi.json',
  docs: '/docs',
  metrics: '/metrics',
  ready: '/readyz?verbose',
}

export const healthRoutes: readonly ServiceRoute[] = [
  {
    path: '/livez',
    tag: 'Service',
    anyHost: true,
    verbs: {
      GET: defineVerb({ ...livez, operationId: 'livez' }),
      OPTIONS: defineVerb({ ...livez, operationId: 'livezOptions', summary: forHaproxy }),
    },
  },
  {
    path: '/readyz',
    tag: 'Service',
    anyHost: true,
    verbs: {
      GET: defineVerb({ ...readyz, operationId: 'readyz' }),
      OPTIONS: defineVerb({ ...readyz, operationId: 'readyzOptions', summary: forHaproxy }),
    },
  },
  {
    path: '/',
    tag: 'Service',
    verbs: {
      GET: defineVerb({
        summary: 'The entry points of the service',
        operationId: 'root',
        access: 'read',
        query: null,
        replies: { 200: { description: 'Paths by name', json: z.record(z.string(), z.string()) } },
        handle: ({ request, reply }, { context: { version, host } }) => {
          const paths = Object.entries(entryPoints).map(([name, path]) => [name, publicPath(request, path)])
          const view = { service: 'introspectd', version, node: host, ...Object.fromEntries(paths) }
          return reply.type(jsonType).send(jsonText(view, true))
        },
      }),
    },
  },
]
