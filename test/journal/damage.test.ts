/**
 * Damages a journal at random: every event that can still be read is unchanged, or the whole file is set aside or
 * refused. Nothing is deleted.
 */

import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { journalFile, type OpenedStore, openDirectory } from '../../src/journal/data-directory.ts'
import { StoreError } from '../../src/journal/store.ts'

const events = Array.from({ length: 400 }, (_, place) => ({
  sequence: place + 1,
  json: Buffer.from(
    JSON.stringify({ type: 'process.created', subject: `/sys/proc/${place}`, filling: 'µ'.repeat(200) }),
  ),
}))

let home: string
/** A journal whose service ended by itself, and one whose service was killed: most of that is in the WAL. */
let whole: string
let killed: string

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'introspectd-damage-'))
  whole = join(home, 'whole')
  killed = join(home, 'killed')
  const { store, close } = openDirectory(whole, 0)
  for (let first = 0; first < events.length; first += 20)
    store.append(events.slice(first, first + 20), 0, [{ path: `/d${first}`, value: '{}', forgetsTrips: true }])
  mkdirSync(killed)
  for (const suffix of ['', '-wal']) copyFileSync(`${journalFile(whole)}${suffix}`, `${journalFile(killed)}${suffix}`)
  close()
})

afterAll(() => rmSync(home, { recursive: true }))

/** Reads events until the end or the first damaged one. */
function readAll({ store }: OpenedStore): { sequence: number; json: Buffer }[] {
  const read: { sequence: number; json: Buffer }[] = []
  try {
    for (;;) {
      const page = store.read(read.at(-1)?.sequence ?? 0, 64)
      if (page.length === 0) return read
      read.push(...page)
    }
  } catch (error) {
    if (!(error instanceof StoreError && error.corrupt) && !isDamage(error)) throw error
    return read
  }
}

/** SQLITE_CORRUPT (11) and SQLITE_NOTADB (26). */
const isDamage = (error: unknown) =>
  error instanceof Error && 'errcode' in error && [11, 26].includes(Number(error.errcode) & 0xff)

/** Uniformly distributed: fast-check prefers values near the ends of a range. */
const place = fc.integer({ min: 0, max: 2 ** 31 - 1 }).map((number) => number * 2_654_435_761)

const damage = fc.record({
  what: fc.constantFrom('flip', 'flip', 'flip', 'cut', 'header'),
  place,
  bits: fc.integer({ min: 1, max: 255 }),
})

function applyDamage(file: string, { what, place, bits }: { what: string; place: number; bits: number }): void {
  const bytes = readFileSync(file)
  const at = place % (what === 'header' ? 100 : bytes.length)
  if (what === 'cut') {
    writeFileSync(file, bytes.subarray(0, at))
    return
  }
  bytes[at] = bytes[at]! ^ bits
  writeFileSync(file, bytes)
}

test.each([
  ['in the file of a service that ended', 'whole', ''],
  ['in the file of a service that was killed', 'killed', ''],
  ['in the WAL of a service that was killed', 'killed', '-wal'],
] as const)(
  'a journal with damage %s opens: readable events are unchanged, or the file is set aside',
  (_where, which, suffix) => {
    fc.assert(
      fc.property(damage, (how) => {
        const directory = mkdtempSync(join(home, 'run-'))
        cpSync(which === 'whole' ? whole : killed, directory, { recursive: true })
        applyDamage(`${journalFile(directory)}${suffix}`, how)
        const damaged = readFileSync(journalFile(directory))
        let opened: OpenedStore
        try {
          opened = openDirectory(directory, 0)
        } catch (error) {
          // The header names another program, version or format of SQLite: the journal is refused and not changed.
          expect(String(error)).toMatch(/is not a journal|is of version/)
          expect(readFileSync(journalFile(directory)).equals(damaged)).toBe(true)
          return
        }
        const read = readAll(opened)
        if (opened.setAside === null) expect(read).toEqual(events.slice(0, read.length))
        else expect([read, existsSync(opened.setAside.file)]).toEqual([[], true])
        // New events can be appended.
        opened.store.append([{ sequence: 1_000, json: Buffer.from('{}') }], 0)
        opened.close()
        rmSync(directory, { recursive: true })
      }),
      { numRuns: 60 },
    )
  },
)
