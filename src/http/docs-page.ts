/** Serves the page `/docs` and its files. They are loaded at the first request: most services never get one. */

import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type ApiDocuments, openApiFor } from './docs.ts'
import { Problem } from './problems.ts'
import { publicPath } from './public-path.ts'

/** Headers of the plugin's own connection, which says nothing of ours. */
const ownHeaders = ['connection', 'date', 'keep-alive']

export function addDocsPage(app: FastifyInstance, documents: ApiDocuments, version: string): void {
  const loaded = loadOnce(() => loadPage(version))
  app.register(async (scope) => {
    // A click on this page sends requests. In a frame of another page a user could be tricked into that click.
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('x-frame-options', 'DENY')
    })
    scope.get('/docs/json', (request, reply) => reply.send(openApiFor(request, documents)))
    for (const path of ['/docs', '/docs/', '/docs/*'])
      scope.get(path, async (request, reply) => forward(await loaded(), request, reply))
  })
}

/** After a failure the next call loads again. */
function loadOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | null = null
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = null
      throw error
    })
    return loading
  }
}

/** An application of its own, because the one of the service takes no more routes once it has started. */
async function loadPage(version: string): Promise<FastifyInstance> {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ])
  const page = fastify()
  // The plugin needs a document; the page gets the real one from `/docs/json`.
  const empty = { openapi: '3.1.0', info: { title: 'introspectd', version }, paths: {} }
  await page.register(swagger, { mode: 'static', specification: { document: empty } })
  await page.register(swaggerUi, {
    routePrefix: '/docs',
    // Makes the URLs in the page relative, so that they are right under any prefix.
    indexPrefix: '.',
    uiConfig: { docExpansion: 'list', tryItOutEnabled: true },
  })
  await page.ready()
  return page
}

async function forward(page: FastifyInstance, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { url, headers } = request
  // For HEAD too: Fastify then leaves out the body.
  const answer = await page.inject({ method: 'GET', url, headers })
  if (answer.statusCode === 404) {
    reply.callNotFound()
    return reply
  }
  if (answer.statusCode >= 400) throw new Problem('malformed-path', `${url} is no file of the page /docs`)
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !ownHeaders.includes(name)) reply.header(name, value)
  // One of the files redirects to the page, at a path without the prefix of proxies.
  const { location } = answer.headers
  if (typeof location === 'string') reply.header('location', publicPath(request, location))
  const { statusCode, rawPayload } = answer
  return reply.code(statusCode).send(rawPayload.length === 0 ? null : rawPayload)
}
