/** Defines the schemas of the JSON frames of the WebSocket subprotocol `introspect.v1`, in both directions. */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { CursorText, EventTypes } from './subscription-request.ts'

const Id = z
  .string()
  .min(1)
  .max(bounds.subscriptionNameMax)
  .describe('Id of the subscription. The client chooses it; it is unique on the connection')

export const SubscribeFrame = z
  .strictObject({
    type: z.literal('subscribe'),
    id: Id,
    path: z
      .string()
      .max(bounds.pathBytesMax)
      .optional()
      .describe(
        'Pathname to watch; * stands for one segment, ** at the end for one or more. Default: the path of the connection',
      ),
    types: EventTypes.optional().describe('Event types to receive; a type may end with *. Default: all types'),
    after: CursorText.optional().describe(
      'Start after this cursor. Default: the cursor of the durable subscription, otherwise the present',
    ),
    snapshot: z
      .boolean()
      .optional()
      .describe('Start with the state of all matching nodes, unless the subscription can resume from a cursor'),
  })
  .meta({ id: 'SubscribeFrame', description: 'Starts a subscription' })

export const UnsubscribeFrame = z
  .strictObject({ type: z.literal('unsubscribe'), id: Id })
  .meta({ id: 'UnsubscribeFrame', description: 'Ends a subscription' })

export const AckFrame = z
  .strictObject({
    type: z.literal('ack'),
    cursor: CursorText.describe(
      'The client has processed every event up to this cursor, in all subscriptions of the connection',
    ),
  })
  .meta({ id: 'AckFrame', description: 'Advances the cursor of the durable subscription of the connection' })

export const ClientFrame = z.discriminatedUnion('type', [SubscribeFrame, UnsubscribeFrame, AckFrame])
export type ClientFrame = z.output<typeof ClientFrame>

const PaddedCursor = z.string().regex(/^\d{20}$/)

export const SubscribedFrame = z
  .strictObject({
    type: z.literal('subscribed'),
    id: Id,
    path: z.string().describe('Canonical pathname: an alias is replaced by the path that it stands for'),
    cursor: PaddedCursor.describe(
      'The events that follow come after this cursor. If a snapshot follows, the bookmark at its end has the cursor to use',
    ),
    snapshot: z.boolean().describe('True if a snapshot follows'),
  })
  .meta({ id: 'SubscribedFrame', description: 'Confirms a subscription' })

export const UnsubscribedFrame = z
  .strictObject({ type: z.literal('unsubscribed'), id: Id })
  .meta({ id: 'UnsubscribedFrame', description: 'Confirms the end of a subscription: no more of its events follow' })

export const EventFrame = z
  .strictObject({
    type: z.literal('event'),
    id: Id,
    event: z.looseObject({ id: z.string(), type: z.string() }).describe('The CloudEvent'),
  })
  .meta({ id: 'EventFrame', description: 'An event of one subscription' })

export const BookmarkFrame = z
  .strictObject({
    type: z.literal('bookmark'),
    id: Id.optional().describe(
      'The subscription whose snapshot is complete. Absent in bookmarks of the whole connection',
    ),
    cursor: PaddedCursor.describe('Every event up to this cursor has been sent'),
    scanAge: z.string().nullable().describe('Age of the last scan, as in 12ms; null if the source does not scan'),
  })
  .meta({
    id: 'BookmarkFrame',
    description: 'The cursor that the client has reached: every 30 s, and at the end of a snapshot',
  })

export const ErrorFrame = z
  .strictObject({
    type: z.literal('error'),
    id: Id.optional().describe('Id in the refused frame, if it has one'),
    problem: z
      .looseObject({ type: z.string(), title: z.string(), status: z.int(), detail: z.string() })
      .describe('A problem document (RFC 9457)'),
  })
  .meta({ id: 'ErrorFrame', description: 'Refuses a frame, which has changed nothing' })

export const ServerFrame = z.discriminatedUnion('type', [
  SubscribedFrame,
  UnsubscribedFrame,
  EventFrame,
  BookmarkFrame,
  ErrorFrame,
])
export type ServerFrame = z.output<typeof ServerFrame>
