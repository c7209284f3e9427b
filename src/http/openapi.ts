/**
 * Makes the OpenAPI document from the rows of the tree and of the routes outside it, so it describes what is served.
 */

import type { z } from 'zod'
import type { Level, LimitRow } from '../kernel/limits/limit-row.ts'
import { limits } from '../kernel/limits/table.ts'
import { CloudEvent } from '../tree/cloud-event.ts'
import type { Definition } from '../tree/definition.ts'
import { definitions } from '../tree/tree.ts'
import type { LinesVerb, Verb } from '../tree/verb.ts'
import { componentsOf, type Json, schemaOf } from './json-schema.ts'
import { forms } from './negotiate.ts'
import { parameters, parametersNamed, readParameters, writeParameters } from './openapi-parameters.ts'
import {
  contentOf,
  type HeaderName,
  headers,
  headersNamed,
  jsonContent,
  linesContent,
  mediaContent,
  operation,
  problemSchema,
  responses,
  securitySchemes,
  type Tag,
  tags,
} from './openapi-parts.ts'
import { servicePaths, serviceShapes } from './openapi-paths.ts'
import { introduction, optionsText, readText, roleText, writeText } from './openapi-text.ts'

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
      contact: { name: 'introspectd' },
      license: { name: 'MIT', identifier: 'MIT' },
      description: introduction,
    },
    servers: [{ url: '/' }],
    security: [{}, { bearer: [] }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: { ...paths, ...servicePaths() },
    components: {
      schemas: { ...componentsOf(shapes()), Problem: problemSchema },
      responses,
      parameters,
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
  const place = { definition, template, level }
  return {
    parameters: names.map((name) => parameter(name, level, definition)),
    get: readOperation(place),
    ...(put && { put: putOperation(place, put) }),
    ...(post && { post: postOperation(place, post) }),
    ...(postLines && { post: linesOperation(place, postLines) }),
    ...(remove && {
      delete: operation({
        ...headOf(place, 'delete', remove),
        description: writeText(remove),
        parameters: writeParameters(definition, template),
        responses: { 204: { description: 'Deleted', headers: treeHeaders() } },
      }),
    }),
    options: operation({
      ...headOf(place, 'options', definition),
      summary: 'The allowed methods',
      description: optionsText,
      responses: { 204: { $ref: '#/components/responses/allowed' } },
    }),
  }
}

/** A row at the path that it has at one level. */
interface Place {
  readonly definition: Definition
  readonly template: string
  readonly level: Level
}

const levelTags: Record<Level, Tag> = {
  system: 'System',
  partition: 'Partitions',
  process: 'Processes',
  thread: 'Threads',
}

function headOf({ definition, template, level }: Place, method: string, row: Summarised) {
  const isOfModel = row.modelOnly || definition.modelOnly
  return {
    tag: isOfModel ? 'Model' : levelTags[level],
    summary: summaryOf(row),
    operationId: operationId(method, template),
  } as const
}

/** The headers of every reply under /sys that is no problem, and more. */
function treeHeaders(...more: readonly HeaderName[]): Json {
  return headersNamed(['Introspect-Cursor', 'Vary', 'Content-Location', ...more])
}

function putOperation(place: Place, put: Verb): Json {
  const { definition, template } = place
  const { reply = definition.reply, text, dryRun } = put
  const asText = text ? { [forms.text]: { schema: { type: 'string', examples: text.examples } } } : {}
  const etag = definition.etag ? (['ETag'] as const) : []
  const content = jsonContent(reply)
  const replaced = { description: 'Replaced, or set again unchanged', headers: treeHeaders(...etag), content }
  const created = { description: 'Created', headers: treeHeaders(...etag, 'Location'), content: jsonContent(reply) }
  return operation({
    ...headOf(place, 'put', put),
    description: writeText(put),
    parameters: [...(dryRun ? parametersNamed('dryRun') : []), ...writeParameters(definition, template)],
    requestBody: { required: true, ...contentOf({ [forms.json]: { schema: bodySchema(put) } }, asText) },
    responses: { 200: replaced, ...(!put.reply && { 201: created }) },
  })
}

function postOperation(place: Place, post: Verb): Json {
  const { definition, template } = place
  const content = jsonContent(post.reply ?? definition.reply)
  const type = post.yaml ? 'application/yaml' : forms.json
  return operation({
    ...headOf(place, 'post', post),
    description: writeText(post),
    parameters: writeParameters(definition, template, { isPost: true }),
    requestBody: { required: true, content: { [type]: { schema: bodySchema(post) } } },
    responses: {
      200: { description: 'Done', headers: treeHeaders(), content },
      201: { description: 'Created', headers: treeHeaders('Location'), content },
    },
  })
}

function linesOperation(place: Place, { reply, example, ...verb }: LinesVerb): Json {
  return operation({
    ...headOf(place, 'post', verb),
    description: roleText(verb.role),
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

function readOperation(place: Place): Json {
  const { definition } = place
  return operation({
    ...headOf(place, 'get', definition),
    description: readText(definition),
    parameters: readParameters(definition),
    responses: { 200: readReply(definition) },
  })
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
    ...contentOf(jsonContent(reply), {
      ...mediaContent(forms.text),
      ...linesContent('ndjson', listing?.entry ?? reply, 'One entry a line'),
      ...(drawings.dot && mediaContent(forms.dot)),
      ...(drawings.mermaid && mediaContent(forms.mermaid)),
      ...linesContent('stream', CloudEvent, 'One CloudEvent an event'),
    }),
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
