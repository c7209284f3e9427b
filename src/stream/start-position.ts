/** Decides where a subscription starts, from the request and from the events that are still stored. */

import type { EventLog } from './event-log.ts'

export interface StartRequest {
  /** Cursor that the client sent. It has precedence over `durable`. */
  readonly after: number | null
  /** Cursor of the durable subscription. */
  readonly durable: number | null
  /** True if the client accepts a snapshot when it cannot resume. */
  readonly snapshot: boolean
  /** True if the client accepts to continue with the present when it cannot resume. */
  readonly restart?: boolean
}

export type StartPosition =
  | { readonly kind: 'live' }
  | { readonly kind: 'after'; readonly cursor: number }
  | { readonly kind: 'snapshot' }
  /** The events after `lostAfter` are not available, and the subscription continues with the present. */
  | { readonly kind: 'restart'; readonly lostAfter: number }
  /** The events after the cursor are no longer stored, or the cursor is newer than the newest event. */
  | { readonly kind: 'gone'; readonly oldest: number }

export function startPositionOf(
  { oldestCursor, newest }: Pick<EventLog, 'oldestCursor' | 'newest'>,
  { after, durable, snapshot, restart = false }: StartRequest,
): StartPosition {
  const cursor = after ?? durable
  if (cursor === null) return { kind: snapshot ? 'snapshot' : 'live' }
  if (cursor >= oldestCursor && cursor <= newest) return { kind: 'after', cursor }
  if (snapshot) return { kind: 'snapshot' }
  return restart ? { kind: 'restart', lostAfter: cursor } : { kind: 'gone', oldest: oldestCursor }
}
