/**
 * Serves the routes `/openapi.json`, `/asyncapi.json` and `/docs`, a page to try the requests of the OpenAPI document.
 */

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { serversAt } from './asyncapi.ts'
import type { Json } from './json-schema.ts'
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
        query: null,
        replies: document,
        handle: ({ request, reply }, { documents }) => reply.send(openApiFor(request, documents)),
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
function openApiFor(request: FastifyRequest, documents: ApiDocuments): Json {
  return { ...documents.openApi(), servers: [{ url: publicPath(request, '') || '/' }] }
}

function asyncApiFor(request: FastifyRequest, documents: ApiDocuments): Json {
  const { host } = request.headers
  const { isSecure = false } = request.clientView ?? {}
  const servers = host === undefined ? {} : { servers: serversAt({ host, prefix: publicPath(request, ''), isSecure }) }
  return { ...documents.asyncApi(), ...servers }
}

/** Serves `/docs` and its files by a plugin. */
export async function addDocsPage(app: FastifyInstance, documents: ApiDocuments, version: string): Promise<void> {
  // The plugin needs a document at startup; the real one is made at the first request for it.
  const empty = { openapi: '3.1.0', info: { title: 'introspectd', version }, paths: {} }
  await app.register(swagger, { mode: 'static', specification: { document: empty } })
  await app.register(async (page) => {
    // A click on this page sends requests. In a frame of another page a user could be tricked into that click.
    page.addHook('onRequest', (_request, reply, done) => {
      reply.header('x-frame-options', 'DENY')
      done()
    })
    // The plugin sends clients from one of its files to the page, at a path without the prefix of proxies.
    page.addHook('onSend', (request, reply, _body, done) => {
      const location = reply.getHeader('location')
      if (typeof location === 'string') reply.header('location', publicPath(request, location))
      done()
    })
    await page.register(swaggerUi, {
      routePrefix: '/docs',
      // Makes the URLs in the page relative, so that they are right under any prefix.
      indexPrefix: '.',
      uiConfig: { docExpansion: 'list', tryItOutEnabled: true },
      transformSpecification: (_document, request) => openApiFor(request, documents),
    })
  })
}
