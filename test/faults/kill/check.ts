/** Checks the journal and the received events of a service that was killed many times. Pure: records in, faults out. */

export interface StoredRow {
  readonly sequence: number
  /** The CloudEvent, as it is stored in the journal. */
  readonly json: string
}

export interface Filter {
  readonly path: string
  /** Event types, which may end with `*`; null lets all types through. */
  readonly types: readonly string[] | null
}

export interface SubscriberRecord extends Filter {
  readonly name: string
  /** The cursor after which it started. */
  readonly after: number
  /** Received events of all connections, in order of arrival. */
  readonly received: readonly StoredRow[]
}

export interface RunRecord {
  /** The journal at the end, in order. */
  readonly journal: readonly StoredRow[]
  readonly subscribers: readonly SubscriberRecord[]
  /** Subscribers must have received every matching event up to this sequence. */
  readonly upTo: number
}

/** Returns one sentence for each fault. */
export function faultsOf({ journal, subscribers, upTo }: RunRecord): string[] {
  const stored = new Map(journal.map(({ sequence, json }) => [sequence, json]))
  return [
    ...holesIn(journal),
    ...subscribers.flatMap((subscriber) => [
      ...notStored(subscriber, stored),
      ...outOfOrder(subscriber),
      ...missed(subscriber, journal, upTo),
    ]),
  ]
}

function holesIn(journal: readonly StoredRow[]): string[] {
  return journal.slice(1).flatMap(({ sequence }, place) => {
    const before = journal[place]!.sequence
    return sequence === before + 1 ? [] : [`the journal goes from ${before} to ${sequence}`]
  })
}

const notStored = ({ name, received }: SubscriberRecord, stored: ReadonlyMap<number, string>): string[] =>
  received.flatMap(({ sequence, json }) => {
    const row = stored.get(sequence)
    if (row === undefined) return [`${name} was sent ${sequence}, which is not stored`]
    return row === json ? [] : [`${name} was sent ${sequence}, which is stored differently: ${json}, stored ${row}`]
  })

const outOfOrder = ({ name, received }: SubscriberRecord): string[] =>
  received.slice(1).flatMap(({ sequence }, place) => {
    const before = received[place]!.sequence
    return sequence > before ? [] : [`${name} was sent ${sequence} after ${before}`]
  })

function missed(subscriber: SubscriberRecord, journal: readonly StoredRow[], upTo: number): string[] {
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

/** Applies the filter as the documentation defines it, without the code under test. */
export function concerns(json: string, { path, types }: Filter): boolean {
  const { type, subject, about = '' } = JSON.parse(json) as { type: string; subject: string; about?: string }
  const isWanted = types === null || types.some((each) => new RegExp(`^${each.replace('*', '.*')}$`).test(type))
  if (!isWanted) return false
  if (type === 'events.lost' || type === 'state.replaced') return true
  return [subject, ...about.split(',')].some((place) => `${place}/`.startsWith(`${path}/`))
}
