/** Builds the data of the events that open and resolve a deadlock. */

import type { Thread } from '../nodes/thread.ts'
import type { Deadlock } from './deadlock.ts'
import { showWaiting } from './member-views.ts'

/** Number of victims which an event names. Further victims are only counted. */
const victimsReportedMax = 100

/** Data of `deadlock.detected` and `deadlock.orphaned`; `deadlock.suspected` adds its reasons. */
export function openedData({ since, closing, members }: Deadlock, victims: readonly Thread[]) {
  return {
    since: new Date(since).toISOString(),
    closing,
    members: members.map(showWaiting),
    victims: victims.slice(0, victimsReportedMax).map(showWaiting),
    victimCount: victims.length,
  }
}

/** Data of `deadlock.resolved`, without the cause. */
export function resolvedData({ kind, members, since }: Deadlock, isStuck: (member: Thread) => boolean) {
  return {
    was: kind,
    since: new Date(since).toISOString(),
    members: members.map(({ path, name }) => ({ path, name })),
    stuck: members.filter(isStuck).map(({ path }) => path),
  }
}
