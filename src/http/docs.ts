/**
 * Serves the routes `/openapi.json`, `/asyncapi.json` and `/docs`, a page to try the requests of the OpenAPI document.
 */

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Json } from './json-schema.ts'
import { defineVerb, type ServiceRoute } from './service-route.ts'

export interface ApiDocuments {
  openApi(): Json
  asyncApi(): Json
}

const document = { 200: { description: 'The document', json: z.record(z.string(), z.unknown()) } }

export const docsRoutes: readonly ServiceRoute[] = [
  {
    path: '/openapi.json',
    verbs: {
      GET: defineVerb({
        summary: 'This document',
        operationId: 'openapi',
        access: 'read',
        query: null,
        replies: document,
        handle: ({ reply }, { documents }) => reply.send(documents.openApi()),
      }),
    },
  },
  {
    path: '/asyncapi.json',
    verbs: {
      GET: defineVerb({
        summary: 'The AsyncAPI document of the streams',
        operationId: 'asyncapi',
        access: 'read',
        query: null,
        replies: document,
        handle: ({ reply }, { documents }) => reply.send(documents.asyncApi()),
      }),
    },
  },
  {
    path: '/docs',
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
    await page.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { docExpansion: 'list', tryItOutEnabled: true },
      transformSpecification: () => documents.openApi(),
    })
  })
}
