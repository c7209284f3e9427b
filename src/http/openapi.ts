/** The OpenAPI document, made from the rows of the tree: what is served is what is described. */

import type { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { eventTypes } from '../kernel/events.ts'
import type { Level } from '../kernel/limits/table.ts'
import { limits } from '../kernel/limits/table.ts'
import { CloudEvent } from '../tree/cloud-event.ts'
import type { Definition } from '../tree/definition.ts'
import { definitions } from '../tree/tree.ts'
import { componentsOf, type Json, schemaOf } from './json-schema.ts'
import { forms } from './negotiate.ts'
import {
  headers,
  headersNamed,
  jsonContent,
  linesContent,
  operation,
  problemSchema,
  query,
  responses,
  securitySchemes,
  textContent,
} from './openapi-parts.ts'
import { callsPost, otherPaths, otherShapes } from './openapi-paths.ts'

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
      schemas: { ...componentsOf(shapes()), Problem: problemSchema },
      responses,
      headers,
      securitySchemes,
    },
  }
}

function templateOf({ leaf }: Definition, level: Level): string {
  const rest = leaf.replace(/:([a-z]+)/g, '{$1}')
  return rest === '' ? places[level] : `${places[level]}/${rest}`
}

function pathItem(definition: Definition, level: Level): Json {
  const template = templateOf(definition, level)
  const names = [...template.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name!)
  const { put, post, remove } = definition
  return {
    parameters: names.map((name) => parameter(name, level)),
    get: readOperation(definition, template),
    ...(put && { put: putOperation(definition, put, template) }),
    ...(post && { post: postOperation(post, template) }),
    ...(remove && {
      delete: operation(withModel(remove.summary, remove), `delete ${template}`, {
        responses: { 204: { description: 'Deleted', headers: ofTree() } },
      }),
    }),
    options: operation('What is allowed here', `options ${template}`, {
      responses: { 204: { $ref: '#/components/responses/allowed' } },
    }),
  }
}

/** Of every answer under /sys but problems. */
function ofTree(...more: readonly (keyof typeof headers)[]): Json {
  return headersNamed(['Introspect-Cursor', 'Vary', 'Content-Location', ...more])
}

function putOperation(definition: Definition, put: NonNullable<Definition['put']>, template: string): Json {
  const { reply = definition.reply, words, dryRun, body } = put
  const asText = words && { 'text/plain': { schema: { type: 'string', examples: words.examples } } }
  const etag = definition.etag ? (['ETag'] as const) : []
  const content = jsonContent(reply)
  const replaced = { description: 'Replaced, or the same again', headers: ofTree(...etag), content }
  const created = { description: 'Created', headers: ofTree(...etag, 'Location'), content: jsonContent(reply) }
  const parameter = query('dry-run', 'Says what would be, and sets nothing', { type: 'string', enum: ['', 'true'] })
  return operation(withModel(put.summary, put), `put ${template}`, {
    ...(dryRun && { parameters: [{ ...parameter, allowEmptyValue: true }] }),
    requestBody: {
      required: true,
      content: { 'application/json': { schema: schemaOf(body, 'input') }, ...asText },
    },
    responses: { 200: replaced, ...(!put.reply && { 201: created }) },
  })
}

function postOperation(post: NonNullable<Definition['post']>, template: string): Json {
  const type = post.yaml ? 'application/yaml' : 'application/json'
  return operation(withModel(post.summary, post), `post ${template}`, {
    requestBody: { required: true, content: { [type]: { schema: schemaOf(post.body, 'input') } } },
    responses: {
      200: { description: 'Done', headers: ofTree(), content: jsonContent(post.reply) },
      201: { description: 'Made', headers: ofTree('Location'), content: jsonContent(post.reply) },
    },
  })
}

function withModel(summary: string, { ofModel }: { readonly ofModel?: true }): string {
  return ofModel ? `${summary} (the model only; 405 on a live machine)` : summary
}

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
  return operation(withModel(definition.summary, definition), `get ${template}`, {
    parameters,
    responses: { 200: readReply(definition) },
  })
}

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

function readReply({ summary, reply, listing, etag, as = {} }: Definition): Json {
  return {
    description: summary,
    headers: ofTree(
      ...(etag ? (['ETag'] as const) : []),
      ...(listing ? (['Link'] as const) : []),
      'Cache-Control',
      'X-Accel-Buffering',
    ),
    content: {
      ...jsonContent(reply),
      ...textContent(),
      ...linesContent('ndjson', listing?.entry ?? reply, 'One entry a line'),
      ...(as.dot && { [forms.dot]: { schema: { type: 'string' } } }),
      ...(as.mermaid && { [forms.mermaid]: { schema: { type: 'string' } } }),
      ...linesContent('stream', CloudEvent, 'One CloudEvent an event'),
    },
  }
}

/** All that the rows take and answer. */
function shapes(): { readonly input: z.ZodType[]; readonly output: z.ZodType[] } {
  const bodies = definitions.flatMap(({ put, post, create }) => [put, post, create].flatMap((verb) => verb?.body ?? []))
  const replies = definitions.flatMap(({ reply, put, post }) => [reply, put?.reply ?? [], post?.reply ?? []].flat())
  return { input: [...bodies, ...otherShapes.input], output: [...replies, ...otherShapes.output] }
}
