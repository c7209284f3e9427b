/**
 * Events in a file that outlives the process: SQLite in WAL mode. It knows of sequences and bytes, and nothing of what
 * they tell. What `append` has returned from survives the end of the process at any moment.
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { type Fact, FactTables, factTables, type Trip } from './facts.ts'

/** Of what the file holds; a file of a later one is refused. */
export const schemaVersion = 2

/** `intr`, in the header of the file: what has another is not ours. */
const applicationId = 0x696e7472

export interface StoredEvent {
  readonly sequence: number
  /** The CloudEvent. */
  readonly json: Buffer
}

export interface Retention {
  /** ms for which events are kept. */
  readonly ageMsMax: number
  /** Of the pages that hold something. */
  readonly bytesMax: number
}

/** A file that is not what it should be; `corrupt`: ours, and damaged. */
export class StoreError extends Error {
  readonly corrupt: boolean

  constructor(message: string, { corrupt = false } = {}) {
    super(message)
    this.name = 'StoreError'
    this.corrupt = corrupt
  }
}

/** So many of the oldest go at once, lest the event loop waits for it. */
const trimEventsMax = 2_000

export class EventStore {
  readonly #db: DatabaseSync
  readonly #insert: StatementSync
  readonly #read: StatementSync
  readonly #pages: StatementSync
  readonly #facts: FactTables
  #oldest: number | null
  #newest: number | null

  /** Preconditions: nobody else writes to this file. @throws StoreError, and what SQLite throws */
  constructor(file: string) {
    this.#db = new DatabaseSync(file)
    try {
      prepare(this.#db, file)
      this.#insert = this.#db.prepare('INSERT INTO events VALUES (?1, ?2, CAST(?3 AS TEXT), ?4)')
      this.#read = this.#db.prepare(
        'SELECT sequence, event, sum FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?',
      )
      this.#facts = new FactTables(this.#db)
      this.#pages = this.#db.prepare(
        'SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
      )
      this.#oldest = this.#number('SELECT min(sequence) AS number FROM events')
      this.#newest = this.#number('SELECT max(sequence) AS number FROM events')
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  /** Sequence of the oldest event kept; null where none ever was. */
  get oldest(): number | null {
    return this.#oldest
  }

  get newest(): number | null {
    return this.#newest
  }

  get bytes(): number {
    return Number(this.#pages.get()!.bytes)
  }

  /**
   * All of them or none, in one transaction. Preconditions: their sequences count up by one, from the newest; or the
   * first says that those before it are lost.
   * `keptAt` is ms of Unix time: the events' own may be that of a virtual clock. @throws what SQLite throws
   */
  append(events: readonly StoredEvent[], keptAt: number, facts: readonly Fact[] = []): void {
    const [first, last] = [events[0], events.at(-1)]
    this.#transact(() => {
      for (const fact of facts) this.#facts.write(fact)
      for (const { sequence, json } of events) this.#insert.run(sequence, Math.trunc(keptAt), json, crc32(json))
    })
    this.#oldest ??= first?.sequence ?? null
    this.#newest = last?.sequence ?? this.#newest
  }

  /** All that is set, and what has tripped: in place of what the file said. As `append`. */
  replaceFacts(facts: readonly Fact[]): void {
    this.#transact(() => {
      this.#facts.clear()
      for (const fact of facts) this.#facts.write(fact)
    })
  }

  /** What was set, as JSON, in the order of their pathnames. @throws what SQLite throws */
  definitions(): string[] {
    return this.#facts.definitions()
  }

  /** Cursors that are kept for subscribers, as JSON. @throws what SQLite throws */
  durables(): string[] {
    return this.#facts.durables()
  }

  /** What has been told and was not over, as JSON. @throws what SQLite throws */
  told(): string[] {
    return this.#facts.told()
  }

  trips(): Trip[] {
    return this.#facts.trips()
  }

  /** The first events after a sequence, oldest first. @throws what SQLite throws */
  read(after: number, limit: number): StoredEvent[] {
    return this.#read.all(after, limit).map(({ sequence, event, sum }) => {
      const json = Buffer.from(String(event))
      // What SQLite looks for is damage to its own structures, and not to what stands in them.
      if (crc32(json) !== sum)
        throw new StoreError(`event ${Number(sequence)} is not as it was kept`, { corrupt: true })
      return { sequence: Number(sequence), json }
    })
  }

  /**
   * Deletes some of what is too old, or too much. The newest stays whatever its age: sequences go on from it.
   * Returns whether there is more to delete. @throws what SQLite throws
   */
  trim({ ageMsMax, bytesMax }: Retention, now: number): boolean {
    const [oldest, newest] = [this.#oldest, this.#newest]
    if (oldest === null || newest === null || oldest === newest) return false
    const last = Math.min(oldest + trimEventsMax, newest) - 1
    const young = this.#number(
      'SELECT sequence AS number FROM events WHERE sequence <= ? AND kept >= ? ORDER BY sequence LIMIT 1',
      [last, Math.trunc(now - ageMsMax)],
    )
    const isFull = this.bytes > bytesMax
    // A sixteenth at a time: only whole pages that are empty make room.
    const first = Math.max(
      young ?? last + 1,
      isFull ? Math.min(oldest + Math.ceil((newest - oldest) / 16), last + 1) : 0,
    )
    if (first === oldest) return false
    this.#transact(() => this.#db.prepare('DELETE FROM events WHERE sequence < ?').run(first))
    this.#oldest = first
    return first === last + 1 || isFull
  }

  /** Gives the room of what was deleted back to the file system. @throws what SQLite throws */
  compact(): void {
    this.#db.exec('VACUUM')
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }

  close(): void {
    this.#db.close()
  }

  #transact(change: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      change()
      this.#db.exec('COMMIT')
    } catch (error) {
      // A full disk has ended it already.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  #number(query: string, values: readonly number[] = []): number | null {
    const number = this.#db.prepare(query).get(...values)?.number ?? null
    return number === null ? null : Number(number)
  }
}

/** Makes what is empty ours, and looks at what is. @throws StoreError, and what SQLite throws */
function prepare(db: DatabaseSync, file: string): void {
  const pragma = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0]
  const isEmpty = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()!.count === 0
  if (!isEmpty && pragma('application_id') !== applicationId) throw new StoreError(`${file} is not a journal`)
  const version = Number(pragma('user_version'))
  if (!isEmpty && version !== schemaVersion)
    throw new StoreError(`${file} is of version ${version}, and this introspectd reads version ${schemaVersion}`)
  db.exec('PRAGMA journal_mode = WAL')
  // A commit is in the kernel's hands, which is what an end of this process cannot undo.
  db.exec('PRAGMA synchronous = NORMAL')
  db.exec('PRAGMA journal_size_limit = 16777216')
  if (isEmpty) {
    db.exec(`BEGIN IMMEDIATE;
      CREATE TABLE events (sequence INTEGER PRIMARY KEY, kept INTEGER NOT NULL, event TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
      ${factTables};
      PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${schemaVersion};
      COMMIT`)
    return
  }
  const found = pragma('quick_check(1)')
  if (found !== 'ok') throw new StoreError(`${file}: ${found}`, { corrupt: true })
}

const codes = { corrupt: 11, notADatabase: 26 }

/** Whether it is the file that is damaged, and not just no room for more, or no right to it. */
export function isCorruption(error: unknown): boolean {
  if (error instanceof StoreError) return error.corrupt
  if (!(error instanceof Error) || !('errcode' in error)) return false
  const code = Number(error.errcode) & 0xff
  return code === codes.corrupt || code === codes.notADatabase
}
