/** What must hold of a service that was killed, over all of its lives. Pure: records in, what is wrong out. */

export interface KeptRow {
  readonly sequence: number
  /** The CloudEvent as it stands in the journal. */
  readonly json: string
}

export interface Wanted {
  readonly path: string
  /** Names, or beginnings of names with `*`; null: all. */
  readonly types: readonly string[] | null
}

export interface Subscribed extends Wanted {
  readonly name: string
  /** The cursor that it began after. */
  readonly after: number
  /** In the order in which they came, over all connections. */
  readonly received: readonly KeptRow[]
}

export interface Lives {
  /** All that is kept in the end, in order. */
  readonly journal: readonly KeptRow[]
  readonly subscribers: readonly Subscribed[]
  /** Up to here the subscribers have been sent all that concerns them. */
  readonly upTo: number
}

/** A sentence for each fault; none where all is well. */
export function faultsOf({ journal, subscribers, upTo }: Lives): string[] {
  const kept = new Map(journal.map(({ sequence, json }) => [sequence, json]))
  return [
    ...holesIn(journal),
    ...subscribers.flatMap((subscriber) => [
      ...notKept(subscriber, kept),
      ...outOfOrder(subscriber),
      ...missed(subscriber, journal, upTo),
    ]),
  ]
}

function holesIn(journal: readonly KeptRow[]): string[] {
  return journal.slice(1).flatMap(({ sequence }, place) => {
    const before = journal[place]!.sequence
    return sequence === before + 1 ? [] : [`the journal goes from ${before} to ${sequence}`]
  })
}

const notKept = ({ name, received }: Subscribed, kept: ReadonlyMap<number, string>): string[] =>
  received.flatMap(({ sequence, json }) => {
    const there = kept.get(sequence)
    if (there === undefined) return [`${name} has seen ${sequence}, which is not kept`]
    return there === json
      ? []
      : [`${name} has seen ${sequence} as another event than is kept: ${json} and not ${there}`]
  })

const outOfOrder = ({ name, received }: Subscribed): string[] =>
  received.slice(1).flatMap(({ sequence }, place) => {
    const before = received[place]!.sequence
    return sequence > before ? [] : [`${name} was sent ${sequence} after ${before}`]
  })

function missed(subscriber: Subscribed, journal: readonly KeptRow[], upTo: number): string[] {
  const seen = new Set(subscriber.received.map(({ sequence }) => sequence))
  const expected = journal.filter(
    ({ sequence, json }) => sequence > subscriber.after && sequence <= upTo && concerns(json, subscriber),
  )
  const strange = subscriber.received.filter(({ json }) => !concerns(json, subscriber))
  return [
    ...expected
      .filter(({ sequence }) => !seen.has(sequence))
      .map(({ sequence, json }) => `${subscriber.name} was never sent ${sequence}: ${json}`),
    ...strange.map(({ sequence }) => `${subscriber.name} was sent ${sequence}, which does not concern it`),
  ]
}

/** By the contract's own words, and not by the code that is under test. */
export function concerns(json: string, { path, types }: Wanted): boolean {
  const { type, subject, about = '' } = JSON.parse(json) as { type: string; subject: string; about?: string }
  const isWanted = types === null || types.some((each) => new RegExp(`^${each.replace('*', '.*')}$`).test(type))
  if (!isWanted) return false
  if (type === 'events.lost' || type === 'state.replaced') return true
  return [subject, ...about.split(',')].some((place) => `${place}/`.startsWith(`${path}/`))
}
