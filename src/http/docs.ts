/**
 * Serves the routes `/openapi.json`, `/asyncapi.json` and `/docs`, a page to try the requests of the OpenAPI document.
 */

import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { serversAt } from './asyncapi.ts'
import type { Json } from './json-schema.ts'
import { asOpenApi30, openApiVersions } from './openapi-3-0.ts'
import { publicPath } from './public-path.ts'
import { defineVerb, type ServiceRoute } from './service-route.ts'

export interface ApiDocuments {
  openApi(): Json
  asyncApi(): Json
}

const document = { 200: { description: 'The document', json: z.record(z.string(), z.unknown()) } }

export const docsRoutes: readonly ServiceRoute[] = [
  {
    path: '/openapi.json',
    tag: 'Service',
    verbs: {
      GET: defineVerb({
        summary: 'This document',
        operationId: 'openapi',
        access: 'read',
        query: z.strictObject({
          version: z
            .enum(openApiVersions)
            .default('3.1')
            .describe('Version of OpenAPI: 3.0 is for generators that do not read 3.1 well'),
        }),
        replies: document,
        handle: ({ query: { version }, request, reply }, { documents }) => {
          const made = openApiFor(request, documents)
          return reply.send(version === '3.0' ? asOpenApi30(made) : made)
        },
      }),
    },
  },
  {
    path: '/asyncapi.json',
    tag: 'Service',
    verbs: {
      GET: defineVerb({
        summary: 'The AsyncAPI document of the streams',
        operationId: 'asyncapi',
        access: 'read',
        query: null,
        replies: document,
        handle: ({ request, reply }, { documents }) => reply.send(asyncApiFor(request, documents)),
      }),
    },
  },
  {
    path: '/docs',
    tag: 'Service',
    // Open: on this page a person enters the token, and it shows nothing of the machine.
    hasFiles: true,
    verbs: {
      GET: {
        summary: 'This document as a page where requests can be tried',
        operationId: 'docs',
        access: 'open',
        query: null,
        replies: { 200: { description: 'The page', headers: ['X-Frame-Options'], media: 'text/html' } },
      },
    },
  },
]

/** The document with the servers as the client sees them. */
export function openApiFor(request: FastifyRequest, documents: ApiDocuments): Json {
  return { ...documents.openApi(), servers: [{ url: publicPath(request, '') || '/' }] }
}

function asyncApiFor(request: FastifyRequest, documents: ApiDocuments): Json {
  const { host } = request.headers
  const { isSecure = false } = request.clientView ?? {}
  const servers = host === undefined ? {} : { servers: serversAt({ host, prefix: publicPath(request, ''), isSecure }) }
  return { ...documents.asyncApi(), ...servers }
}
