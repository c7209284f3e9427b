/** Events of the service itself: its source, its journal, and the state of the model. */

import { described, nullable, optional, text, time, whole } from '../fields.ts'
import { plainText } from './line-parts.ts'
import { eventRow } from './row.ts'

export const serviceEvents = [
  eventRow({
    type: 'state.replaced',
    summary: 'the model is in another state, which was put: everybody is told, wherever they listen',
    severity: 'info',
    forAll: true,
    data: { before: described(time, 'Where the clock was before') },
  }),
  eventRow({
    type: 'source.degraded',
    summary: 'the source cannot see something; `what` and `reason`',
    severity: 'warning',
    opens: 'degradation',
    data: {
      what: text,
      reason: text,
      blocked: optional(described(text, 'Of the event loop: for how long, as in 2500ms')),
    },
    line: ({ what, reason }) => `${plainText(what)}: ${plainText(reason)}`,
  }),
  eventRow({
    type: 'source.recovered',
    summary: 'it can again',
    severity: 'info',
    closes: 'degradation',
    data: { what: text, reason: optional(text) },
    line: ({ what, reason }) => `${plainText(what)}: ${plainText(reason)}`,
  }),
  eventRow({
    type: 'events.lost',
    summary: 'stands for events that could not be seen: how many, from when to when, why',
    severity: 'error',
    forAll: true,
    data: {
      count: described(nullable(whole), 'How many; null where nobody knows'),
      from: described(nullable(time), 'Null where nobody knows'),
      to: time,
      why: text,
      cursor: optional(described(text, 'Where it stands for events that could not be kept: the last of those')),
    },
    line: ({ count, from, to, why }) =>
      `${plainText(count ?? 'an unknown number')} from ${plainText(from)} to ${plainText(to)}: ${plainText(why)}`,
  }),
] as const
