/** Builds the AsyncAPI document of the event streams from the table of event types and the schemas of the frames. */

import { z } from 'zod'
import { ClientFrame, ServerFrame } from '../stream/frames.ts'
import { CursorText, EventTypesText, GoneChoice, SubscriptionName } from '../stream/subscription-request.ts'
import type { Subprotocol } from '../stream/websocket.ts'
import { eventViews } from '../tree/cloud-event.ts'
import { componentsOf, type Json, schemaOf } from './json-schema.ts'
import { securitySchemes } from './openapi-parts.ts'

export function asyncApi(version: string): Json {
  const views = [...eventViews.map(({ view }) => view), ...clientFrames, ...serverFrames]
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'introspectd: events',
      version,
      license: { name: 'MIT' },
      description:
        'The events of every path of the tree, over a WebSocket or as server-sent events. The reads and writes are in openapi.yaml.',
    },
    defaultContentType: 'application/json',
    servers: serversAt({ host: 'localhost:7007', prefix: '', isSecure: false }),
    channels: {
      cloudevents: socket('cloudevents.json', eventNames, {
        title: 'One CloudEvent a frame',
        description:
          'Also used when the client offers no subprotocol. The service accepts no frames here: it answers each frame with an event of type error, and closes the connection with 1008 after too many.',
        query: StreamQuery,
      }),
      introspect: socket('introspect.v1', [...clientFrames, ...serverFrames].map(nameOf), {
        title: 'Many subscriptions on one connection',
        description: 'JSON frames in both directions.',
        query: StreamQuery.pick({ durable: true }),
      }),
      sse: channel('http', eventNames, {
        title: 'Server-sent events',
        description:
          'GET with Accept: text/event-stream, and the same query as cloudevents. `id:` is the cursor, and `data:` is one CloudEvent in one line. Last-Event-ID resumes after a cursor.',
      }),
    },
    operations: {
      sendEvents: operation('send', 'cloudevents', eventNames),
      sendServerSentEvents: operation('send', 'sse', eventNames),
      receiveFrames: operation('receive', 'introspect', clientFrames.map(nameOf)),
      sendFrames: operation('send', 'introspect', serverFrames.map(nameOf)),
    },
    components: {
      messages: { ...eventMessages(), ...frameMessages() },
      schemas: componentsOf({ input: clientFrames, output: views.filter((view) => !isOfClient(view)) }, 'draft-7'),
      securitySchemes,
    },
  }
}

interface ServerPlace {
  /** The value of `Host`. */
  readonly host: string
  /** Prefix of the paths of the service; '' for none. */
  readonly prefix: string
  readonly isSecure: boolean
}

/** The servers of the document, for a client that reaches the service at this place. */
export function serversAt({ host, prefix, isSecure }: ServerPlace): Json {
  const rest = { ...(prefix !== '' && { pathname: prefix }), security: [bearer] }
  return {
    websocket: { host, protocol: isSecure ? 'wss' : 'ws', ...rest },
    http: { host, protocol: isSecure ? 'https' : 'http', ...rest },
  }
}

const bearer = { $ref: '#/components/securitySchemes/bearer' }

const clientFrames: readonly z.ZodType[] = ClientFrame.options
const serverFrames: readonly z.ZodType[] = ServerFrame.options
function isOfClient(view: z.ZodType): boolean {
  return clientFrames.includes(view)
}

const eventNames = eventViews.map(({ type }) => type)

/** Preconditions: the schema has an id. */
function nameOf(frame: z.ZodType): string {
  return frame.meta()!.id!
}

const StreamQuery = z.object({
  types: EventTypesText.optional().describe('Event types, comma-separated; a type may end with *. Default: all types'),
  after: CursorText.optional().describe('Begin after this cursor; 410 or close code 4410 if it is too old'),
  lastEventId: CursorText.optional().describe('Stands for the header Last-Event-ID, and wins over after'),
  'Last-Event-ID': CursorText.optional().describe('Another name of lastEventId'),
  gone: GoneChoice.optional().describe(
    'restart: where the events after the cursor are gone, send events.lost and continue with the present',
  ),
  snapshot: z.enum(['true', 'false']).optional().describe('Begin with the current state of every node'),
  durable: SubscriptionName.optional().describe(
    'Begin after the last event that this durable subscription acknowledged',
  ),
})

function eventMessages(): Json {
  const messages = eventViews.map(({ type, summary, view }) => [
    type,
    {
      name: type,
      summary,
      contentType: 'application/cloudevents+json',
      payload: schemaOf(view, 'output', 'draft-7'),
    },
  ])
  return Object.fromEntries(messages)
}

function frameMessages(): Json {
  const messages = [...clientFrames, ...serverFrames].map((frame) => [
    nameOf(frame),
    { name: nameOf(frame), summary: frame.meta()!.description, payload: schemaOf(frame, 'output', 'draft-7') },
  ])
  return Object.fromEntries(messages)
}

interface Words {
  readonly title: string
  readonly description: string
}

function channel(server: string, messages: readonly string[], words: Words): Json {
  return {
    address: '/{path}',
    ...words,
    servers: [{ $ref: `#/servers/${server}` }],
    parameters: {
      path: {
        description:
          'A pathname that begins with sys, such as sys/proc/42; * matches one segment, ** at the end matches any number',
      },
    },
    messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
  }
}

function socket(
  subprotocol: Subprotocol,
  messages: readonly string[],
  { query, ...words }: Words & { readonly query: z.ZodType },
): Json {
  const headers = { type: 'object', properties: { 'Sec-WebSocket-Protocol': { type: 'string', const: subprotocol } } }
  return {
    ...channel('websocket', messages, words),
    bindings: {
      ws: { method: 'GET', query: schemaOf(query, 'input', 'draft-7'), headers, bindingVersion: '0.1.0' },
    },
  }
}

function operation(action: 'send' | 'receive', of: string, messages: readonly string[]): Json {
  return {
    action,
    channel: { $ref: `#/channels/${of}` },
    messages: messages.map((name) => ({ $ref: `#/channels/${of}/messages/${name}` })),
  }
}
