/** Decides which events a route gets: by path, by type and by severity. */

import type { EventRow } from '../kernel/events/row.ts'
import { eventTypes } from '../kernel/events.ts'
import type { LoggedEvent } from '../stream/event-log.ts'
import { isWanted } from '../tree/event-types.ts'
import type { PathFilter } from '../tree/path-filter.ts'
import { type LeastSeverity, severities } from './shape.ts'

const rows: readonly EventRow[] = eventTypes

export interface TypeSelection {
  readonly types: readonly string[] | null
  readonly severity: LeastSeverity
}

/** The end of a condition is as severe as its begin: without it, a receiver would never hear of the end. */
export function severityOf({ severity, closes }: EventRow): LeastSeverity {
  const openers = closes === undefined ? [] : rows.filter(({ opens }) => opens === closes)
  return [severity, ...openers.map((row) => row.severity)].reduce(greater)
}

function greater(one: LeastSeverity, other: LeastSeverity): LeastSeverity {
  return severities.indexOf(one) >= severities.indexOf(other) ? one : other
}

/** The types that a route gets. With `andEnds`, also those that end a condition which one of them begins. */
export function typesOf({ types, severity }: TypeSelection, { andEnds = false } = {}): ReadonlySet<string> {
  const wanted = rows.filter(
    (row) =>
      (types === null || types.some((type) => isWanted(type, row.type))) &&
      severities.indexOf(severityOf(row)) >= severities.indexOf(severity),
  )
  const opened = new Set(wanted.flatMap(({ opens }) => opens ?? []))
  const ends = andEnds ? rows.filter(({ closes }) => closes !== undefined && opened.has(closes)) : []
  return new Set([...wanted, ...ends].map(({ type }) => type))
}

export function routeFilter(types: ReadonlySet<string>, path: PathFilter): (event: LoggedEvent) => boolean {
  const hasType = ({ type, standsFor = [] }: LoggedEvent) => [type, ...standsFor].some((each) => types.has(each))
  return (event) => hasType(event) && (event.isForAll || path.concerns(event.places))
}
