/** The HTTP server: what is true of every request, and the few routes outside the tree. */

import { PassThrough } from 'node:stream'
import accepts from '@fastify/accepts'
import websocket from '@fastify/websocket'
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RequestPayload,
} from 'fastify'
import { bounds } from '../base/bounds.ts'
import type { Hub } from '../stream/hub.ts'
import { chooseSubprotocol } from '../stream/websocket.ts'
import type { TreeContext } from '../tree/definition.ts'
import { Fragments } from '../tree/fragments.ts'
import { addCallsRoute } from './calls.ts'
import { addDocs } from './docs.ts'
import { addEventsRoute } from './events.ts'
import { addHealthRoutes, type Health } from './health.ts'
import { addMetricsRoute, type MetricsText } from './metrics.ts'
import { Problem, type ProblemAnswer, problemOf } from './problems.ts'
import { addTreeRoutes } from './routes.ts'
import { answerClientError } from './security/client-error.ts'
import { type ClientLimits, Clients } from './security/clients.ts'
import { authenticate, checkPlaces, type Gate, isKnown, refuseTokenInUrl } from './security/gate.ts'
import { Listener, type ListenerOptions } from './security/listener.ts'
import { inTurn } from './security/pipeline.ts'
import type { TlsMaterial } from './security/tls.ts'
import { endFaulty, guardWebSocket } from './security/websocket-guard.ts'
import { addSubscriptionRoutes } from './subscriptions.ts'

declare module 'fastify' {
  interface FastifyInstance {
    clients: Clients
    /** The gate lets others in than before: those that it knew are asked to go. Certificates are as given, where there are any. */
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
  /** Where events and cursors are. */
  readonly storage: 'journal' | 'memory'
  readonly edge: ListenerOptions
  readonly limits: ClientLimits
}

export function buildServer(parts: ServerParts): FastifyInstance {
  const { context, hub, gate, health, metrics, logger, edge, storage } = parts
  const clients = new Clients(parts.limits)
  const listener = new Listener(edge, clients)
  const app = fastify({
    serverFactory: (handler) => listener.create(handler),
    loggerInstance: logger,
    // A log line a request halves the throughput: errors only.
    // A logger a request costs as much as resolving the path.
    childLoggerFactory: (parent) => parent,
    logController: new fastify.LogController({ disableRequestLogging: true }),
    bodyLimit: bounds.bodyBytesMax,
    routerOptions: { maxParamLength: bounds.pathBytesMax, ignoreTrailingSlash: false },
    clientErrorHandler: answerClientError,
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => sendProblem(reply, problemOf(error, request.raw.url ?? '')),
  })
  app.decorateRequest('token', null)
  app.decorateRequest('stream', null)
  app.decorate('clients', clients)
  app.decorate('renewAccess', (tls: TlsMaterial | null) => {
    if (tls !== null) listener.renew(tls)
    clients.endStreams((token) => isKnown(gate, token))
  })
  app.addHook('preClose', (done) => {
    clients.stop()
    listener.cutConnections()
    done()
  })
  app.addHook('onRequest', (request, reply, done) => {
    clients.admitRequest(request.raw.socket)
    letIn(request, { gate, listener })
    // A socket that is upgraded has no answer that could end.
    if (request.headers.upgrade === undefined) inTurn(request.raw.socket, reply.raw, done)
    else done()
  })
  app.setErrorHandler((error: FastifyError, request, reply) => fail(error, request, reply))
  app.setNotFoundHandler((request, reply) => fail(notFound(request), request, reply))
  takeBodiesAsText(app)
  app.register(accepts)
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
  app.register(async (scope) => addCallsRoute(scope, context))
  app.register(async (scope) => {
    scope.addHook('preParsing', timeBody)
    const tree = { context, hub, fragments: new Fragments(context), clients }
    addTreeRoutes(scope, tree)
    addEventsRoute(scope, tree)
    addSubscriptionRoutes(scope, { hub, storage })
    addHealthRoutes(scope, { context, health })
    addMetricsRoute(scope, metrics)
    await addDocs(scope, context.version)
  })
  return app
}

/** All that can be said of a request before it is known what it asks for. @throws Problem */
function letIn(request: FastifyRequest, { gate, listener }: { gate: Gate; listener: Listener }): void {
  const { headers } = request
  const isUpgrade = headers.upgrade !== undefined
  checkPlaces(gate, { host: headers.host, origin: headers.origin, isSecure: listener.isSecure })
  const url = request.raw.url!
  if (url.length > bounds.pathBytesMax || Buffer.byteLength(url) > bounds.pathBytesMax) {
    throw new Problem('path-too-long', `at most ${bounds.pathBytesMax} bytes`)
  }
  if (!url.startsWith('/')) throw new Problem('malformed-path', 'the path begins with /')
  refuseTokenInUrl(url)
  const path = url.split('?', 1)[0]!
  if (!isOpen(path)) {
    request.token = authenticate(gate, {
      authorization: headers.authorization,
      subprotocols: isUpgrade ? (headers['sec-websocket-protocol'] ?? null) : null,
      certificate: listener.certificateOf(request.raw.socket),
    })
  }
  if (isUpgrade && !inTree.test(path)) {
    throw new Problem(
      'malformed-request',
      `there is no stream at ${path}; there is one at /sys and at every path below it`,
    )
  }
}

const inTree = /^\/sys(?:\/|$)/

/** What a supervisor asks before it has a token, and the page where a person enters theirs. */
function isOpen(path: string): boolean {
  return path === '/livez' || path === '/readyz' || /^\/docs(?:\/|$)/.test(path)
}

function fail(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const answer = problemOf(error, request.raw.url!.split('?', 1)[0]!)
  // A socket that came for an upgrade is no longer the HTTP server's to close.
  if (request.headers.upgrade !== undefined) reply.raw.once('finish', () => request.raw.socket.end())
  if (answer.fault) request.log.error({ err: error, method: request.method, url: request.url }, 'a request failed')
  return sendProblem(reply, answer)
}

function sendProblem(reply: FastifyReply, { document, headers }: ProblemAnswer): FastifyReply {
  return reply
    .code(document.status)
    .headers(headers)
    .type('application/problem+json; charset=utf-8')
    .send(`${JSON.stringify(document, null, 2)}\n`)
}

const known =
  /^\/(?:sys(?:\/.*)?|livez|readyz|metrics|events|subscriptions(?:\/[^/]*)?|docs(?:\/.*)?|openapi\.json|asyncapi\.json)?$/

function notFound(request: FastifyRequest): Problem {
  const path = request.raw.url!.split('?', 1)[0]!
  // What is known answers GET: of the page's files there may be another.
  const isMissing = !known.test(path) || request.method === 'GET' || request.method === 'HEAD'
  if (isMissing) return new Problem('no-such-path', `${path} does not exist; / does`, { extra: { exists: '/' } })
  const allow = /^\/subscriptions\/./.test(path) ? 'GET, HEAD, PUT, DELETE' : 'GET, HEAD'
  return new Problem('method-not-allowed', `${request.method} is not among ${allow}`, { headers: { allow } })
}

/** A body that does not arrive in time is answered, not waited for. */
function timeBody(
  { headers, log }: FastifyRequest,
  reply: FastifyReply,
  payload: RequestPayload,
  done: (error: null, payload: RequestPayload) => void,
): void {
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
    done(null, payload)
    return
  }
  // Ending the request's own stream would end the socket on which it is to be answered.
  const timed = new PassThrough()
  const late = new Problem('request-timeout', `a body arrives within ${bounds.requestMsMax / 1000} s`, {
    headers: { connection: 'close' },
  })
  const timer = setTimeout(() => timed.destroy(late), bounds.requestMsMax)
  timed.once('close', () => clearTimeout(timer))
  // Whoever reads it hears of this as well; but of a GET, and where it is too large from the start, nobody does.
  timed.on('error', (error) => log.debug({ err: error }, 'a body was given up'))
  reply.raw.once('close', () => {
    payload.unpipe(timed)
    payload.resume()
    timed.destroy()
  })
  payload.once('error', (error) => timed.destroy(error))
  done(null, payload.pipe(timed))
}

/** Which bodies are understood depends on the route; here they are only read, within the limit. */
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
