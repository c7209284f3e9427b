/** `/openapi.json`, `/asyncapi.json`, and `/docs`: the first as a page where requests can be tried. */

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { asyncApi } from './asyncapi.ts'
import { openApi } from './openapi.ts'

export async function addDocs(app: FastifyInstance, version: string): Promise<void> {
  let made: Record<string, unknown> | null = null
  const document = () => {
    made ??= openApi(version)
    return made
  }
  app.get('/openapi.json', async () => document())
  let streams: Record<string, unknown> | null = null
  app.get('/asyncapi.json', async () => {
    streams ??= asyncApi(version)
    return streams
  })
  // The page's library wants a document of its own when it begins; ours is made when it is first asked for.
  const empty = { openapi: '3.1.0', info: { title: 'introspectd', version }, paths: {} }
  await app.register(swagger, { mode: 'static', specification: { document: empty } })
  await app.register(async (page) => {
    // Requests are made from it by a click: in a frame of another page it would not be known whose.
    page.addHook('onRequest', (_request, reply, done) => {
      reply.header('x-frame-options', 'DENY')
      done()
    })
    await page.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { docExpansion: 'list', tryItOutEnabled: true },
      transformSpecification: document,
    })
  })
}
