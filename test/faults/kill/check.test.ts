/** Tests the checks of the kill test: each kind of fault is found. */

import { expect, test } from 'vitest'
import { faultsOf, type RunRecord, type StoredRow, type SubscriberRecord } from './check.ts'
import { Ledger } from './ledger.ts'

const row = (sequence: number, type = 'process.created', subject = '/sys/proc/4', about?: string): StoredRow => ({
  sequence,
  json: JSON.stringify({ type, subject, ...(about !== undefined && { about }), sequence: String(sequence) }),
})

const journal = [
  row(10),
  row(11, 'threshold.tripped', '/sys/proc/4/fds', '/sys/part/web'),
  row(12, 'process.died', '/sys/proc/44'),
  row(13, 'events.lost', '/sys'),
  row(14),
]

const of = (received: readonly StoredRow[], more: Partial<SubscriberRecord> = {}): RunRecord => ({
  journal,
  subscribers: [{ name: 'one', path: '/sys', types: null, after: 9, received, ...more }],
  upTo: 14,
})

test('a subscriber that received every stored event once and in order has no fault', () => {
  expect(faultsOf(of(journal))).toEqual([])
})

test('events outside the watched range need not have been sent', () => {
  expect(faultsOf({ ...of(journal.slice(0, 3)), upTo: 12 })).toEqual([])
  expect(faultsOf(of(journal.slice(2), { after: 11 }))).toEqual([])
})

test.each([
  [
    'a hole in the journal',
    { ...of([]), journal: [row(10), row(12)], subscribers: [] },
    'the journal goes from 10 to 12',
  ],
  ['a sequence that is used twice', { ...of([]), journal: [row(10), row(10)], subscribers: [] }, 'from 10 to 10'],
  ['an event that was never sent', of(journal.filter(({ sequence }) => sequence !== 12)), 'one was never sent 12: {'],
  ['the last event that was never sent', of(journal.slice(0, -1)), 'one was never sent 14: {'],
  ['an event that was sent twice', of([...journal.slice(0, 2), ...journal.slice(1)]), 'one was sent 11 after 11'],
  ['events out of order', of([journal[1]!, journal[0]!, ...journal.slice(2)]), 'one was sent 10 after 11'],
  ['an event that was sent and is not stored', of([...journal, row(15)]), 'one was sent 15, which is not stored'],
  [
    'an event that was sent and stored differently',
    of([row(10, 'process.died'), ...journal.slice(1)]),
    'one was sent 10, which is stored differently',
  ],
])('%s is found', (_name, record, fault) => {
  expect(faultsOf(record)).toEqual([expect.stringContaining(fault)])
})

test('a filter passes events by path, by type, and events for all', () => {
  const seen = (path: string, types: string[] | null, sequences: number[]) =>
    faultsOf(
      of(
        journal.filter(({ sequence }) => sequences.includes(sequence)),
        { path, types },
      ),
    )
  expect(seen('/sys/proc/4', null, [10, 11, 13, 14])).toEqual([])
  expect(seen('/sys/part/web', null, [11, 13])).toEqual([])
  expect(seen('/sys/proc', ['process.*'], [10, 12, 14])).toEqual([])
  expect(seen('/sys/proc', ['process.died', 'events.lost'], [12, 13])).toEqual([])
  expect(seen('/sys/proc/4', null, [10, 11, 12, 13, 14])).toEqual(['one was sent 12, which does not concern it'])
  expect(seen('/sys/proc/44', null, [13])).toEqual([expect.stringContaining('one was never sent 12')])
})

test('a threshold must have the value that was acknowledged last', () => {
  const ledger = new Ledger()
  ledger.acknowledge('/a', 1)
  ledger.acknowledge('/a', 2)
  ledger.acknowledge('/b', 1)
  ledger.acknowledge('/b', null)
  expect(ledger.compare(new Map([['/a', 2]]))).toEqual([])
  expect(ledger.compare(new Map([['/a', 1]]))).toEqual(['/a is at 1, and should be at 2'])
  expect(ledger.compare(new Map())).toEqual(['/a is absent, and should be at 1'])
  expect(ledger.compare(new Map([['/b', 1]]))).toEqual(['/b is at 1, and should be absent'])
  expect(
    ledger.compare(
      new Map([
        ['/b', 1],
        ['/c', 1],
      ]),
    ),
  ).toEqual(['/c exists, but was never set'])
})

test('an unconfirmed request may have had an effect or not, until the next comparison', () => {
  const ledger = new Ledger()
  ledger.acknowledge('/a', 1)
  ledger.addUnconfirmed('/a', 2)
  expect(ledger.compare(new Map([['/a', 3]]))).toEqual(['/a is at 3, and should be at 1 or at 2'])
  ledger.acknowledge('/a', 1)
  ledger.addUnconfirmed('/a', 2)
  ledger.addUnconfirmed('/b', 5)
  expect(
    ledger.compare(
      new Map([
        ['/a', 2],
        ['/b', 5],
      ]),
    ),
  ).toEqual([])
  expect(
    ledger.compare(
      new Map([
        ['/a', 1],
        ['/b', 5],
      ]),
    ),
  ).toEqual(['/a is at 1, and should be at 2'])
})
