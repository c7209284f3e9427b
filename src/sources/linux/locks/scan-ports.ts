/** Defines the parts of a scan that the lock watch uses: reading schedules again, and adding to the report. */

import type { ObservedWait, ThreadFacts } from '../protocol.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'

export interface ScheduleReader {
  /** Unix milliseconds at which the pass began. */
  readonly now: number
  /** Reads how often the thread ran and sets its `ran` and `gone`. */
  readonly readSchedule: (thread: TrackedThread, armed: boolean) => void
}

export interface WaitReport {
  /** Null: the waits reported before still hold. */
  waits: readonly ObservedWait[] | null
  /** Null: the pids reported before still hold. */
  closedSets: readonly number[] | null
  readonly thread: (facts: ThreadFacts) => void
}
