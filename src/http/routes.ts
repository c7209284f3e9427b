/** The pathname space as routes: one for reading, streams and upgrades, one for everything that writes. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { cursorText } from '../base/cursor.ts'
import { processOf } from '../kernel/nodes/owners.ts'
import { streamOverSse } from '../stream/sse.ts'
import { streamOverWebSocket, type WebSocketRequest } from '../stream/websocket.ts'
import type { Definition, PostVerb, Preconditions, PutVerb, TreeContext, VerbResult } from '../tree/definition.ts'
import { NoSuchPath, PreconditionFailed } from '../tree/errors.ts'
import { read } from '../tree/read.ts'
import { type Resolved, resolve } from '../tree/resolve.ts'
import { definitions } from '../tree/tree.ts'
import { mediaType, parseBody } from './body.ts'
import { allForms, forms, isTerminal, readForm, refuseQuery, wantedForm } from './negotiate.ts'
import { Problem } from './problems.ts'
import { authorize, type Role, type Token } from './security/gate.ts'
import { refuseGone, type StreamParts, subscriptionRequestOf, webSocketRequest } from './stream-request.ts'
import { writeReading } from './write-reading.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null where no tokens are in use. */
    token: Token | null
    /** Set before an upgrade: what the stream is to carry. */
    stream: WebSocketRequest | null
  }
}

const writing = ['PUT', 'DELETE', 'POST', 'PATCH', 'OPTIONS'] as const

const roleOf: Readonly<Record<string, Role>> = {
  GET: 'read',
  HEAD: 'read',
  OPTIONS: 'read',
  PUT: 'control',
  DELETE: 'control',
}

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
    app.route({ method: [...writing], url, handler: (request, reply) => write(parts, request, reply) })
  }
  for (const definition of definitions) addLargeBody(app, parts, definition)
}

/** A row of the system whose bodies are larger than others: who may not send one is told so before it is read. */
function addLargeBody(app: FastifyInstance, parts: StreamParts, definition: Definition): void {
  const { put, leaf } = definition
  if (put?.bodyBytesMax === undefined) return
  app.route({
    method: 'PUT',
    url: `/sys/${leaf}`,
    bodyLimit: put.bodyBytesMax,
    onRequest: (request, _reply, done) => {
      authorize(request.token, 'operate')
      checkModel(definition, definition, parts.context)
      done()
    },
    handler: (request, reply) => write(parts, request, reply),
  })
}

function pathOf(request: FastifyRequest): string {
  return request.raw.url!.split('?', 1)[0]!
}

/** All that can be wrong with a stream is said before the upgrade, as a problem. */
function prepareUpgrade(parts: StreamParts, request: FastifyRequest): void {
  if (!request.ws) return
  request.stream = webSocketRequest(parts, request)
  const { socket } = request.raw
  parts.clients.admitStream({ socket, token: request.token }, socket, () => socket.destroy())
}

/** What is allowed here; verbs of the model are not where there is none. */
function allowOf(definition: Definition, { model }: TreeContext): string {
  const { put, post, postsApart, remove } = definition
  const serves = (row: { readonly ofModel?: true }) => model !== null || !row.ofModel
  const there = (verb: { readonly ofModel?: true } | undefined) =>
    verb !== undefined && serves(verb) && serves(definition)
  const reads = serves(definition) ? ['GET', 'HEAD'] : []
  const verbs = {
    PUT: there(put),
    POST: there(post) || (postsApart === true && serves(definition)),
    DELETE: there(remove),
  }
  const writes = Object.entries(verbs).flatMap(([method, is]) => (is ? [method] : []))
  return [...reads, 'OPTIONS', ...writes].join(', ')
}

/** @throws Problem where only the model could, and this is a live machine */
function checkModel(row: { readonly ofModel?: true }, definition: Definition, context: TreeContext): void {
  if (!row.ofModel || context.model !== null) return
  const allow = allowOf(definition, context)
  throw new Problem(
    'method-not-allowed',
    `the source is ${context.source}: a live kernel is observed, not called; start with --source model to drive one`,
    { headers: { allow } },
  )
}

/** What drives the model is for those who operate it, whatever its verb. */
function isOfModel(method: string, { put, remove }: Definition): boolean {
  return (method === 'PUT' && put?.ofModel === true) || (method === 'DELETE' && remove?.ofModel === true)
}

function commonHeaders(
  { hub }: StreamParts,
  { canonical, alias }: Pick<Resolved, 'canonical' | 'alias'>,
): Record<string, string> {
  const headers = { vary: 'Accept, User-Agent', 'introspect-cursor': cursorText(hub.settledCursor()) }
  return alias ? { ...headers, 'content-location': canonical } : headers
}

function answerRead(parts: StreamParts, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  authorize(request.token, 'read')
  const { context, fragments } = parts
  const wanted = wantedForm(request, allForms)
  if (wanted === 'stream') return startSse(parts, request, reply)
  const resolved = resolve(context.kernel, pathOf(request))
  const { definition, node, params } = resolved
  checkModel(definition, definition, context)
  const form = readForm(wanted, request.query, request.headers)
  const reading = read(context, fragments, resolved, form.what)
  // Written before the cursor is taken, in one tick: the answer is consistent with it.
  const { type, body } = writeReading(definition, reading, form)
  reply.headers(commonHeaders(parts, resolved)).type(type)
  const etag = definition.etag?.(context, node, params) ?? null
  if (etag !== null) reply.header('etag', etag)
  if (reading.list?.next) reply.header('link', `<${nextPage(request.raw.url!, reading.list.next)}>; rel="next"`)
  return reply.send(body)
}

/** The same request, a page on. */
function nextPage(url: string, cursor: string): string {
  const [path, query] = url.split('?')
  const parameters = new URLSearchParams(query)
  parameters.set('cursor', cursor)
  return `${path}?${parameters}`
}

/** Preconditions: nothing has been sent. @throws Problem, and what is wrong with the path */
function startSse(parts: StreamParts, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { hub } = parts
  const asked = subscriptionRequestOf(parts, request)
  const start = hub.startPosition(asked)
  refuseGone(start)
  const { text } = asked.filter
  const common = commonHeaders(parts, { canonical: text, alias: text !== pathOf(request) })
  // Where it begins: who is cut off before the first event goes on from there.
  const headers = start.kind === 'after' ? { ...common, 'introspect-cursor': cursorText(start.cursor) } : common
  parts.clients.admitStream({ socket: request.raw.socket, token: request.token }, reply.raw, (reason) =>
    reply.raw.end(`: ${reason}\n\n`),
  )
  reply.hijack()
  if (request.method === 'HEAD') reply.raw.writeHead(200, { ...headers, 'content-type': forms.stream }).end()
  else streamOverSse(hub, reply.raw, headers, { request: asked, start })
  return reply
}

async function write(parts: StreamParts, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { context } = parts
  authorize(request.token, roleOf[request.method] ?? 'operate')
  context.catchUp()
  const resolved = resolveForWriting(context, request)
  const { definition, node, params } = resolved
  const allow = allowOf(definition, context)
  if (request.method === 'OPTIONS') return reply.code(204).header('allow', allow).send()
  checkModel(definition, definition, context)
  if (isOfModel(request.method, definition)) authorize(request.token, 'operate')
  checkIfProcess(request, resolved)
  const dryRun = isDryRun(request, definition)
  const preconditions = preconditionsOf(request)
  const owner = request.token?.name ?? null
  let answer: VerbResult
  if (request.method === 'PUT' && definition.put) {
    checkModel(definition.put, definition, context)
    const body = bodyOf(request, definition.put)
    if (definition.put.operates?.(body)) authorize(request.token, 'operate')
    answer = definition.put.run(context, node, params, { body, owner, preconditions, dryRun })
  } else if (request.method === 'POST' && definition.post) {
    checkModel(definition.post, definition, context)
    const body = definition.post.yaml ? yamlOf(request) : bodyOf(request, definition.post)
    answer = definition.post.run(context, node, params, body)
  } else if (request.method === 'DELETE' && definition.remove) {
    checkModel(definition.remove, definition, context)
    answer = definition.remove.run(context, node, params, preconditions)
  } else {
    throw new Problem('method-not-allowed', `${request.method} is not among ${allow}`, { headers: { allow } })
  }
  reply.code(answer.status).headers(commonHeaders(parts, resolved))
  if (answer.etag) reply.header('etag', answer.etag)
  if (answer.status === 201) reply.header('location', answer.location ?? resolved.canonical)
  if (answer.body === undefined) return reply.send()
  const pretty = isTerminal(request.headers)
  return reply
    .type('application/json; charset=utf-8')
    .send(`${JSON.stringify(answer.body, null, pretty ? 2 : 0)}${pretty ? '\n' : ''}`)
}

function bodyOf(request: FastifyRequest, verb: PutVerb | PostVerb): unknown {
  return parseBody(request.headers['content-type'], typeof request.body === 'string' ? request.body : '', verb)
}

/** @throws Problem for any other query */
function isDryRun(request: FastifyRequest, { put }: Definition): boolean {
  if (request.method !== 'PUT' || put?.dryRun !== true) {
    refuseQuery(request)
    return false
  }
  const given = Object.entries(Object(request.query))
  const strange = given.filter(([name, value]) => name !== 'dry-run' || !['', 'true'].includes(String(value)))
  if (strange.length === 0) return given.length > 0
  throw new Problem('invalid-query', `PUT takes ?dry-run here, not ${strange.map(([name]) => name).join(', ')}`)
}

/** Files are sent as they are: what curl says of itself is no contradiction. @throws Problem */
function yamlOf(request: FastifyRequest): string {
  const type = mediaType(request.headers['content-type'])
  const isText = /^(|application\/(x-)?yaml|text\/(x-)?yaml|text\/plain|application\/x-www-form-urlencoded)$/.test(type)
  if (!isText) throw new Problem('unsupported-media-type', `${type} is not spoken here: application/yaml is`)
  return typeof request.body === 'string' ? request.body : ''
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

/** A process that was meant and is gone is a precondition that fails, not a path that is missing. */
function resolveForWriting({ kernel }: TreeContext, request: FastifyRequest): Resolved {
  try {
    return resolve(kernel, pathOf(request), { creating: request.method === 'PUT' })
  } catch (error) {
    const named = header(request, 'if-process')
    if (error instanceof NoSuchPath && named !== null && /^\/sys(\/.*)?\/proc\//.test(pathOf(request))) {
      throw new PreconditionFailed(`the process ${named} is gone`)
    }
    throw error
  }
}

function checkIfProcess(request: FastifyRequest, { node }: Resolved): void {
  const named = header(request, 'if-process')
  if (named === null) return
  const process = processOf(node)
  if (process === null) throw new Problem('malformed-request', 'If-Process belongs below a process')
  if (process.identity !== named)
    throw new PreconditionFailed(`the process ${named} is gone; this one is ${process.identity}`)
}
