/** The frames of `introspect.v1`: JSON in both directions, so that one socket can hold many subscriptions. */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { CursorText, EventTypes } from './subscription-request.ts'

const Id = z
  .string()
  .min(1)
  .max(bounds.subscriptionNameMax)
  .describe('of the subscription: chosen by the client, unique on its connection')

export const SubscribeFrame = z
  .strictObject({
    type: z.literal('subscribe'),
    id: Id,
    path: z
      .string()
      .max(bounds.pathBytesMax)
      .optional()
      .describe('pathname, * for one segment and ** at the end; without it the path of the connection'),
    types: EventTypes.optional().describe('event types, * at the end; without it all'),
    after: CursorText.optional().describe(
      'begin after this cursor; without it after the durable one, and without that with what happens from now on',
    ),
    snapshot: z.boolean().optional().describe('begin with the state of all that is there, unless one can resume'),
  })
  .meta({ id: 'SubscribeFrame', description: 'Asks for events' })

export const UnsubscribeFrame = z
  .strictObject({ type: z.literal('unsubscribe'), id: Id })
  .meta({ id: 'UnsubscribeFrame', description: 'Ends a subscription' })

export const AckFrame = z
  .strictObject({
    type: z.literal('ack'),
    cursor: CursorText.describe('all up to it has been dealt with, in all subscriptions of the connection'),
  })
  .meta({ id: 'AckFrame', description: 'Moves the durable cursor of the connection on' })

export const ClientFrame = z.discriminatedUnion('type', [SubscribeFrame, UnsubscribeFrame, AckFrame])
export type ClientFrame = z.output<typeof ClientFrame>

const PaddedCursor = z.string().regex(/^\d{20}$/)

export const SubscribedFrame = z
  .strictObject({
    type: z.literal('subscribed'),
    id: Id,
    path: z.string().describe('what it has become: an alias is answered with what it stands for'),
    cursor: PaddedCursor.describe(
      'the events that follow come after it; where a snapshot follows, the bookmark at its end says which it is of',
    ),
    snapshot: z.boolean().describe('whether a snapshot follows'),
  })
  .meta({ id: 'SubscribedFrame', description: 'Answers a subscription' })

export const UnsubscribedFrame = z
  .strictObject({ type: z.literal('unsubscribed'), id: Id })
  .meta({ id: 'UnsubscribedFrame', description: 'No more events of this subscription follow' })

export const EventFrame = z
  .strictObject({
    type: z.literal('event'),
    id: Id,
    event: z.looseObject({ id: z.string(), type: z.string() }).describe('the CloudEvent'),
  })
  .meta({ id: 'EventFrame', description: 'An event of one subscription' })

export const BookmarkFrame = z
  .strictObject({
    type: z.literal('bookmark'),
    id: Id.optional().describe('of the subscription whose snapshot has ended; without it for the whole connection'),
    cursor: PaddedCursor.describe('all up to it has been sent'),
    scanAge: z.string().nullable().describe('age of the last scan, as in 12ms; null where nothing is scanned'),
  })
  .meta({ id: 'BookmarkFrame', description: 'Where the client is, every 30 s' })

export const ErrorFrame = z
  .strictObject({
    type: z.literal('error'),
    id: Id.optional().describe('of the subscription that was asked for, where that is known'),
    problem: z
      .looseObject({ type: z.string(), title: z.string(), status: z.int(), detail: z.string() })
      .describe('a problem document (RFC 9457)'),
  })
  .meta({ id: 'ErrorFrame', description: 'A frame was refused, and has changed nothing' })

export const ServerFrame = z.discriminatedUnion('type', [
  SubscribedFrame,
  UnsubscribedFrame,
  EventFrame,
  BookmarkFrame,
  ErrorFrame,
])
export type ServerFrame = z.output<typeof ServerFrame>
