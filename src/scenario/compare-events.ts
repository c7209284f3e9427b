/** Compares the events of a run with the expected events. */

import type { KernelEvent } from '../kernel/events.ts'
import { missesIn, timesText, valueText } from './compare.ts'
import type { EventExpectation } from './expectations.ts'
import { NoValue } from './names.ts'
import { type Difference, fill, type RunOutcome } from './outcome.ts'

/** Events must come in the expected order: the first match of an expectation must not precede that of the one above. */
export function eventDifferences(expected: readonly EventExpectation[], outcome: RunOutcome): Difference[] {
  let earliest = 0
  return expected.flatMap((expectation) => {
    const wanted = wantedOf(expectation, outcome)
    const matches = typeof wanted === 'string' ? [] : matchesOf(wanted, outcome.events)
    const message = typeof wanted === 'string' ? wanted : faultOf(wanted, { matches, earliest, outcome })
    earliest = Math.max(earliest, matches[0] ?? 0)
    return message === null ? [] : [{ ...expectation.place, message }]
  })
}

interface Wanted {
  readonly expectation: EventExpectation
  readonly subject: string | null
  readonly data: unknown
}

/** @returns a message if the expectation refers to a result that does not exist */
function wantedOf(expectation: EventExpectation, outcome: RunOutcome): Wanted | string {
  const { subject, data } = expectation
  try {
    return {
      expectation,
      subject: subject === null ? null : String(fill(subject, outcome)),
      data: data === null ? {} : fill(data, outcome),
    }
  } catch (error) {
    if (error instanceof NoValue) return error.message
    throw error
  }
}

/** @returns the indices of the matching events */
function matchesOf(wanted: Wanted, events: readonly KernelEvent[]): number[] {
  return events.flatMap((event, place) =>
    event.type === wanted.expectation.type && missesOf(event, wanted).length === 0 ? [place] : [],
  )
}

/** Preconditions: the event has the wanted type. */
function missesOf({ subject, data }: KernelEvent, wanted: Wanted): string[] {
  return [
    ...(wanted.subject === null ? [] : missesIn(wanted.subject, subject, 'subject')),
    ...missesIn(wanted.data, data, 'data'),
  ]
}

interface Found {
  readonly matches: readonly number[]
  /** Index of the latest event that must come before. */
  readonly earliest: number
  readonly outcome: RunOutcome
}

function faultOf(wanted: Wanted, { matches, earliest, outcome }: Found): string | null {
  const { least, most } = wanted.expectation
  if (matches.length < least || matches.length > most) {
    const nearest = matches.length === 0 ? nearestText(wanted, outcome.events) : ''
    return `expected ${expectedTimesText(wanted.expectation)}: ${text(wanted)}; got it ${timesText(matches.length)}${nearest}`
  }
  const [first] = matches
  if (first === undefined || first >= earliest) return null
  return `expected after the one above: ${text(wanted)}; it came before`
}

/** Describes the event that differs least, which explains the difference best. */
function nearestText(wanted: Wanted, events: readonly KernelEvent[]): string {
  const others = events
    .filter(({ type }) => type === wanted.expectation.type)
    .map((event) => missesOf(event, wanted))
    .sort((one, other) => one.length - other.length)
  const [nearest] = others
  return nearest === undefined ? '' : `; the nearest of ${others.length} of that type: ${nearest.join('; ')}`
}

function text({ expectation: { type, data }, subject, data: fields }: Wanted): string {
  return [
    type,
    ...(subject === null ? [] : [`of ${subject}`]),
    ...(data === null ? [] : [`with ${valueText(fields)}`]),
  ].join(' ')
}

function expectedTimesText({ least, most }: EventExpectation): string {
  return least === most ? timesText(least) : `at least ${timesText(least)}`
}
