/** What stands in the file for events that were told, and could not be kept. */

import { cursorText } from '../base/cursor.ts'
import type { StoredEvent } from './store.ts'
import type { PersistedEvent } from './stored-event.ts'

interface Hole {
  readonly source: string
  readonly why: string
  /** The last that was kept before, and the first after. */
  readonly before: PersistedEvent
  readonly after: PersistedEvent
}

/**
 * It stands where the last of them stood, with an id of its own and, as a bookmark, no sequence: those who were there have
 * heard another event by that.
 */
export function lostEvent({ source, why, before, after }: Hole): StoredEvent {
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
