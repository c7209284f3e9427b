/** Defines the CloudEvents envelope, and the schemas of all events that a stream sends, one for each type. */

import { z } from 'zod'
import { eventTypes } from '../kernel/events.ts'
import { objectSchemaOf } from './field-schemas.ts'
import { path, time, whole } from './value-schemas.ts'

/** Events that a stream itself generates, besides the events of the kernel. */
export const ofStreams = {
  bookmark: {
    summary:
      'every 30 s and at shutdown: the cursor that the stream has reached, and the age of the last scan. Has no `sequence`',
    data: z.strictObject({
      cursor: z.string(),
      scanAge: z.string().nullable().describe('A duration such as 12ms; null if the source does not scan'),
    }),
  },
  error: {
    summary: 'the reply to an unexpected frame; `data` is a problem document. Has no `sequence`',
    data: z.strictObject({ type: z.string(), title: z.string(), status: whole, detail: z.string() }),
  },
  'snapshot.node': {
    summary: 'with `snapshot=true`, before other events: the reply of GET at the subject. Has no `sequence`',
    data: z.looseObject({ path }),
  },
} as const

const envelope = {
  specversion: z.literal('1.0'),
  id: z.string().describe('Unique together with `source`; equal to `sequence` if there is one'),
  source: z.string().describe('The machine, such as /net/alpha'),
  type: z.string(),
  subject: path.describe('Pathname of the main object of the event'),
  time: time.optional(),
  sequence: z
    .string()
    .regex(/^\d{20}$/)
    .optional()
    .describe('The cursor: increases by one with each event, without gaps'),
  about: z.string().optional().describe('Pathnames of other objects that the event concerns, separated by commas'),
}

export const CloudEvent = z
  .strictObject({
    ...envelope,
    data: z.record(z.string(), z.unknown()).describe('Depends on the type, see asyncapi.yaml'),
  })
  .meta({ id: 'CloudEvent', description: 'CloudEvents 1.0' })

const { sequence, time: whenever, ...common } = envelope

/** Every event type with its summary and schema. */
export const eventViews = [
  ...eventTypes.map(({ type, summary, data }) => ({
    type: type as string,
    summary,
    view: z.strictObject({
      ...common,
      type: z.literal(type),
      time,
      // An `events.lost` event stands for deleted events, so it may have no sequence of its own.
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
