/** Defines an event as it is delivered: the same bytes that streams and the journal have. */

import { cursorText } from '../base/cursor.ts'

export interface DeliveredEvent {
  readonly sequence: number
  readonly type: string
  /** The CloudEvent as JSON. */
  readonly json: Buffer
  /** It stands for events that were deleted. */
  readonly isGap?: true
}

interface Gap {
  readonly source: string
  /** The cursor after which events are missing. */
  readonly after: number
  /** Cursor of the last missing event. */
  readonly cursor: number
  /** ms of Unix time. */
  readonly now: number
}

/** Stands for events that were deleted from the journal before they could be delivered. */
export function deletedEvents({ source, after, cursor, now }: Gap): DeliveredEvent {
  const text = cursorText(cursor)
  const time = new Date(now).toISOString()
  const event = {
    specversion: '1.0',
    id: `lost-${text}`,
    source,
    type: 'events.lost',
    subject: '/sys',
    time,
    data: {
      count: cursor > after ? cursor - after : null,
      from: null,
      to: time,
      why: 'the journal deleted them before they could be delivered to this receiver',
      cursor: text,
    },
  }
  return { sequence: cursor, type: 'events.lost', isGap: true, json: Buffer.from(JSON.stringify(event)) }
}

/** The fields of a CloudEvent that reactions use. */
export interface EventFields {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject: string
  readonly time?: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Preconditions: the bytes are an event that this service has written. */
export function fieldsOf({ json }: DeliveredEvent): EventFields {
  return JSON.parse(json.toString())
}
