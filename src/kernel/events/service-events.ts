/** Defines the event types of the service itself: its source, its journal, and the state of the model. */

import { described, integer, nullable, optional, text, timestamp } from '../fields.ts'
import { plainText } from './line-parts.ts'
import { eventRow } from './row.ts'

export const serviceEvents = [
  eventRow({
    type: 'state.replaced',
    summary: 'a client replaced the state of the model. Every subscriber gets this event',
    severity: 'info',
    forAll: true,
    data: { before: described(timestamp, 'Time of the clock before') },
  }),
  eventRow({
    type: 'source.degraded',
    summary: 'the source cannot see something: `what` names it, `reason` says why',
    severity: 'warning',
    opens: 'degradation',
    data: {
      what: text,
      reason: text,
      blocked: optional(described(text, 'Time that the event loop was blocked, as in 2500ms')),
    },
    line: ({ what, reason }) => `${plainText(what)}: ${plainText(reason)}`,
  }),
  eventRow({
    type: 'source.recovered',
    summary: 'the source can see it again',
    severity: 'info',
    closes: 'degradation',
    data: { what: text, reason: optional(text) },
    line: ({ what, reason }) => `${plainText(what)}: ${plainText(reason)}`,
  }),
  eventRow({
    type: 'events.lost',
    summary:
      'stands for events that are missing: how many, from when to when, and why. Every subscriber gets this event',
    severity: 'error',
    forAll: true,
    data: {
      count: described(nullable(integer), 'Number of missing events; null when it is not known'),
      from: described(nullable(timestamp), 'Null when it is not known'),
      to: timestamp,
      why: text,
      cursor: optional(described(text, 'Cursor of the last missing event, where it is known')),
    },
    line: ({ count, from, to, why }) =>
      `${plainText(count ?? 'an unknown number')} from ${plainText(from)} to ${plainText(to)}: ${plainText(why)}`,
  }),
] as const
