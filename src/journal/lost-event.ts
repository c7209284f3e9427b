/** Builds the `events.lost` event that stands in the journal for events which could not be written. */

import { cursorText } from '../base/cursor.ts'
import type { StoredEvent } from './store.ts'
import type { PersistedEvent } from './stored-event.ts'

interface Gap {
  readonly source: string
  readonly why: string
  /** The last event before the gap, and the first after it. */
  readonly before: PersistedEvent
  readonly after: PersistedEvent
}

/**
 * The event takes the place of the last lost event, but has its own id and no sequence: live subscribers have received
 * another event with that sequence.
 */
export function lostEvent({ source, why, before, after }: Gap): StoredEvent {
  const sequence = after.sequence - 1
  const cursor = cursorText(sequence)
  const event = {
    specversion: '1.0',
    id: `lost-${cursor}`,
    source,
    type: 'events.lost',
    subject: '/sys',
    time: after.time,
    data: {
      count: sequence - before.sequence,
      from: before.time,
      to: after.time,
      why,
      cursor,
    },
  }
  return { sequence, json: Buffer.from(JSON.stringify(event)) }
}
