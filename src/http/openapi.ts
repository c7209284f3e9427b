/**
 * Makes the OpenAPI document from the rows of the tree and of the routes outside it, so it describes what is served.
 */

import type { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { eventTypes } from '../kernel/events.ts'
import type { Level, LimitRow } from '../kernel/limits/limit-row.ts'
import { limits } from '../kernel/limits/table.ts'
import { GoneChoice } from '../stream/subscription-request.ts'
import { CloudEvent } from '../tree/cloud-event.ts'
import type { Definition } from '../tree/definition.ts'
import { definitions } from '../tree/tree.ts'
import type { LinesVerb, Verb } from '../tree/verb.ts'
import { componentsOf, type Json, schemaOf } from './json-schema.ts'
import { forms } from './negotiate.ts'
import {
  type HeaderName,
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
import { servicePaths, serviceShapes } from './openapi-paths.ts'

const levelTemplates: Record<Level, string> = {
  system: '/sys',
  partition: '/sys/part/{part}',
  process: '/sys/proc/{pid}',
  thread: '/sys/proc/{pid}/thread/{tid}',
}

/** Descriptions of the parameters that name nodes; a row describes the others. */
const levelParams: Readonly<Record<string, string>> = {
  part: 'Name of a partition, one percent-encoded segment. Partitions nest: /sys/part/a/part/b',
  pid: 'Process id; `self` is introspectd itself',
  tid: 'Thread id',
  limit: 'Name of a limit that exists at this level',
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
        'Processes, threads and their limits as a tree of URLs; thresholds set with PUT; events pushed over ' +
        'WebSockets and server-sent events on every path.',
    },
    servers: [{ url: '/' }],
    security: [{}, { bearer: [] }],
    paths: { ...paths, ...servicePaths() },
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
  return rest === '' ? levelTemplates[level] : `${levelTemplates[level]}/${rest}`
}

function operationId(method: string, template: string): string {
  const words = `${method} ${template}`.replace(/[{}]/g, '')
  return words.replace(/[^a-z0-9]+(.)/g, (_, next: string) => next.toUpperCase())
}

function pathItem(definition: Definition, level: Level): Json {
  const template = templateOf(definition, level)
  const names = [...template.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name!)
  const { put, post, postLines, remove } = definition
  return {
    parameters: names.map((name) => parameter(name, level, definition)),
    get: readOperation(definition, template),
    ...(put && { put: putOperation(definition, put, template) }),
    ...(post && { post: postOperation(definition, post, template) }),
    ...(postLines && { post: linesOperation(postLines, template) }),
    ...(remove && {
      delete: operation(summaryOf(remove), operationId('delete', template), {
        responses: { 204: { description: 'Deleted', headers: treeHeaders() } },
      }),
    }),
    options: operation('The allowed methods', operationId('options', template), {
      responses: { 204: { $ref: '#/components/responses/allowed' } },
    }),
  }
}

/** The headers of every reply under /sys that is no problem, and more. */
function treeHeaders(...more: readonly HeaderName[]): Json {
  return headersNamed(['Introspect-Cursor', 'Vary', 'Content-Location', ...more])
}

function putOperation(definition: Definition, put: Verb, template: string): Json {
  const { reply = definition.reply, text, dryRun } = put
  const asText = text && { 'text/plain': { schema: { type: 'string', examples: text.examples } } }
  const etag = definition.etag ? (['ETag'] as const) : []
  const content = jsonContent(reply)
  const replaced = { description: 'Replaced, or set again unchanged', headers: treeHeaders(...etag), content }
  const created = { description: 'Created', headers: treeHeaders(...etag, 'Location'), content: jsonContent(reply) }
  const flag = query('dry-run', 'Reports what would happen, and sets nothing', { type: 'string', enum: ['', 'true'] })
  return operation(summaryOf(put), operationId('put', template), {
    ...(dryRun && { parameters: [{ ...flag, allowEmptyValue: true }] }),
    requestBody: { required: true, content: { 'application/json': { schema: bodySchema(put) }, ...asText } },
    responses: { 200: replaced, ...(!put.reply && { 201: created }) },
  })
}

function postOperation(definition: Definition, post: Verb, template: string): Json {
  const content = jsonContent(post.reply ?? definition.reply)
  const type = post.yaml ? 'application/yaml' : 'application/json'
  return operation(summaryOf(post), operationId('post', template), {
    requestBody: { required: true, content: { [type]: { schema: bodySchema(post) } } },
    responses: {
      200: { description: 'Done', headers: treeHeaders(), content },
      201: { description: 'Created', headers: treeHeaders('Location'), content },
    },
  })
}

function linesOperation({ reply, example, ...verb }: LinesVerb, template: string): Json {
  return operation(summaryOf(verb), operationId('post', template), {
    requestBody: {
      required: true,
      content: { [forms.ndjson]: { schema: { type: 'string', description: example } } },
    },
    responses: {
      200: {
        description: 'One reply a line; a line that is no call ends the stream',
        content: linesContent('ndjson', reply, '{"line":1,"blocked":"SEND","on":{}}'),
      },
    },
  })
}

/** Preconditions: the verb has a body. */
function bodySchema({ body }: Verb): Json {
  return schemaOf(body!, 'input')
}

interface Summarised {
  readonly summary: string
  readonly modelOnly?: true
}

function summaryOf({ summary, modelOnly }: Summarised): string {
  return modelOnly ? `${summary} (the model only; 405 on a live machine)` : summary
}

function limitNamesAt(level: Level): string[] {
  const rows: readonly LimitRow[] = limits
  return rows.filter(({ at }) => at.includes(level)).map(({ name }) => name)
}

function parameter(name: string, level: Level, { params }: Definition): Json {
  const schema = name === 'limit' ? { type: 'string', enum: limitNamesAt(level) } : { type: 'string' }
  return { name, in: 'path', required: true, description: params?.[name] ?? levelParams[name], schema }
}

const cursorSchema = { type: 'string', pattern: '^[0-9]{1,20}$' }

function readOperation(definition: Definition, template: string): Json {
  const parameters = [
    query('format', 'Form of the reply, in place of Accept', {
      type: 'string',
      enum: ['json', 'text', 'ndjson', ...Object.keys(definition.drawings ?? {})],
    }),
    query('pretty', 'Indented JSON; the default for curl, HTTPie and Wget', { type: 'boolean' }),
    query('fields', 'Only these fields, of each entry where there are several; as in pid,name,usage.fds', {
      type: 'string',
      maxLength: bounds.fieldsMax,
    }),
    ...depthParameters(definition),
    ...pageParameters(definition),
    ...sinceParameters(definition),
    query(
      'types',
      'Streams only: event types, comma-separated; each may end with *. One that matches no event is an error: ' +
        eventTypes.map(({ type }) => type).join(', '),
      { type: 'string' },
    ),
    query('after', 'Streams only: begin after this cursor', cursorSchema),
    query('lastEventId', 'Streams only: stands for the header Last-Event-ID', cursorSchema),
    query('gone', 'Streams only: restart continues with the present where the events after the cursor are gone', {
      type: 'string',
      enum: GoneChoice.options,
    }),
  ]
  return operation(summaryOf(definition), operationId('get', template), {
    parameters,
    responses: { 200: readReply(definition) },
  })
}

function depthParameters({ kind, listing }: Definition): Json[] {
  if (kind !== 'node' && !listing?.listsNodes) return []
  const least = listing ? 1 : 0
  const schema = { type: 'integer', minimum: least, maximum: bounds.depthMax, default: least }
  return [query('depth', 'Number of levels below it to show inline; a directory’s entries are its first', schema)]
}

function pageParameters({ listing }: Definition): Json[] {
  if (!listing) return []
  const limit = { type: 'integer', minimum: 1, maximum: bounds.pageEntriesMax }
  return [
    query('limit', 'The largest number of entries in the reply; by default all', limit),
    query('cursor', 'Opaque: `next` of the page before', { type: 'string' }),
  ]
}

function sinceParameters({ takesSince }: Definition): Json[] {
  if (!takesSince) return []
  const text = 'Only intervals that end after this time (RFC 3339), or within this duration up to now, as in 10m'
  return [query('since', text, { type: 'string' })]
}

function readReply({ summary, reply, listing, etag, drawings = {} }: Definition): Json {
  return {
    description: summary,
    headers: treeHeaders(
      ...(etag ? (['ETag'] as const) : []),
      ...(listing ? (['Link'] as const) : []),
      'Cache-Control',
      'X-Accel-Buffering',
    ),
    content: {
      ...jsonContent(reply),
      ...textContent(),
      ...linesContent('ndjson', listing?.entry ?? reply, 'One entry a line'),
      ...(drawings.dot && { [forms.dot]: { schema: { type: 'string' } } }),
      ...(drawings.mermaid && { [forms.mermaid]: { schema: { type: 'string' } } }),
      ...linesContent('stream', CloudEvent, 'One CloudEvent an event'),
    },
  }
}

/** The schemas of all bodies and replies. */
function shapes(): { readonly input: z.ZodType[]; readonly output: z.ZodType[] } {
  const service = serviceShapes()
  const bodies = definitions.flatMap(({ put, post, create }) => [put, post, create].flatMap((verb) => verb?.body ?? []))
  const replies = definitions.flatMap(({ reply, put, post, postLines }) =>
    [reply, put?.reply ?? [], post?.reply ?? [], postLines?.reply ?? []].flat(),
  )
  return { input: [...bodies, ...service.input], output: [...replies, ...service.output, CloudEvent] }
}
