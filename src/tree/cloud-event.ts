/** The envelope of events, and with it the shape of all that a stream says: a row a type. */

import { z } from 'zod'
import { eventTypes } from '../kernel/events.ts'
import { objectSchemaOf } from './field-schemas.ts'
import { path, time, whole } from './value-schemas.ts'

/** What a stream says besides what has happened. */
export const ofStreams = {
  bookmark: {
    summary:
      'every 30 s and at shutdown: the cursor up to which you have seen everything, and the age of the last scan. Has no `sequence`',
    data: z.strictObject({
      cursor: z.string(),
      scanAge: z.string().nullable().describe('As in 12ms; null where nothing is scanned'),
    }),
  },
  error: {
    summary: 'the answer to a frame that nobody asked for; `data` is a problem document. Has no `sequence`',
    data: z.strictObject({ type: z.string(), title: z.string(), status: whole, detail: z.string() }),
  },
  'snapshot.node': {
    summary: 'with `snapshot=true`, first of all: what GET answers at the subject. Has no `sequence`',
    data: z.looseObject({ path }),
  },
} as const

const envelope = {
  specversion: z.literal('1.0'),
  id: z.string().describe('Unique with `source`; equal to `sequence` where there is one'),
  source: z.string().describe('The node, as in /net/alpha'),
  type: z.string(),
  subject: path.describe('Pathname that the event is about first'),
  time: time.optional(),
  sequence: z
    .string()
    .regex(/^\d{20}$/)
    .optional()
    .describe('The cursor: counts up by one without holes'),
  about: z.string().optional().describe('Pathnames of what else it concerns, with commas'),
}

export const CloudEvent = z
  .strictObject({ ...envelope, data: z.record(z.string(), z.unknown()).describe('As its type says: asyncapi.yaml') })
  .meta({ id: 'CloudEvent', description: 'CloudEvents 1.0' })

const { sequence, time: whenever, ...common } = envelope

/** Each type with what it is for and the whole of its shape. */
export const eventViews = [
  ...eventTypes.map(({ type, summary, data }) => ({
    type: type as string,
    summary,
    view: z.strictObject({
      ...common,
      type: z.literal(type),
      time,
      // One that stands for events that were told and not kept has no place of its own among them.
      sequence: type === 'events.lost' ? sequence : sequence.unwrap(),
      data: objectSchemaOf(data),
    }),
  })),
  ...Object.entries(ofStreams).map(([type, { summary, data }]) => ({
    type,
    summary: summary as string,
    view: z.strictObject({ ...common, type: z.literal(type), time: whenever, data: data as z.ZodObject }),
  })),
]
