/** The OpenAPI document, made from the rows of the tree: what is served is what is described. */

import { z } from 'zod'
import { bounds } from '../bounds.ts'
import { eventTypes } from '../kernel/events.ts'
import type { Level } from '../kernel/limits/table.ts'
import { limits } from '../kernel/limits/table.ts'
import type { Definition } from '../tree/definition.ts'
import { definitions } from '../tree/tree.ts'
import { forms } from './negotiate.ts'
import { problemTypes } from './problems.ts'

type Json = Record<string, unknown>

const places: Record<Level, string> = {
  system: '/sys',
  partition: '/sys/part/{part}',
  process: '/sys/proc/{pid}',
  thread: '/sys/proc/{pid}/thread/{tid}',
}

const parameterNotes: Readonly<Record<string, string>> = {
  part: 'Name of a partition, one percent-encoded segment. Partitions nest: /sys/part/a/part/b',
  pid: 'Process id; `self` is the service itself',
  tid: 'Thread id',
  limit: 'Name of a limit that exists at this level',
  name: 'Name of the threshold, one percent-encoded segment',
  of: 'Name of a limit',
  chid: 'Channel id',
  rlimit: 'POSIX name of the limit, in lower case without RLIMIT_',
}

export function openApi(version: string): Json {
  const paths: Record<string, Json> = {}
  for (const definition of definitions)
    for (const level of definition.under) paths[templateOf(definition, level)] = pathItem(definition, level)
  return {
    openapi: '3.1.0',
    info: {
      title: 'introspectd',
      version,
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'Processes, threads and their limits as a tree of URLs; thresholds set with PUT; events pushed over WebSockets and server-sent events on every path.',
    },
    servers: [{ url: '/' }],
    security: [{}, { bearer: [] }],
    paths: { ...paths, '/sys/calls': { ...paths['/sys/calls'], post: callsPost }, ...otherPaths },
    components: {
      schemas: { ...schemasOf(), Problem: problemSchema },
      responses: { problem: problemResponse },
      securitySchemes,
    },
  }
}

const templateOf = ({ leaf }: Definition, level: Level): string => {
  const rest = leaf.replace(/:([a-z]+)/g, '{$1}')
  return rest === '' ? places[level] : `${places[level]}/${rest}`
}

function pathItem(definition: Definition, level: Level): Json {
  const template = templateOf(definition, level)
  const names = [...template.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name!)
  const item: Json = {
    parameters: names.map((name) => parameter(name, level)),
    get: readOperation(definition, template),
  }
  if (definition.put) {
    const body = { $ref: `#/components/schemas/${idOf(definition.put.body)}` }
    const { reply, words } = definition.put
    const asText = words && { 'text/plain': { schema: { type: 'string', examples: words.examples } } }
    const content = { 'application/json': { schema: body }, ...asText }
    const responses = reply
      ? { 200: jsonReply('Replaced', reply) }
      : { 200: replyOf(definition, 'Replaced, or the same again'), 201: replyOf(definition, 'Created') }
    const dryRun = query('dry-run', 'Says what would be, and sets nothing', { type: 'string', enum: ['', 'true'] })
    item.put = operation(withModel(definition.put.summary, definition.put), `put ${template}`, {
      ...(definition.put.dryRun && { parameters: [{ ...dryRun, allowEmptyValue: true }] }),
      requestBody: { required: true, content },
      responses,
    })
  }
  if (definition.post) {
    const { body, reply, summary, yaml } = definition.post
    const type = yaml ? 'application/yaml' : 'application/json'
    const content = { [type]: { schema: { $ref: `#/components/schemas/${idOf(body)}` } } }
    item.post = operation(withModel(summary, definition.post), `post ${template}`, {
      requestBody: { required: true, content },
      responses: { 200: jsonReply('Done', reply), 201: jsonReply('Made', reply) },
    })
  }
  if (definition.remove) {
    item.delete = operation(withModel(definition.remove.summary, definition.remove), `delete ${template}`, {
      responses: { 204: { description: 'Deleted' } },
    })
  }
  return item
}

const withModel = (summary: string, { ofModel }: { readonly ofModel?: true }): string =>
  ofModel ? `${summary} (the model only; 405 on a live machine)` : summary

const jsonReply = (description: string, reply: z.ZodType): Json => ({
  description,
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${idOf(reply)}` } } },
})

function parameter(name: string, level: Level): Json {
  const names = limits.filter(({ at }) => (at as readonly Level[]).includes(level)).map((row) => row.name)
  const schema = name === 'limit' ? { type: 'string', enum: names } : { type: 'string' }
  return { name, in: 'path', required: true, description: parameterNotes[name], schema }
}

function readOperation(definition: Definition, template: string): Json {
  const parameters = [
    query('format', 'Form of the answer; so does Accept', {
      type: 'string',
      enum: ['json', 'text', 'ndjson', ...Object.keys(definition.as ?? {}).filter((form) => form !== 'text')],
    }),
    query('pretty', 'Indented JSON; the default for curl, HTTPie and Wget', { type: 'boolean' }),
    query('fields', 'Only these fields, of each entry where there are several; as in pid,name,usage.fds', {
      type: 'string',
      maxLength: bounds.fieldsMax,
    }),
    ...depthParameters(definition),
    ...pageParameters(definition),
    ...(definition.takesSince
      ? [
          query('since', 'Only intervals that end after this time (RFC 3339), or that long ago, as in 10m', {
            type: 'string',
          }),
        ]
      : []),
    query(
      'types',
      `Streams only: event types, comma-separated, * at the end; what matches none is refused: ${eventTypes.map(({ type }) => type).join(', ')}`,
      { type: 'string' },
    ),
    query('after', 'Streams only: begin after this cursor', { type: 'string', pattern: '^[0-9]{1,20}$' }),
  ]
  const ok = replyOf(definition, definition.summary)
  return operation(withModel(definition.summary, definition), `get ${template}`, { parameters, responses: { 200: ok } })
}

const query = (name: string, description: string, schema: Json): Json => ({ name, in: 'query', description, schema })

function depthParameters({ kind, listing }: Definition): Json[] {
  if (kind !== 'node' && !listing?.ofNodes) return []
  const [minimum, usual] = listing ? [1, 1] : [0, 0]
  const schema = { type: 'integer', minimum, maximum: bounds.depthMax, default: usual }
  return [query('depth', 'So many levels below it inline; a directory’s entries are its first', schema)]
}

function pageParameters({ listing }: Definition): Json[] {
  if (!listing) return []
  const limit = { type: 'integer', minimum: 1, maximum: bounds.pageEntriesMax }
  return [
    query('limit', 'At most so many entries; without it all', limit),
    query('cursor', 'Opaque: `next` of the page before', { type: 'string' }),
  ]
}

function operation(
  summary: string,
  id: string,
  rest: { responses: Json; parameters?: Json[]; requestBody?: Json },
): Json {
  const operationId = id.replace(/[{}]/g, '').replace(/[^a-z0-9]+(.)/g, (_, next: string) => next.toUpperCase())
  return {
    operationId,
    summary,
    ...rest,
    responses: { ...rest.responses, default: { $ref: '#/components/responses/problem' } },
  }
}

function replyOf(definition: Definition, description: string): Json {
  const lines = { 'application/x-ndjson': { schema: { type: 'string', description: 'One entry a line' } } }
  const text = { 'text/plain': { schema: { type: 'string' } } }
  const stream = { 'text/event-stream': { schema: { type: 'string', description: 'One CloudEvent an event' } } }
  return {
    description,
    headers: {
      'Introspect-Cursor': {
        description: 'The event cursor this answer is consistent with',
        schema: { type: 'string' },
      },
    },
    content: {
      'application/json': { schema: replySchema(definition) },
      ...text,
      ...lines,
      ...drawingsOf(definition),
      ...stream,
    },
  }
}

const drawingsOf = ({ as = {} }: Definition): Json => ({
  ...(as.dot && { [forms.dot]: { schema: { type: 'string' } } }),
  ...(as.mermaid && { [forms.mermaid]: { schema: { type: 'string' } } }),
})

const idOf = (schema: z.ZodType): string | undefined => schema.meta()?.id

/** Named shapes are said once; lists name what they list. */
function replySchema({ reply }: Definition): Json {
  const id = idOf(reply)
  if (id !== undefined) return { $ref: `#/components/schemas/${id}` }
  return inComponents(z.toJSONSchema(reply, { io: 'output' }))
}

function schemasOf(): Json {
  const replies = definitions.flatMap(({ reply, put, post }) => [
    reply,
    ...[put?.reply, post?.reply].flatMap((one) => one ?? []),
  ])
  const bodies = definitions.flatMap(({ put, post, create }) => [put, post, create].flatMap((verb) => verb?.body ?? []))
  const schemas: Json = {}
  for (const schema of [...replies, ...bodies]) {
    const json = z.toJSONSchema(schema, { io: bodies.includes(schema) ? 'input' : 'output' })
    const definitionsInside = (json.$defs ?? {}) as Record<string, Json>
    for (const [name, inside] of Object.entries(definitionsInside)) schemas[name] = inComponents(inside)
    const id = idOf(schema)
    // A shape that has a name stands among the definitions already, and is itself no more than a reference to that.
    if (id !== undefined && json.$ref === undefined) schemas[id] = inComponents(json)
  }
  return schemas
}

/** JSON Schema's `$defs` become OpenAPI's components. */
function inComponents(schema: object): Json {
  const text = JSON.stringify(schema, (key, value) =>
    key === '$defs' || key === '$schema' || key === 'id' ? undefined : value,
  )
  return JSON.parse(text.replaceAll('#/$defs/', '#/components/schemas/'))
}

const problemSchema: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: {
      type: 'string',
      description: `Stable; urn:introspectd:problem: and one of ${Object.keys(problemTypes).join(', ')}, or errno:<name> where the kernel refused`,
    },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What to do about it' },
    instance: { type: 'string' },
    errno: { type: 'string', description: 'Where the kernel refused' },
    exists: { type: 'string', description: 'Of a path that does not exist, the longest part that does' },
    errors: {
      type: 'array',
      description: 'Each invalid field, by JSON pointer; of a query each parameter',
      items: {
        type: 'object',
        required: ['detail'],
        properties: {
          pointer: { type: 'string' },
          parameter: { type: 'string' },
          detail: { type: 'string' },
        },
      },
    },
  },
}

const securitySchemes: Json = {
  bearer: { type: 'http', scheme: 'bearer', description: 'Where the service was started with --token-file' },
}

const problemResponse: Json = {
  description: 'A problem (RFC 9457); nothing was changed',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

const plain = (summary: string, id: string): Json => ({
  get: {
    operationId: id,
    summary,
    responses: { 200: { description: 'ok', content: { 'text/plain': { schema: { type: 'string' } } } } },
  },
})

const ndjson = (description: string): Json => ({ 'application/x-ndjson': { schema: { type: 'string', description } } })

const callsPost: Json = operation('Kernel calls, one a line, executed in order (the model only)', 'post calls', {
  requestBody: { required: true, content: ndjson('{"caller":"/sys/proc/1/thread/1","call":"MsgSend","coid":1}') },
  responses: {
    200: {
      description: 'An answer a line; a line that is no call ends it',
      content: ndjson('{"line":1,"blocked":"SEND","on":{}}'),
    },
  },
})

const otherPaths: Json = {
  '/metrics': plain('What the service says of itself to Prometheus', 'metrics'),
  '/livez': plain('The service lives', 'livez'),
  '/readyz': {
    get: {
      operationId: 'readyz',
      summary: 'The service is ready to answer; ?verbose says what that rests on',
      parameters: [{ name: 'verbose', in: 'query', schema: { type: 'string' }, allowEmptyValue: true }],
      responses: {
        200: { description: 'ready', content: { 'text/plain': { schema: { type: 'string' } } } },
        503: { description: 'not ready', content: { 'text/plain': { schema: { type: 'string' } } } },
      },
    },
  },
}
