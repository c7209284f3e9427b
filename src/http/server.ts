/** Builds the HTTP server: the hooks for every request, and the registration of all routes. */

import accepts from '@fastify/accepts'
import websocket from '@fastify/websocket'
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify'
import { bounds } from '../base/bounds.ts'
import type { Hub } from '../stream/hub.ts'
import { chooseSubprotocol } from '../stream/websocket.ts'
import type { TreeContext } from '../tree/context.ts'
import { Fragments } from '../tree/fragments.ts'
import { isInTree } from './access.ts'
import { asyncApi } from './asyncapi.ts'
import { timeBody } from './body-timeout.ts'
import { addCallsRoute } from './calls.ts'
import type { ApiDocuments } from './docs.ts'
import { addDocsPage } from './docs-page.ts'
import type { Health } from './health.ts'
import type { Json } from './json-schema.ts'
import type { MetricsText } from './metrics.ts'
import { openApi } from './openapi.ts'
import { Problem } from './problems.ts'
import { addTreeRoutes } from './routes.ts'
import { admit, type Guards } from './security/admit.ts'
import { answerClientError } from './security/client-error.ts'
import { type ClientLimits, Clients } from './security/clients.ts'
import { type Gate, isKnown } from './security/gate.ts'
import { Listener, type ListenerOptions } from './security/listener.ts'
import { inTurn } from './security/pipeline.ts'
import { Proxies, type ProxyOptions } from './security/proxies.ts'
import { RefusalLog } from './security/refusal-log.ts'
import type { TlsMaterial } from './security/tls.ts'
import { endFaulty, guardWebSocket } from './security/websocket-guard.ts'
import { sendProblem } from './send.ts'
import type { ServiceParts } from './service-route.ts'
import { addServiceRoutes, allowOfService, serviceRouteAt } from './service-routes.ts'

declare module 'fastify' {
  interface FastifyInstance {
    clients: Clients
    listener: Listener
    /**
     * Applies a new token file: streams of unknown tokens are closed. Certificates are replaced where there are any.
     */
    renewAccess(tls: TlsMaterial | null): void
  }
}

export interface ServerParts {
  readonly context: TreeContext
  readonly hub: Hub
  readonly gate: Gate
  readonly health: Health
  readonly metrics: MetricsText
  readonly logger: FastifyBaseLogger
  /** The store of events and cursors. */
  readonly storage: 'journal' | 'memory'
  readonly edge: ListenerOptions
  readonly limits: ClientLimits
  readonly proxies: ProxyOptions
}

export function buildServer(parts: ServerParts): FastifyInstance {
  const proxies = new Proxies(parts.proxies)
  const clients = new Clients(parts.limits, proxies)
  const listener = new Listener(parts.edge, clients)
  const app = createApp(listener, proxies, parts.logger)
  addGuards(app, { clients, gate: parts.gate, listener, proxies })
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(request, reply, error))
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, notFound(request)))
  takeBodiesAsText(app)
  app.register(accepts)
  addWebSockets(app, clients)
  addRoutes(app, { ...parts, clients, fragments: new Fragments(parts.context), documents: apiDocuments(parts.context) })
  return app
}

function createApp(listener: Listener, proxies: Proxies, logger: FastifyBaseLogger): FastifyInstance {
  return fastify({
    serverFactory: (handler) => listener.create(handler),
    loggerInstance: logger,
    // A log line for each request halves the throughput, so only errors are logged. A child logger for each request
    // costs as much as resolving its path.
    childLoggerFactory: (parent) => parent,
    logController: new fastify.LogController({ disableRequestLogging: true }),
    rewriteUrl: (request) => proxies.rewrite(request),
    bodyLimit: bounds.bodyBytesMax,
    routerOptions: { maxParamLength: bounds.pathBytesMax, ignoreTrailingSlash: false },
    clientErrorHandler: answerClientError,
    forceCloseConnections: true,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    frameworkErrors: (error, request, reply) => sendProblem(request, reply, error),
  })
}

/**
 * Bodies and queries are checked by the schemas of the tree, and no route has one for Fastify. Its own compilers would
 * only make the start longer.
 */
function noSchemas() {
  return (): never => {
    throw new Error('assertion failed: no route has a schema for Fastify')
  }
}

/** Decorates the app with access control and checks each request before its body is read. */
function addGuards(app: FastifyInstance, guards: Guards): void {
  const { clients, gate, listener } = guards
  app.decorateRequest('token', null)
  app.decorateRequest('clientView', null)
  app.decorateRequest('stream', null)
  app.decorate('clients', clients)
  app.decorate('listener', listener)
  app.decorate('renewAccess', (tls: TlsMaterial | null) => {
    if (tls !== null) listener.renew(tls)
    clients.endStreams((token) => isKnown(gate, token))
  })
  app.addHook('preClose', (done) => {
    clients.stop()
    listener.cutConnections()
    done()
  })
  const refusals = new RefusalLog(app.log)
  app.addHook('onRequest', (request, reply, done) => {
    try {
      admit(request, guards)
    } catch (error) {
      const from = request.clientView?.address ?? request.raw.socket.remoteAddress ?? ''
      refusals.note(error, { from, token: request.token?.name ?? null })
      throw error
    }
    // An upgraded socket has no reply, so its end cannot be awaited.
    if (request.headers.upgrade === undefined) inTurn(request.raw.socket, reply.raw, done)
    else done()
  })
}

function addWebSockets(app: FastifyInstance, clients: Clients): void {
  app.register(websocket, {
    options: {
      maxPayload: bounds.frameBytesMax,
      perMessageDeflate: false,
      handleProtocols: (offers: Set<string>) => chooseSubprotocol(offers) ?? false,
    },
    errorHandler: endFaulty,
  })
  app.after(() =>
    app.websocketServer.on('connection', (socket, { socket: raw }) => guardWebSocket(clients, socket, raw)),
  )
}

function addRoutes(app: FastifyInstance, parts: ServiceParts): void {
  const { context, documents } = parts
  app.register(async (scope) => addCallsRoute(scope, context))
  app.register(async (scope) => {
    scope.addHook('preParsing', timeBody)
    addTreeRoutes(scope, parts)
    addServiceRoutes(scope, parts)
    addDocsPage(scope, documents, context.version)
  })
}

/** Documents are made at the first request for them: most services never get one. */
function apiDocuments({ version }: TreeContext): ApiDocuments {
  let [rest, streams]: (Json | null)[] = [null, null]
  return {
    openApi: () => {
      rest ??= openApi(version)
      return rest
    },
    asyncApi: () => {
      streams ??= asyncApi(version)
      return streams
    },
  }
}

function notFound(request: FastifyRequest): Problem {
  const path = request.raw.url!.split('?', 1)[0]!
  const route = serviceRouteAt(path)
  // A known path that has no GET here is a missing file of the page.
  const isMissing = (route === null && !isInTree(path)) || request.method === 'GET' || request.method === 'HEAD'
  if (isMissing) return new Problem('no-such-path', `${path} does not exist; / does`, { extra: { exists: '/' } })
  const allow = route === null ? 'GET, HEAD' : allowOfService(route)
  const detail = `${request.method} is not allowed here; use one of ${allow}`
  return new Problem('method-not-allowed', detail, { headers: { allow } })
}

/** Bodies are read as text within the limit; each route parses its own. */
function takeBodiesAsText(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, new TextDecoder('utf-8', { fatal: true }).decode(body as Buffer))
    } catch {
      done(new Problem('malformed-body', 'the body is not UTF-8'))
    }
  })
}
