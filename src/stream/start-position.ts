/** Where a subscription begins, from what was asked for and what is still kept. */

import type { EventLog } from './event-log.ts'

export interface StartRequest {
  /** The client's own cursor. */
  readonly after: number | null
  /** The one that the service keeps for it. */
  readonly kept: number | null
  /** It takes a snapshot where it cannot resume. */
  readonly snapshot: boolean
}

export type StartPosition =
  | { readonly kind: 'live' }
  | { readonly kind: 'after'; readonly cursor: number }
  | { readonly kind: 'snapshot' }
  /** What it wants to resume after is not kept any more, or never was. */
  | { readonly kind: 'gone'; readonly oldest: number }

export function startPositionOf(
  { oldestCursor, newest }: Pick<EventLog, 'oldestCursor' | 'newest'>,
  { after, kept, snapshot }: StartRequest,
): StartPosition {
  const cursor = after ?? kept
  if (cursor === null) return { kind: snapshot ? 'snapshot' : 'live' }
  if (cursor >= oldestCursor && cursor <= newest) return { kind: 'after', cursor }
  return snapshot ? { kind: 'snapshot' } : { kind: 'gone', oldest: oldestCursor }
}
