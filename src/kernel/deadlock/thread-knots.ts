/** Finds the deadlocks among stuck threads: sets of threads which block one another, and threads without a releaser. */

import type { Thread } from '../nodes/thread.ts'
import { endsAt, knots, ringFrom } from './components.ts'
import { byPidAndTid, type Suspicion } from './deadlock.ts'
import type { WaitGraph } from './wait-graph.ts'
import type { WaitTracker } from './wait-tracker.ts'

/** A set of threads which block one another, or one thread which nobody can release. */
export interface Knot {
  readonly members: readonly Thread[]
  readonly isOrphan: boolean
}

/** Knots among these nodes of a graph, in the order of their first members. */
export function knotsAmong(waits: WaitTracker, graph: WaitGraph, found: readonly number[]): Knot[] {
  const orphans = found
    .filter((node) => endsAt(graph, node))
    .flatMap((node) => waits.threadAt(node) ?? [])
    .map((thread) => ({ members: [thread], isOrphan: true }))
  const rings = knots(graph, found).map((nodes) => ({ members: inOrder(waits, graph, nodes), isOrphan: false }))
  return [...orphans, ...rings].sort(byFirstMember)
}

/** Sorts by the pid and tid of the first member. */
export function byFirstMember({ members: [one] }: Knot, { members: [other] }: Knot): number {
  return byPidAndTid(one!, other!)
}

/** Members of a simple ring in the order of the ring, other members by pid and tid. */
function inOrder(waits: WaitTracker, graph: WaitGraph, knot: readonly number[]): Thread[] {
  const sorted = waits.threads(knot)
  const ring = ringFrom(graph, sorted[0]!.waitNode)
  return ring === null ? sorted : ring.map((node) => waits.threadAt(node)!)
}

export function hasSameMembers(one: Pick<Knot, 'members'>, other: Pick<Knot, 'members'>): boolean {
  return (
    one.members.length === other.members.length && one.members.every((thread, place) => thread === other.members[place])
  )
}

/** Reasons why a knot is only suspected: weak evidence of waits, and the assumption that the receiver replies. */
export function suspicionsOf({ members }: Knot): Suspicion[] {
  const weak = members.flatMap(({ wait }) => wait?.evidence ?? [])
  const isReply = members.some(({ wait }) => wait?.state === 'REPLY')
  return [...new Set<Suspicion>([...weak, ...(isReply ? (['receiver-will-reply'] as const) : [])])].sort()
}
