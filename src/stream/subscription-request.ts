/** Defines the schemas of the subscription parameters. A query, a header and a frame share them. */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { parseCursor } from '../base/cursor.ts'
import { strangeType } from '../tree/event-types.ts'

/** Types that the stream itself sends to every subscriber. A client may list them, but need not. */
const streamTypes = ['bookmark', 'error', 'snapshot.node']

/** Event types that a subscriber receives. `process.*` is every type that starts with `process.`. */
export const EventTypes = z
  .array(z.string())
  .max(bounds.typesMax, { error: `at most ${bounds.typesMax} types`, abort: true })
  .refine((list) => list.every((type) => /^[a-z][a-z.-]*\*?$|^\*$/.test(type)), {
    error: 'event types such as threshold.*,process.died',
    abort: true,
  })
  // An unknown type never occurs. Without this check a client with a typing error would wait for it forever.
  .superRefine((list, context) => {
    const strange = strangeType(list.filter((type) => !streamTypes.includes(type)))
    if (strange !== null) context.addIssue({ code: 'custom', message: strange })
  })

/** The event types as a comma-separated list. */
export const EventTypesText = z
  .string()
  .transform((text) => text.split(','))
  .pipe(EventTypes)

/** Null lets every type through. */
export type TypeFilter = readonly string[] | null

const invalidCursor = 'a cursor: the sequence of an event, digits only'

export const CursorText = z
  .string()
  .regex(/^\d{1,20}$/, invalidCursor)
  .transform((text) => parseCursor(text)!)

/** Reactions to a cursor whose events are gone: an error, or a stream that says so and continues with the present. */
export const GoneChoice = z.enum(['error', 'restart'])

export const SubscriptionName = z
  .string()
  .min(1)
  .max(bounds.subscriptionNameMax)
  .regex(/^[\w.-]+$/, 'letters, digits, dot, hyphen and underscore')
