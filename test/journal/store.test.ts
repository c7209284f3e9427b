/** Tests the SQLite store of the journal: events, settings, retention, and damaged or foreign files. */

import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { journalFile, type OpenedStore, openDirectory } from '../../src/journal/data-directory.ts'
import { EventStore, type StoredEvent } from '../../src/journal/store.ts'

let directory: string
let open: OpenedStore[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-store-'))
  open = []
})

afterEach(() => {
  for (const { close } of open) close()
  rmSync(directory, { recursive: true })
})

function opened(at = 0): OpenedStore {
  const made = openDirectory(directory, at)
  open.push(made)
  return made
}

function close(): void {
  open.pop()!.close()
}

const event = (sequence: number, filling = 0): StoredEvent => ({
  sequence,
  json: Buffer.from(JSON.stringify({ id: sequence, text: `µ${'x'.repeat(filling)}` })),
})

const run = (first: number, last: number, filling = 0): StoredEvent[] =>
  Array.from({ length: last - first + 1 }, (_, place) => event(first + place, filling))

const sequences = (events: readonly StoredEvent[]) => events.map(({ sequence }) => sequence)

const forEver = { ageMsMax: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER }

test('a new store is empty', () => {
  const { store, setAside } = opened()
  expect([store.oldest, store.newest, store.read(0, 10), setAside]).toEqual([null, null, [], null])
})

test('events are restored byte for byte, also after reopening', () => {
  opened().store.append(run(100, 104), 0)
  close()
  const { store } = opened()
  expect([store.oldest, store.newest]).toEqual([100, 104])
  expect(store.read(0, 10)).toEqual(run(100, 104))
})

test('a range is read by cursor and limit, oldest first', () => {
  const { store } = opened()
  store.append(run(1, 10), 0)
  expect(sequences(store.read(3, 4))).toEqual([4, 5, 6, 7])
  expect(sequences(store.read(8, 4))).toEqual([9, 10])
  expect(store.read(10, 4)).toEqual([])
})

test('a failed batch stores nothing, and the next batch continues after the last successful one', () => {
  const { store } = opened()
  store.append(run(1, 3), 0)
  expect(() => store.append([event(4), event(5), event(5)], 0)).toThrow(/UNIQUE/)
  expect([store.newest, sequences(store.read(0, 10))]).toEqual([3, [1, 2, 3]])
  store.append([event(4)], 0)
  expect(sequences(store.read(0, 10))).toEqual([1, 2, 3, 4])
})

describe('retention', () => {
  test('events are removed by age, counted from the time they were stored', () => {
    const { store } = opened()
    store.append(run(1, 5), 1000)
    store.append(run(6, 9), 2000)
    expect(store.trim({ ...forEver, ageMsMax: 500 }, 1500)).toBe(false)
    expect([store.oldest, store.newest]).toEqual([1, 9])
    expect(store.trim({ ...forEver, ageMsMax: 500 }, 1501)).toBe(false)
    expect(sequences(store.read(0, 10))).toEqual([6, 7, 8, 9])
    expect(store.oldest).toBe(6)
  })

  test('the newest event stays at any age, so that sequences continue', () => {
    opened().store.append(run(1, 5), 1000)
    while (open[0]!.store.trim({ ...forEver, ageMsMax: 1 }, 10_000));
    expect([open[0]!.store.oldest, open[0]!.store.newest]).toEqual([5, 5])
    close()
    expect(opened().store.newest).toBe(5)
  })

  test('an event stored while the clock was behind does not cause the removal of younger ones', () => {
    const { store } = opened()
    store.append([event(1)], 2000)
    store.append([event(2)], 1000)
    store.append([event(3)], 2000)
    store.trim({ ...forEver, ageMsMax: 500 }, 2000)
    expect(sequences(store.read(0, 10))).toEqual([1, 2, 3])
  })

  test('beyond the maximum size the oldest events are removed', () => {
    const { store } = opened()
    for (let first = 1; first <= 2001; first += 100) store.append(run(first, first + 99, 1000), 0)
    const bytesMax = 1024 * 1024
    expect(store.bytes).toBeGreaterThan(bytesMax)
    while (store.trim({ ...forEver, bytesMax }, 0));
    expect(store.bytes).toBeLessThanOrEqual(bytesMax)
    // Not much more was removed than necessary.
    expect(store.bytes).toBeGreaterThan(bytesMax * 0.8)
    expect(sequences(store.read(0, 10_000))).toEqual(sequences(run(store.oldest!, 2100)))
  })

  test('many events are removed in several steps', () => {
    const { store } = opened()
    store.append(run(1, 5_000), 0)
    const parts: (number | null)[] = []
    while (store.trim({ ...forEver, ageMsMax: 1 }, 10)) parts.push(store.oldest)
    expect(parts).toEqual([2_001, 4_001, 5_000])
  })

  test('compacting frees the space', () => {
    const { store } = opened()
    store.append(run(1, 2000, 1000), 0)
    store.compact()
    const before = readFileSync(journalFile(directory)).length
    while (store.trim({ ...forEver, ageMsMax: 1 }, 10));
    store.compact()
    expect(readFileSync(journalFile(directory)).length).toBeLessThan(before / 10)
    expect(sequences(store.read(0, 10))).toEqual([2000])
  })
})

describe('an unusable journal', () => {
  const fill = () => {
    opened().store.append(run(1, 2000, 100), 0)
    open[0]!.store.compact()
    close()
  }

  test('is set aside whole if it is damaged, and a new one is created', () => {
    fill()
    const bytes = readFileSync(journalFile(directory))
    // Damaged pages in the middle: the header is intact, so only a check of the whole file finds them.
    bytes.fill(0xff, 8192, 40_000)
    writeFileSync(journalFile(directory), bytes)
    const { store, setAside } = opened(Date.UTC(2026, 10, 22, 10))
    expect(setAside!.file).toBe(join(directory, 'journal.corrupt-20261122T100000.000Z.sqlite'))
    expect(setAside!.reason).not.toBe('')
    expect(readFileSync(setAside!.file).equals(bytes)).toBe(true)
    expect(store.newest).toBeNull()
    store.append(run(7, 8), 0)
    expect(sequences(store.read(0, 10))).toEqual([7, 8])
  })

  test.each([
    ['no database', (file: string) => writeFileSync(file, 'x'.repeat(10_000))],
    ['cut off', (file: string) => truncateSync(file, 10_000)],
  ])('is set aside if it is %s', (_, damage) => {
    fill()
    damage(journalFile(directory))
    expect(opened().setAside).not.toBeNull()
    close()
    expect(opened().setAside).toBeNull()
  })

  test('is set aside under another name than one damaged at the same time', () => {
    for (let count = 0; count < 2; count++) {
      writeFileSync(journalFile(directory), 'x'.repeat(10_000))
      opened()
      close()
    }
    expect(readdirSync(directory).filter((name) => /corrupt.*\.sqlite$/.test(name))).toHaveLength(2)
  })

  test('is refused and not changed if it is a database of another program', () => {
    const other = new DatabaseSync(journalFile(directory))
    other.exec('CREATE TABLE theirs (x)')
    other.close()
    const before = readFileSync(journalFile(directory))
    expect(() => opened()).toThrow(/journal\.sqlite is not a journal/)
    expect(readFileSync(journalFile(directory)).equals(before)).toBe(true)
  })

  test('is refused and not set aside if it has a later version', () => {
    fill()
    const later = new DatabaseSync(journalFile(directory))
    later.exec('PRAGMA user_version = 99')
    later.close()
    expect(() => opened()).toThrow(/is of version 99, and this introspectd reads version 2/)
    expect(readdirSync(directory).filter((name) => name.includes('corrupt'))).toEqual([])
  })

  test('is refused if another service uses its directory', () => {
    opened()
    expect(() => openDirectory(directory, 0)).toThrow(/is in use by another introspectd/)
    close()
    opened()
  })

  test('is refused if a file is in the place of its directory', () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    expect(() => openDirectory(join(file, 'below'), 0)).toThrow(/file is a file, not a directory/)
  })
})

test('only the owner can read the files, even if others can read the directory', () => {
  chmodSync(directory, 0o755)
  opened().store.append(run(1, 3), 0)
  const files = readdirSync(directory).filter((name) => name.startsWith('journal'))
  expect(files).toHaveLength(3)
  for (const name of files) expect([name, statSync(join(directory, name)).mode & 0o077]).toEqual([name, 0])
})

test('another connection reads appended events at once', () => {
  const { store } = opened()
  store.append(run(1, 3), 0)
  const other = new EventStore(journalFile(directory))
  expect(sequences(other.read(0, 10))).toEqual([1, 2, 3])
  other.close()
})

describe('settings', () => {
  const set = (path: string, definition: object = {}, forgetsTrips = true) => ({
    path,
    value: JSON.stringify({ definition }),
    forgetsTrips,
  })
  const trip = (threshold: string, place: string, identity: string | null, ifOnce = false) => ({
    threshold,
    place,
    identity,
    tripped: true,
    ifOnce,
  })
  const places = () => open[0]!.store.trips().map(({ place }) => place)

  test('are restored after reopening, and removed ones are not', () => {
    opened().store.append([], 0, [set('/b'), set('/a', { at: 1 }), set('/c'), { ...set('/c'), value: null }])
    close()
    expect(
      opened()
        .store.definitions()
        .map(({ value }) => value),
    ).toEqual(['{"definition":{"at":1}}', '{"definition":{}}'])
  })

  test('are stored with the events of the same batch, or not at all', () => {
    const { store } = opened()
    expect(() => store.append([event(1), event(1)], 0, [set('/a')])).toThrow(/UNIQUE/)
    expect(store.definitions().map(({ value }) => value)).toEqual([])
  })

  test('have trips until these are cleared, the threshold is replaced, or the process ends', () => {
    const { store } = opened()
    const all = [trip('/a', '1', null), trip('/a', '2', 'x'), trip('/b', '1', 'y'), trip('/b', '2', null)]
    store.append([], 0, [set('/a'), set('/b'), ...all])
    expect(store.trips()).toHaveLength(4)
    store.append([], 0, [{ ...all[3]!, tripped: false }])
    store.append([], 0, [{ ended: 'y' }, set('/a', {}, false)])
    expect(places()).toEqual(['1', '2'])
    store.append([], 0, [set('/a')])
    expect(places()).toEqual([])
  })

  test('record a conditional trip only for a threshold with `once`', () => {
    const { store } = opened()
    store.append([], 0, [set('/once', { once: true }), set('/each', { once: false })])
    store.append([], 0, [trip('/once', '1', null, true), trip('/each', '2', null, true)])
    expect(places()).toEqual(['1'])
  })
})
