/** Tests the journal: events in memory and in the file, retention, and outages of the storage. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { journalFile, type OpenedStore, openDirectory } from '../../src/journal/data-directory.ts'
import { Journal, type JournalOptions } from '../../src/journal/journal.ts'
import type { KernelEvent } from '../../src/kernel/events.ts'

let directory: string
let opened: OpenedStore
let now: number
let published: { sequence: number; storedUpTo: number | null }[]
let faults: (string | null)[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-journal-'))
  opened = openDirectory(directory, 0)
  now = 1_000_000
  published = []
  faults = []
})

afterEach(() => {
  opened.close()
  rmSync(directory, { recursive: true })
})

const forEver = { ageMsMax: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER }

function journal(options: Partial<JournalOptions> = {}): Journal {
  return new Journal({
    source: '/net/x',
    firstSequence: 100,
    eventsMax: 3,
    storage: { store: opened.store, retention: forEver },
    facts: () => [],
    persistsSettings: false,
    publish: ({ sequence }) => published.push({ sequence, storedUpTo: opened.store.newest }),
    onFault: (reason) => faults.push(reason),
    now: () => now,
    ...options,
  })
}

function reopen(): void {
  opened.close()
  opened = openDirectory(directory, 0)
}

const eventOf = (pid: number): KernelEvent => ({
  type: 'process.created',
  at: 0,
  subject: `/sys/proc/${pid}`,
  about: ['/sys/part/a%2Cb', '/sys/part/c'],
  data: {
    pid,
    identity: `x-${pid}`,
    name: 'p',
    started: new Date(0).toISOString(),
    parent: null,
    executable: null,
    uid: null,
    partition: null,
  },
})

function append(to: Journal, count: number): void {
  for (let pid = 1; pid <= count; pid++) to.append(eventOf(pid))
}

const sequences = (events: Iterable<{ sequence: number }>) => [...events].map(({ sequence }) => sequence)

test('events of one tick are persisted in one transaction before they are published', async () => {
  const log = journal({ eventsMax: 10 })
  append(log, 3)
  expect([published, log.newest, log.nextSequence, opened.store.newest]).toEqual([[], 99, 103, null])
  expect([...log.after(99)]).toEqual([])
  await nextTurn()
  expect(published).toEqual([100, 101, 102].map((sequence) => ({ sequence, storedUpTo: 102 })))
  expect(log.newest).toBe(102)
})

test('flush publishes at once, and publishes each event only once', async () => {
  const log = journal({ eventsMax: 10 })
  append(log, 2)
  log.flush()
  log.flush()
  await nextTurn()
  expect(published.map(({ sequence }) => sequence)).toEqual([100, 101])
})

test('more events than a batch in one tick are persisted before memory drops them', () => {
  const log = journal({ eventsMax: bounds.journalBatchMax })
  append(log, 3 * bounds.journalBatchMax)
  log.flush()
  expect(published).toHaveLength(3 * bounds.journalBatchMax)
  expect([opened.store.oldest, opened.store.newest]).toEqual([100, 99 + 3 * bounds.journalBatchMax])
})

test('a reader gets older events from the file and newer ones from memory without a gap', () => {
  const log = journal()
  for (let round = 0; round < 2_000; round++) {
    append(log, 1)
    log.flush()
  }
  expect([log.oldestCursor, log.newest]).toEqual([99, 2_099])
  expect(sequences(log.after(99))).toEqual(Array.from({ length: 2_000 }, (_, place) => 100 + place))
  expect(sequences(log.after(2_097))).toEqual([2_098, 2_099])
})

test('an event read from the file equals the one in memory', () => {
  const log = journal({ eventsMax: 1 })
  append(log, 1)
  log.flush()
  const [recent] = log.after(99)
  append(log, 1)
  log.flush()
  const [old] = log.after(99)
  expect(old!.constructor.name).not.toBe(recent!.constructor.name)
  expect(old!.json.equals(recent!.json)).toBe(true)
  const fieldsOf = ({ sequence, type, places, isForAll }: typeof recent & object) => ({
    sequence,
    type,
    places,
    isForAll,
  })
  expect(fieldsOf(old!)).toEqual(fieldsOf(recent!))
  expect(old!.places).toEqual(['/sys/proc/1', '/sys/part/a%2Cb', '/sys/part/c'])
})

test('the next process continues the sequence and reads the events of the previous one', () => {
  const before = journal()
  append(before, 5)
  before.close()
  reopen()
  const log = journal({ firstSequence: 7 })
  expect(log.inherited()).toMatchObject({ sequence: 104, time: '1970-01-01T00:00:00.000Z' })
  append(log, 1)
  log.flush()
  expect(sequences(log.after(101))).toEqual([102, 103, 104, 105])
  expect([log.oldestCursor, log.newest]).toEqual([99, 105])
})

test('the first process inherits no event', () => {
  expect(journal().inherited()).toBeNull()
})

test('closing persists and publishes pending events', () => {
  const log = journal({ eventsMax: 10 })
  append(log, 2)
  log.close()
  expect([published.length, opened.store.newest]).toEqual([2, 101])
})

test('a cursor of events that retention has removed cannot be resumed', () => {
  const storage = { store: opened.store, retention: { ...forEver, ageMsMax: 60_000 } }
  const log = journal({ storage })
  append(log, 5)
  log.flush()
  now += 60_001
  append(log, 1)
  log.flush()
  expect(opened.store.oldest).toBe(105)
  // Memory still has the last three events.
  expect([log.oldestCursor, log.newest]).toEqual([102, 105])
  expect(sequences(log.after(102))).toEqual([103, 104, 105])
})

test('without a file events are published at once', () => {
  const log = journal({ storage: null })
  append(log, 5)
  expect(published).toHaveLength(5)
  expect([log.oldestCursor, log.newest]).toEqual([101, 104])
})

/** Locks the database for writing, so that no write of the journal succeeds. Returns a function that unlocks it. */
function obstruct(): () => void {
  const other = new DatabaseSync(journalFile(directory))
  other.exec('BEGIN IMMEDIATE')
  return () => other.close()
}

test('a storage outage is reported; events stay in memory and are persisted after it', () => {
  const log = journal({ eventsMax: 1_000 })
  append(log, 1)
  log.flush()
  const release = obstruct()
  append(log, 500)
  log.flush()
  expect(faults).toEqual(['database is locked'])
  expect(log.fault).toBe('database is locked')
  expect([published.length, log.newest, opened.store.newest]).toEqual([501, 600, 100])
  expect(sequences(log.after(99))).toHaveLength(501)
  release()
  append(log, 1)
  log.flush()
  // The journal does not retry at once.
  expect(opened.store.newest).toBe(100)
  now += bounds.journalRetryMs
  append(log, 1)
  log.flush()
  expect(faults).toEqual(['database is locked', null])
  expect([log.fault, opened.store.oldest, opened.store.newest]).toEqual([null, 100, 602])
})

test('writes everything set during a storage outage once the disk is writable again', () => {
  const facts = [{ path: '/a', value: '{"all":true}', forgetsTrips: true }]
  const log = journal({ facts: () => facts, persistsSettings: true })
  log.define({ path: '/b', value: '{"first":true}', forgetsTrips: true })
  log.flush()
  expect(opened.store.definitions().map(({ value }) => value)).toEqual(['{"first":true}'])
  const release = obstruct()
  log.define({ path: '/c', value: '{"missed":true}', forgetsTrips: true })
  log.flush()
  release()
  now += bounds.journalRetryMs
  log.flush()
  expect(opened.store.definitions().map(({ value }) => value)).toEqual(['{"all":true}'])
  log.define({ path: '/a', value: null, forgetsTrips: true })
  log.flush()
  expect(opened.store.definitions().map(({ value }) => value)).toEqual([])
})

test('events that memory dropped during an outage are reported as lost in their place; older ones stay readable', () => {
  const log = journal({ eventsMax: 100 })
  append(log, 5)
  log.flush()
  const release = obstruct()
  for (let round = 0; round < 200; round++) {
    append(log, 1)
    log.flush()
  }
  // During the outage a reader could not go from the file to memory without a gap.
  expect([log.oldestCursor, log.newest]).toEqual([204, 304])
  release()
  now += bounds.journalRetryMs
  append(log, 1)
  log.flush()
  expect(faults).toEqual(['database is locked', null])
  expect([log.oldestCursor, opened.store.oldest, opened.store.newest]).toEqual([99, 100, 305])
  const read = [...log.after(101)]
  expect(sequences(read)).toEqual([102, 103, 104, 205, ...Array.from({ length: 100 }, (_, place) => 206 + place)])
  const lost = read[3]!
  expect(JSON.parse(lost.json.toString())).toEqual({
    specversion: '1.0',
    id: 'lost-00000000000000000205',
    source: '/net/x',
    type: 'events.lost',
    subject: '/sys',
    time: '1970-01-01T00:00:00.000Z',
    data: {
      count: 101,
      from: '1970-01-01T00:00:00.000Z',
      to: '1970-01-01T00:00:00.000Z',
      why: 'the journal could not be written to: database is locked',
      cursor: '00000000000000000205',
    },
  })
  expect(lost.isForAll).toBe(true)
  // A reader whose cursor is among the lost events gets the report, too.
  expect(sequences(log.after(150)).slice(0, 2)).toEqual([205, 206])
  // The next process reads the same.
  reopen()
  expect(sequences(journal().after(101)).slice(0, 4)).toEqual([102, 103, 104, 205])
})

test('an invalid event in the file ends the use of the file, and readers start at the events in memory', () => {
  const log = journal({ eventsMax: 1 })
  append(log, 2)
  log.flush()
  opened.store.append([{ sequence: 102, json: Buffer.from('{"type":') }], 0)
  opened.close()
  opened = openDirectory(directory, 0)
  const next = journal({ eventsMax: 1 })
  expect([next.inherited(), faults]).toEqual([null, ['event 102 in the journal is not an event']])
  append(next, 2)
  next.flush()
  expect(next.fault).toBe('event 102 in the journal is not an event')
  expect([next.oldestCursor, next.newest]).toEqual([103, 104])
})
