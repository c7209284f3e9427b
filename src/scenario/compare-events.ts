/** Holds the events of a run against those expected. */

import type { KernelEvent } from '../kernel/events.ts'
import { missesIn, timesText, valueText } from './compare.ts'
import type { EventExpectation } from './expectations.ts'
import { NoValue } from './names.ts'
import { type Difference, fill, type RunOutcome } from './outcome.ts'

/** They come in the order in which they are expected: the first of each not before the first of the one above it. */
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

/** What is wrong with it, where it names what has not come about. */
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

/** Their places among the events. */
function matchesOf(wanted: Wanted, events: readonly KernelEvent[]): number[] {
  return events.flatMap((event, place) =>
    event.type === wanted.expectation.type && missesOf(event, wanted).length === 0 ? [place] : [],
  )
}

/** Preconditions: it is of that type. */
function missesOf({ subject, data }: KernelEvent, wanted: Wanted): string[] {
  return [
    ...(wanted.subject === null ? [] : missesIn(wanted.subject, subject, 'subject')),
    ...missesIn(wanted.data, data, 'data'),
  ]
}

interface Found {
  readonly matches: readonly number[]
  /** The place of the latest of those that are to come before. */
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

/** What comes closest says most of what is wrong. */
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
