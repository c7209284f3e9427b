/** What a subscriber may ask for, whichever way it asks: in a query, in a header or in a frame. */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { parseCursor } from '../base/cursor.ts'
import { strangeType } from '../tree/event-types.ts'

/** What a stream tells of itself comes to everybody: it may be named, and need not be. */
const ofStreams = ['bookmark', 'error', 'snapshot.node']

/** Which event types are wanted. `process.*` is every type that begins so. */
export const EventTypes = z
  .array(z.string())
  .max(bounds.typesMax, { error: `at most ${bounds.typesMax} types`, abort: true })
  .refine((list) => list.every((type) => /^[a-z][a-z.-]*\*?$|^\*$/.test(type)), {
    error: 'event types such as threshold.*,process.died',
    abort: true,
  })
  // One that there is not would never be heard of, and whoever waits for it would not know.
  .superRefine((list, context) => {
    const strange = strangeType(list.filter((type) => !ofStreams.includes(type)))
    if (strange !== null) context.addIssue({ code: 'custom', message: strange })
  })

/** The same as a comma list. */
export const EventTypesText = z
  .string()
  .transform((text) => text.split(','))
  .pipe(EventTypes)

/** Null is all. */
export type TypeFilter = readonly string[] | null

const notACursor = 'a cursor: the sequence of an event, digits only'

export const CursorText = z
  .string()
  .regex(/^\d{1,20}$/, notACursor)
  .transform((text) => parseCursor(text)!)

export const SubscriptionName = z
  .string()
  .min(1)
  .max(bounds.subscriptionNameMax)
  .regex(/^[\w.-]+$/, 'letters, digits, dot, hyphen and underscore')
