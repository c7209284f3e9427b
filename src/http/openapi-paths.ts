/** What OpenAPI says of the routes that are not rows of the tree. */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { CloudEvent } from '../tree/cloud-event.ts'
import { CallLineView } from '../tree/model-views.ts'
import { type Json, schemaOf } from './json-schema.ts'
import { headersNamed, jsonContent, linesContent, operation, query, textContent } from './openapi-parts.ts'
import { SubscriptionBody, SubscriptionsView, SubscriptionView } from './subscriptions.ts'

const cursor = z.string().regex(/^[0-9]{20}$/)

const EventsPage = z
  .strictObject({
    path: z.literal('/events'),
    oldest: cursor.describe('The oldest cursor that one can go on after'),
    cursor: cursor.describe('Where this page ends: to go on after'),
    next: z.string().nullable().describe('URL of the next page; null where there is nothing more yet'),
    events: z.array(CloudEvent),
  })
  .meta({ id: 'EventsPage' })

/** Shapes that only these routes have. */
export const otherShapes = {
  input: [SubscriptionBody],
  output: [EventsPage, SubscriptionView, SubscriptionsView, CloudEvent, CallLineView],
}

function plain(summary: string, id: string): Json {
  return {
    get: operation(summary, id, { responses: { 200: { description: 'ok', content: textContent() } } }),
  }
}

function ready(description: string): Json {
  return {
    description,
    headers: headersNamed(['Cache-Control']),
    content: textContent(),
  }
}

function document(summary: string, id: string): Json {
  return {
    get: operation(summary, id, {
      responses: {
        200: { description: 'The document', content: { 'application/json': { schema: { type: 'object' } } } },
      },
    }),
  }
}

function subscription(description: string, headers: Json = {}): Json {
  return {
    description,
    headers,
    content: jsonContent(SubscriptionView),
  }
}

export const callsPost: Json = operation('Kernel calls, one a line, executed in order (the model only)', 'post calls', {
  requestBody: {
    required: true,
    content: {
      'application/x-ndjson': {
        schema: { type: 'string', description: '{"caller":"/sys/proc/1/thread/1","call":"MsgSend","coid":1}' },
      },
    },
  },
  responses: {
    200: {
      description: 'An answer a line; a line that is no call ends it',
      content: linesContent('ndjson', CallLineView, '{"line":1,"blocked":"SEND","on":{}}'),
    },
  },
})

const eventParameters = [
  query('after', 'Begin after this cursor; without it with the oldest event that is kept', {
    type: 'string',
    pattern: '^[0-9]{1,20}$',
  }),
  query('path', 'Only events about this path or what is below it; * for one segment, ** at the end', {
    type: 'string',
    maxLength: bounds.pathBytesMax,
    default: '/sys',
  }),
  query('types', 'Event types, comma-separated, * at the end', { type: 'string' }),
  query('limit', 'At most so many events', {
    type: 'integer',
    minimum: 1,
    maximum: bounds.eventsPageMax,
    default: 1_000,
  }),
  query('format', 'Form of the answer; so does Accept', { type: 'string', enum: ['json', 'ndjson'] }),
  query('pretty', 'Indented JSON; the default for curl, HTTPie and Wget', { type: 'boolean' }),
]

export const otherPaths: Json = {
  '/events': {
    get: operation('What has happened, page by page', 'events', {
      parameters: eventParameters,
      responses: {
        200: {
          description: 'A page of events, oldest first',
          headers: headersNamed(['Introspect-Cursor', 'Vary', 'Link']),
          content: { ...jsonContent(EventsPage), ...linesContent('ndjson', CloudEvent, 'One CloudEvent a line') },
        },
      },
    }),
  },
  '/subscriptions': {
    get: operation('The durable subscriptions', 'subscriptions', {
      responses: { 200: { description: 'All of them', content: jsonContent(SubscriptionsView) } },
    }),
  },
  '/subscriptions/{name}': {
    parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string', pattern: '^[\\w.-]+$' } }],
    get: operation('A durable subscription', 'get subscription', {
      responses: { 200: subscription('How far its subscriber has come') },
    }),
    put: operation('Make a durable subscription, or move its cursor', 'put subscription', {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemaOf(SubscriptionBody, 'input') } },
      },
      responses: { 200: subscription('Moved'), 201: subscription('Made', headersNamed(['Location'])) },
    }),
    delete: operation('Delete a durable subscription; who is connected to it is closed', 'delete subscription', {
      responses: { 204: { description: 'Deleted' } },
    }),
  },
  '/metrics': plain('What the service says of itself to Prometheus', 'metrics'),
  '/livez': plain('The service lives', 'livez'),
  '/readyz': {
    get: operation('The service is ready to answer; ?verbose says what that rests on', 'readyz', {
      parameters: [{ name: 'verbose', in: 'query', schema: { type: 'string' }, allowEmptyValue: true }],
      responses: { 200: ready('ready'), 503: ready('not ready') },
    }),
  },
  '/openapi.json': document('This document', 'openapi'),
  '/asyncapi.json': document('The AsyncAPI document of the streams', 'asyncapi'),
  '/docs': {
    get: operation('This document as a page where requests can be tried', 'docs', {
      responses: {
        200: {
          description: 'The page',
          headers: headersNamed(['X-Frame-Options']),
          content: { 'text/html': { schema: { type: 'string' } } },
        },
      },
    }),
  },
  '/': {
    get: operation('Where all else is', 'root', {
      responses: {
        200: {
          description: 'Names of other paths',
          content: {
            'application/json': { schema: { type: 'object', additionalProperties: { type: 'string' } } },
          },
        },
      },
    }),
  },
}
