/** Builds the `events.lost` event that stands for events which are not in the journal. */

import { cursorText } from '../base/cursor.ts'
import type { StoredEvent } from './store.ts'

interface Gap {
  readonly source: string
  readonly why: string
  /** Sequences before the first and of the last event of the gap. */
  readonly after: number
  readonly last: number
  /** Times of events before and after the gap. */
  readonly from: string
  readonly to: string
}

/**
 * The event takes the place of the last lost event, but has its own id and no sequence: live subscribers have received
 * another event with that sequence.
 */
export function lostEvent({ source, why, after, last, from, to }: Gap): StoredEvent {
  const cursor = cursorText(last)
  const event = {
    specversion: '1.0',
    id: `lost-${cursor}`,
    source,
    type: 'events.lost',
    subject: '/sys',
    time: to,
    data: { count: last - after, from, to, why, cursor },
  }
  return { sequence: last, json: Buffer.from(JSON.stringify(event)) }
}

/** An event that stands for events which were not stored on purpose, or were deleted earlier than others. */
export class NotStored {
  readonly sequence: number
  readonly json: Buffer
  readonly type = 'events.lost'
  readonly places = ['/sys']
  readonly isForAll = true
  /** A subscription that selects one of these types gets it. */
  readonly standsFor: readonly string[]

  constructor(gap: Omit<Gap, 'why'>, types: readonly string[]) {
    const why = `the journal stores not all events, or not for as long as others: ${types.join(', ')}`
    const { sequence, json } = lostEvent({ ...gap, why })
    this.sequence = sequence
    this.json = json
    this.standsFor = types
  }
}
