/**
 * Defines the query and header parameters that operations of the tree share. Each is a component of the OpenAPI
 * document, and operations refer to it.
 */

import { bounds } from '../base/bounds.ts'
import { eventTypes } from '../kernel/events.ts'
import { GoneChoice } from '../stream/subscription-request.ts'
import type { Definition } from '../tree/definition.ts'
import type { Json } from './json-schema.ts'

const text = { type: 'string' }
const cursor = { type: 'string', pattern: '^[0-9]{1,20}$' }
const processIdentity = '`identity` of the process: the request fails with 412 if that process has ended'

interface Parameter {
  readonly name: string
  /** In the query by default. */
  readonly in?: 'header'
  readonly description: string
  readonly schema: Json
  readonly allowEmptyValue?: true
}

const table = {
  pretty: {
    name: 'pretty',
    description: 'Indented JSON; the default for curl, HTTPie and Wget',
    schema: { type: 'boolean' },
  },
  fields: {
    name: 'fields',
    description: 'Only these fields, of each entry where there are several; as in pid,name,usage.fds',
    schema: { type: 'string', maxLength: bounds.fieldsMax },
  },
  pageLimit: {
    name: 'limit',
    description: 'The largest number of entries in the reply; by default all',
    schema: { type: 'integer', minimum: 1, maximum: bounds.pageEntriesMax },
  },
  pageCursor: { name: 'cursor', description: 'Opaque: `next` of the page before', schema: text },
  since: {
    name: 'since',
    description: 'Only intervals that end after this time (RFC 3339), or within this duration up to now, as in 10m',
    schema: text,
  },
  dryRun: {
    name: 'dry-run',
    description: 'Reports what would happen, and sets nothing',
    schema: { type: 'string', enum: ['', 'true'] },
    allowEmptyValue: true,
  },
  types: {
    name: 'types',
    description:
      'Streams only: event types, comma-separated; each may end with *. One that matches no event is an error: ' +
      eventTypes.map(({ type }) => type).join(', '),
    schema: text,
  },
  after: { name: 'after', description: 'Streams only: begin after this cursor', schema: cursor },
  gone: {
    name: 'gone',
    description: 'Streams only: restart continues with the present where the events after the cursor are gone',
    schema: { type: 'string', enum: GoneChoice.options },
  },
  snapshot: {
    name: 'snapshot',
    description: 'Streams only: begin with the present state of every node, unless the stream resumes after a cursor',
    schema: { type: 'boolean' },
  },
  durable: {
    name: 'durable',
    description: 'Streams only: name of a durable subscription, whose cursor the service stores',
    schema: text,
  },
  // The query parameter of the same name is for polyfills of EventSource. Here it would only be a second argument whose
  // name most generators turn into the same word.
  lastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'Streams only: resume after this cursor; an EventSource sends it when it connects again',
    schema: cursor,
  },
  ifMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'ETags, or *: the request fails with 412 if the present definition has none of them',
    schema: text,
  },
  ifNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: '*: the request fails with 412 if there is a definition already. Or ETags that it must not have',
    schema: text,
  },
  ifProcess: { name: 'If-Process', in: 'header', description: processIdentity, schema: text },
} as const satisfies Record<string, Parameter>

export type ParameterName = keyof typeof table

const rows: readonly [string, Parameter][] = Object.entries(table)

/** The components of the document. */
export const parameters: Json = Object.fromEntries(
  rows.map(([key, { in: place = 'query', ...row }]) => [key, { ...row, in: place }]),
)

export function parametersNamed(...names: readonly ParameterName[]): Json[] {
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }))
}

/** The parameters of GET. Its parameters for streams are refused in a read. */
export function readParameters(definition: Definition): Json[] {
  const { listing, takesSince, drawings } = definition
  const forms = ['json', 'text', 'ndjson', ...Object.keys(drawings ?? {})]
  return [
    {
      name: 'format',
      in: 'query',
      description: 'Form of the reply, in place of Accept. A generated client leaves it out: it reads JSON',
      schema: { type: 'string', enum: forms },
    },
    ...parametersNamed('pretty', 'fields'),
    ...depthParameters(definition),
    ...(listing ? parametersNamed('pageLimit', 'pageCursor') : []),
    ...(takesSince ? parametersNamed('since') : []),
    ...parametersNamed('types', 'after', 'gone', 'snapshot', 'durable', 'lastEventId'),
  ]
}

function depthParameters({ kind, listing }: Definition): Json[] {
  if (kind !== 'node' && !listing?.listsNodes) return []
  const least = listing ? 1 : 0
  const description = 'Number of levels below it to show inline; a directory’s entries are its first'
  const schema = { type: 'integer', minimum: least, maximum: bounds.depthMax, default: least }
  return [{ name: 'depth', in: 'query', description, schema }]
}

/** The parameters of PUT, POST and DELETE at a path. */
export function writeParameters({ etag }: Definition, template: string, { isPost = false } = {}): Json[] {
  return [
    ...(etag && !isPost ? parametersNamed('ifMatch', 'ifNoneMatch') : []),
    ...(template.includes('{pid}') ? parametersNamed('ifProcess') : []),
  ]
}
