/** A journal that stores some types of events only, or births and deaths for less time than others. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { type OpenedStore, openDirectory } from '../../src/journal/data-directory.ts'
import { Journal, type JournalOptions } from '../../src/journal/journal.ts'
import type { Retention } from '../../src/journal/retention.ts'
import type { KernelEvent } from '../../src/kernel/events.ts'
import { ReplayScheduler } from '../../src/stream/replay-scheduler.ts'
import { type Sink, Subscription } from '../../src/stream/subscription.ts'
import { parsePathFilter } from '../../src/tree/path-filter.ts'
import { Bench } from '../kernel/support.ts'

let directory: string
let opened: OpenedStore
let journal: Journal
let published: number[]
let now: number

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-chosen-'))
  opened = openDirectory(directory, 0)
  published = []
  now = 1_000_000
})

afterEach(() => {
  journal.close()
  opened.close()
  rmSync(directory, { recursive: true })
})

const forEver: Retention = { ageMsMax: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER }

function begin(stores: (type: string) => boolean, options: Partial<JournalOptions> = {}, retention = forEver): Journal {
  journal = new Journal({
    source: '/net/x',
    firstSequence: 100,
    eventsMax: 3,
    storage: { store: opened.store, retention, stores },
    facts: () => [],
    persistsSettings: false,
    publish: ({ sequence }) => published.push(sequence),
    onFault: (reason) => expect(reason).toBeNull(),
    now: () => now,
    ...options,
  })
  return journal
}

function again(stores: (type: string) => boolean): Journal {
  journal.close()
  opened.close()
  opened = openDirectory(directory, 0)
  return begin(stores)
}

const died = (pid: number): KernelEvent => ({
  type: 'thread.died',
  at: 0,
  subject: `/sys/proc/${pid}`,
  about: [],
  data: { pid, tid: pid, name: 'n'.repeat(500), identity: 'x-1' },
})
const rare = (): KernelEvent => ({
  type: 'source.recovered',
  at: 0,
  subject: '/sys',
  about: [],
  data: { what: 'x', reason: 'y' },
})
const onlyRare = (type: string) => type === 'source.recovered'

const read = (after: number) =>
  [...journal.after(after)].map(({ sequence, type, json }) => [sequence, type, JSON.parse(json.toString()).data.count])

test('an event that is not stored is published, and one that was not stored is reported as lost to who resumes', () => {
  begin(onlyRare)
  for (const event of [rare(), died(1), died(2), rare(), died(3), died(4), died(5), died(6)]) journal.append(event)
  journal.flush()
  expect(published).toEqual([100, 101, 102, 103, 104, 105, 106, 107])
  expect(read(99)).toEqual([
    [100, 'source.recovered', undefined],
    [102, 'events.lost', 2],
    [103, 'source.recovered', undefined],
    [104, 'events.lost', 1],
    [105, 'thread.died', undefined],
    [106, 'thread.died', undefined],
    [107, 'thread.died', undefined],
  ])
  // From a cursor in the middle of a gap, only the rest of the gap is lost.
  expect(read(101)[0]).toEqual([102, 'events.lost', 1])
})

test('sequences go on after a restart, although the newest event was not to be stored', () => {
  begin(onlyRare)
  for (const event of [rare(), died(1), died(2)]) journal.append(event)
  journal.flush()
  const next = again(onlyRare)
  expect([next.newest, next.nextSequence, next.oldestCursor]).toEqual([102, 103, 99])
  next.append(rare())
  next.flush()
  expect(read(99).map(([sequence, type, count]) => [sequence, type, count])).toEqual([
    [100, 'source.recovered', undefined],
    [101, 'events.lost', 1],
    [102, 'thread.died', undefined],
    [103, 'source.recovered', undefined],
  ])
})

test('a subscription to types that are all stored has no gap, and one to the others gets the gap', () => {
  begin(onlyRare)
  for (const event of [rare(), died(1), died(2), rare(), rare(), rare(), rare()]) journal.append(event)
  journal.flush()
  const received = (types: readonly string[] | null) => {
    const got: string[] = []
    const sink: Sink = {
      queuedBytes: 0,
      event: ({ type }) => got.push(type),
      node: () => {},
      snapshotEnded: () => {},
      whenDrained: () => {},
      close: () => {},
    }
    const filter = parsePathFilter(new Bench().kernel, '/sys')
    const subscription = new Subscription(sink, { log: journal, replay: new ReplayScheduler(), filter, types })
    subscription.resume(99)
    subscription.read(100)
    return got
  }
  expect(received(['source.recovered'])).toEqual(Array.from({ length: 5 }, () => 'source.recovered'))
  expect(received(['thread.died'])).toEqual(['events.lost'])
  expect(received(null)).toHaveLength(6)
})

test('births and deaths use only their share, and the others stay', () => {
  const retention = { ageMsMax: 1_000_000, bytesMax: 1_000_000, lifeShare: 0.2 }
  begin(() => true, { eventsMax: 10 }, retention)
  for (let round = 0; round < 40; round++) {
    journal.append(rare())
    for (let pid = 1; pid <= 100; pid++) journal.append(died(pid))
    journal.flush()
    now += 1000
  }
  const types = opened.store.read(0, 10_000).map(({ json }) => JSON.parse(json.toString()).type)
  expect(types.filter((type) => type === 'source.recovered')).toHaveLength(40)
  const births = types.filter((type) => type === 'thread.died').length
  expect(births).toBeGreaterThan(100)
  expect(births * 700).toBeLessThan(2 * 200_000)
  expect(journal.oldestCursor).toBe(99)
  expect(journal.oldestAt).toBe(1_000_000)
  expect(read(99).filter(([, type]) => type === 'events.lost').length).toBeGreaterThan(10)
})

test('memory caches few events while the file has them all', () => {
  const { eventsCachedOfFile } = bounds
  begin(() => true, { eventsMax: bounds.eventsCachedMax })
  for (let pid = 1; pid <= eventsCachedOfFile + 1000; pid++) journal.append(died(pid))
  journal.flush()
  const reading = vi.spyOn(opened.store, 'read')
  const oldest = 99 + 1000
  expect([...journal.after(oldest)]).toHaveLength(eventsCachedOfFile)
  expect(reading).not.toHaveBeenCalled()
  expect([...journal.after(oldest - 1)]).toHaveLength(eventsCachedOfFile + 1)
  expect(reading).toHaveBeenCalled()
})
