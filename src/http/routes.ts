/**
 * Serves the pathname space: one route for reads, streams and upgrades, one for every method that changes something.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import { processOf } from '../kernel/nodes/owners.ts'
import { streamOverSse } from '../stream/sse.ts'
import { streamOverWebSocket, type WebSocketRequest } from '../stream/websocket.ts'
import type { TreeContext } from '../tree/context.ts'
import type { Definition } from '../tree/definition.ts'
import { NoSuchPath, PreconditionFailed } from '../tree/errors.ts'
import { read } from '../tree/read.ts'
import { type Resolved, resolve } from '../tree/resolve.ts'
import { definitions } from '../tree/tree.ts'
import type { DeferredBody, Preconditions, Verb } from '../tree/verb.ts'
import { requireRole } from './access.ts'
import { readBody } from './body.ts'
import { allForms, forms, readForm, refuseQuery, wantedForm } from './negotiate.ts'
import { Problem, withoutModel } from './problems.ts'
import { publicPath } from './public-path.ts'
import type { StreamClient } from './security/clients.ts'
import { sendJson } from './send.ts'
import { refuseGone, type StreamParts, subscriptionRequestOf, webSocketRequest } from './stream-request.ts'
import { writeReading } from './write-reading.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before an upgrade: the subscription or frames that the WebSocket will carry. */
    stream: WebSocketRequest | null
  }
}

const writingMethods = ['PUT', 'DELETE', 'POST', 'PATCH', 'OPTIONS'] as const

export function addTreeRoutes(app: FastifyInstance, parts: StreamParts): void {
  for (const url of ['/sys', '/sys/*']) {
    app.route({
      method: 'GET',
      url,
      preValidation: (request, _reply, done) => {
        prepareUpgrade(parts, request)
        done()
      },
      handler: (request, reply) => answerRead(parts, request, reply),
      wsHandler: (socket: WebSocket, request: FastifyRequest) =>
        streamOverWebSocket(parts.hub, { socket, raw: request.raw.socket }, request.stream!),
    })
    app.route({ method: [...writingMethods], url, handler: (request, reply) => answerWrite(parts, request, reply) })
  }
  for (const definition of definitions) addLargeBody(app, parts, definition)
}

/** A route of its own for a row of the system whose bodies may be larger than others. */
function addLargeBody(app: FastifyInstance, parts: StreamParts, definition: Definition): void {
  const { put, leaf } = definition
  if (put?.bodyBytesMax === undefined) return
  app.route({
    method: 'PUT',
    url: `/sys/${leaf}`,
    bodyLimit: put.bodyBytesMax,
    // Refused before the large body is read.
    onRequest: (_request, _reply, done) => {
      checkModel(definition, definition, parts.context)
      done()
    },
    handler: (request, reply) => answerWrite(parts, request, reply),
  })
}

function pathOf(request: FastifyRequest): string {
  return request.raw.url!.split('?', 1)[0]!
}

/** Reports every error of a stream's request before the upgrade, as a problem. */
function prepareUpgrade(parts: StreamParts, request: FastifyRequest): void {
  if (!request.ws) return
  request.stream = webSocketRequest(parts, request)
  const { socket } = request.raw
  parts.clients.admitStream(streamClientOf(request), socket, () => socket.destroy())
}

function streamClientOf({ raw: { socket }, token, clientView }: FastifyRequest): StreamClient {
  return { socket, token, address: clientView?.address ?? null }
}

interface ModelColumn {
  readonly modelOnly?: true
}

/** The methods of a row; on a live machine without those of the model. */
function allowOf(definition: Definition, { model }: TreeContext): string {
  const isServed = (row: ModelColumn | undefined) => row !== undefined && (model !== null || !row.modelOnly)
  if (!isServed(definition)) return 'OPTIONS'
  const { put, post, postLines, remove } = definition
  const verbs = { PUT: put, POST: post ?? postLines, DELETE: remove }
  const writes = Object.entries(verbs).flatMap(([method, verb]) => (isServed(verb) ? [method] : []))
  return ['GET', 'HEAD', 'OPTIONS', ...writes].join(', ')
}

/** @throws Problem on a live machine, where only the model serves the row or verb */
function checkModel(row: ModelColumn, definition: Definition, context: TreeContext): void {
  if (row.modelOnly && context.model === null) throw withoutModel(context.source, allowOf(definition, context))
}

function commonHeaders(
  { hub }: StreamParts,
  request: FastifyRequest,
  { canonical, isAlias }: Pick<Resolved, 'canonical' | 'isAlias'>,
): Record<string, string> {
  const headers = { vary: 'Accept, User-Agent', 'introspect-cursor': cursorText(hub.settledCursor()) }
  return isAlias ? { ...headers, 'content-location': publicPath(request, canonical) } : headers
}

function answerRead(parts: StreamParts, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { context, fragments } = parts
  const wanted = wantedForm(request, allForms)
  if (wanted === 'stream') return startSse(parts, request, reply)
  const resolved = resolve(context.kernel, pathOf(request))
  const { definition, node, params } = resolved
  checkModel(definition, definition, context)
  const form = readForm(wanted, request.query, request.headers)
  const result = read(context, fragments, resolved, form.read)
  // Written before the cursor is taken, in the same tick, so that the cursor is consistent with the reply.
  const { type, body } = writeReading(resolved, result, form)
  reply.headers(commonHeaders(parts, request, resolved)).type(type)
  const etag = definition.etag?.(context, node, params) ?? null
  if (etag !== null) reply.header('etag', etag)
  if (result.list?.next)
    reply.header('link', `<${publicPath(request, nextPage(request.raw.url!, result.list.next))}>; rel="next"`)
  return reply.send(body)
}

/** The URL of the same request for the next page. */
function nextPage(url: string, cursor: string): string {
  const [path, query] = url.split('?')
  const parameters = new URLSearchParams(query)
  parameters.set('cursor', cursor)
  return `${path}?${parameters}`
}

function startSse(parts: StreamParts, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { hub } = parts
  const subscription = subscriptionRequestOf(parts, request)
  const start = hub.startPosition(subscription)
  refuseGone(start)
  const { text } = subscription.filter
  const common = commonHeaders(parts, request, { canonical: text, isAlias: text !== pathOf(request) })
  // A client that is cut off before the first event resumes from the cursor at which the stream began.
  const headers = start.kind === 'after' ? { ...common, 'introspect-cursor': cursorText(start.cursor) } : common
  parts.clients.admitStream(streamClientOf(request), reply.raw, (reason) => reply.raw.end(`: ${reason}\n\n`))
  reply.hijack()
  if (request.method === 'HEAD') reply.raw.writeHead(200, { ...headers, 'content-type': forms.stream }).end()
  else streamOverSse(hub, reply.raw, headers, { request: subscription, start })
  return reply
}

/** `admit` has checked the role of the verb before the body was read. The body can need a higher role. */
function answerWrite(
  parts: StreamParts,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | Promise<FastifyReply> {
  const { context } = parts
  context.catchUp()
  const resolved = resolveForWriting(context, request)
  const { definition, node, params } = resolved
  if (request.method === 'OPTIONS') return reply.code(204).header('allow', allowOf(definition, context)).send()
  checkModel(definition, definition, context)
  checkIfProcess(request, resolved)
  const dryRun = isDryRun(request, definition)
  const verb = verbOf(request, definition, context)
  checkModel(verb, definition, context)
  const body = verb.body === null ? null : readBody(request, { ...verb, body: verb.body, params })
  requireRole(request.token, verb.roleFor?.(body) ?? verb.role)
  const owner = request.token?.name ?? null
  const preconditions = preconditionsOf(request)
  const result = verb.run({ context, node, params, body, owner, preconditions, dryRun })
  reply.code(result.status)
  if (result.etag) reply.header('etag', result.etag)
  if (result.status === 201) reply.header('location', publicPath(request, result.location ?? resolved.canonical))
  const send = (body: unknown) => {
    // Taken with the body, so that the cursor is consistent with it.
    reply.headers(commonHeaders(parts, request, resolved))
    return body === undefined ? reply.send() : sendJson(request, reply, body)
  }
  return result.deferred === undefined ? send(result.body) : written(result.deferred).then(send)
}

/** Waits until the body is no longer pending, for a limited time. */
async function written({ isPending, write }: DeferredBody): Promise<unknown> {
  const until = performance.now() + bounds.firstReadingMsMax
  while (isPending() && performance.now() < until) await delay(bounds.firstReadingLookMs)
  return write()
}

/** @throws Problem */
function verbOf({ method }: FastifyRequest, definition: Definition, context: TreeContext): Verb {
  const { put, post, remove } = definition
  const verbs: Readonly<Record<string, Verb | undefined>> = { PUT: put, POST: post, DELETE: remove }
  const verb = verbs[method]
  if (verb !== undefined) return verb
  const allow = allowOf(definition, context)
  throw new Problem('method-not-allowed', `${method} is not allowed here; use one of ${allow}`, { headers: { allow } })
}

/** @throws Problem for any other query */
function isDryRun(request: FastifyRequest, { put }: Definition): boolean {
  if (request.method !== 'PUT' || put?.dryRun !== true) {
    refuseQuery(request)
    return false
  }
  const given = Object.entries(Object(request.query))
  const unknown = given.filter(([name, value]) => name !== 'dry-run' || !['', 'true'].includes(String(value)))
  if (unknown.length === 0) return given.length > 0
  const names = unknown.map(([name]) => name).join(', ')
  throw new Problem('invalid-query', `PUT takes ?dry-run or ?dry-run=true here, and not ${names}`)
}

function header(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

function preconditionsOf(request: FastifyRequest): Preconditions {
  return {
    ifMatch: header(request, 'if-match'),
    ifNoneMatch: header(request, 'if-none-match'),
  }
}

/** With `If-Process`, a process that has ended is a failed precondition and no missing path. */
function resolveForWriting({ kernel }: TreeContext, request: FastifyRequest): Resolved {
  try {
    return resolve(kernel, pathOf(request), { creating: request.method === 'PUT' })
  } catch (error) {
    const identity = header(request, 'if-process')
    if (error instanceof NoSuchPath && identity !== null && /^\/sys(\/.*)?\/proc\//.test(pathOf(request))) {
      throw new PreconditionFailed(`the process ${identity} has ended`)
    }
    throw error
  }
}

function checkIfProcess(request: FastifyRequest, { node }: Resolved): void {
  const identity = header(request, 'if-process')
  if (identity === null) return
  const process = processOf(node)
  if (process === null) throw new Problem('malformed-request', 'send If-Process only to paths below a process')
  if (process.identity !== identity)
    throw new PreconditionFailed(`the process ${identity} has ended; this one is ${process.identity}`)
}
