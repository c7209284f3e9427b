/** Writes events that had to wait for room on the disk, in pieces, so that they never need much room at once. */

import { bounds } from '../base/bounds.ts'
import { lostEvent } from './lost-event.ts'
import type { Retention } from './retention.ts'
import type { EventRing } from './ring.ts'
import type { Selection } from './selection.ts'
import type { EventStore, NewEvent } from './store.ts'
import { PersistedEvent } from './stored-event.ts'

interface Unwritten {
  readonly ring: EventRing
  readonly selection: Selection
  /** These two are for the event that stands for lost ones. */
  readonly source: string
  readonly why: string
}

/**
 * Events in memory that the file does not have. If the disk was full for so long that memory has dropped some, the
 * first is an `events.lost` for these. @throws errors of SQLite
 */
export function unwritten(store: EventStore, { ring, selection, source, why }: Unwritten): readonly NewEvent[] {
  const { newest } = store
  const { oldestCursor } = ring
  const hasGap = newest !== null && newest < oldestCursor
  const recent = [...ring.after(hasGap ? oldestCursor : (newest ?? oldestCursor))]
  const events = recent.map((event) => selection.newEvent(event))
  if (!hasGap) return events
  const before = new PersistedEvent(store.read(newest - 1, 1)[0]!)
  const next = new PersistedEvent(recent[0]!)
  const range = { after: before.sequence, last: next.sequence - 1, from: before.time, to: next.time }
  return [lostEvent({ source, why, ...range }), ...events]
}

interface BacklogParts {
  readonly store: EventStore
  readonly retention: Retention
  /** ms of Unix time. */
  readonly now: number
}

/**
 * Writes all but the last piece, and returns that. After each piece the oldest events beyond the retention are deleted,
 * and the log of SQLite is emptied: both give room. What was written before a failure stays written.
 * @throws errors of SQLite
 */
export function writeBacklog(
  events: readonly NewEvent[],
  { store, retention, now }: BacklogParts,
): readonly NewEvent[] {
  store.emptyLog()
  let from = 0
  for (; events.length - from > bounds.journalPieceEvents; from += bounds.journalPieceEvents) {
    store.append(events.slice(from, from + bounds.journalPieceEvents), now)
    store.trim(retention, now)
    store.emptyLog()
  }
  return events.slice(from)
}
