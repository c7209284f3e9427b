/** That what watches over the kills can find something. */

import { expect, test } from 'vitest'
import { faultsOf, type KeptRow, type Lives, type Subscribed } from './check.ts'
import { Ledger } from './ledger.ts'

const row = (sequence: number, type = 'process.created', subject = '/sys/proc/4', about?: string): KeptRow => ({
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

const of = (received: readonly KeptRow[], more: Partial<Subscribed> = {}): Lives => ({
  journal,
  subscribers: [{ name: 'one', path: '/sys', types: null, after: 9, received, ...more }],
  upTo: 14,
})

test('who was sent all that is kept, once and in order, has missed nothing', () => {
  expect(faultsOf(of(journal))).toEqual([])
})

test('what came after the end of the watch need not have been sent', () => {
  expect(faultsOf({ ...of(journal.slice(0, 3)), upTo: 12 })).toEqual([])
  expect(faultsOf(of(journal.slice(2), { after: 11 }))).toEqual([])
})

test.each([
  [
    'a hole in the journal',
    { ...of([]), journal: [row(10), row(12)], subscribers: [] },
    'the journal goes from 10 to 12',
  ],
  ['a sequence that is given twice', { ...of([]), journal: [row(10), row(10)], subscribers: [] }, 'from 10 to 10'],
  ['an event that was never sent', of(journal.filter(({ sequence }) => sequence !== 12)), 'one was never sent 12: {'],
  ['the last that was never sent', of(journal.slice(0, -1)), 'one was never sent 14: {'],
  ['an event that was sent twice', of([...journal.slice(0, 2), ...journal.slice(1)]), 'one was sent 11 after 11'],
  ['events out of order', of([journal[1]!, journal[0]!, ...journal.slice(2)]), 'one was sent 10 after 11'],
  ['one that was seen and is not kept', of([...journal, row(15)]), 'one has seen 15, which is not kept'],
  [
    'one that was seen as another',
    of([row(10, 'process.died'), ...journal.slice(1)]),
    'one has seen 10 as another event',
  ],
])('%s is found', (_what, lives, fault) => {
  expect(faultsOf(lives)).toEqual([expect.stringContaining(fault)])
})

test('a filter lets through what is at its path or below by subject or about, of its types, and what is for all', () => {
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

test('what was acknowledged is to be there as it was acknowledged last', () => {
  const ledger = new Ledger()
  ledger.acknowledge('/a', 1)
  ledger.acknowledge('/a', 2)
  ledger.acknowledge('/b', 1)
  ledger.acknowledge('/b', null)
  expect(ledger.compare(new Map([['/a', 2]]))).toEqual([])
  expect(ledger.compare(new Map([['/a', 1]]))).toEqual(['/a is at 1, and was acknowledged as at 2'])
  expect(ledger.compare(new Map())).toEqual(['/a is not there, and was acknowledged as at 1'])
  expect(ledger.compare(new Map([['/b', 1]]))).toEqual(['/b is at 1, and was acknowledged as not there'])
  expect(
    ledger.compare(
      new Map([
        ['/b', 1],
        ['/c', 1],
      ]),
    ),
  ).toEqual(['/c is there, which nobody has set'])
})

test('what was asked for without an answer may be so or not, and is settled by what there is', () => {
  const ledger = new Ledger()
  ledger.acknowledge('/a', 1)
  ledger.doubt('/a', 2)
  expect(ledger.compare(new Map([['/a', 3]]))).toEqual(['/a is at 3, and was acknowledged as at 1 or at 2'])
  ledger.acknowledge('/a', 1)
  ledger.doubt('/a', 2)
  ledger.doubt('/b', 5)
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
  ).toEqual(['/a is at 1, and was acknowledged as at 2'])
})
