/**
 * Stores events in a SQLite file in WAL mode. An event is a sequence and bytes here: the store does not interpret it.
 * When `append` has returned, the events survive a kill of the process.
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { type Fact, FactTables, factTables, type StoredDefinition, type Trip } from './facts.ts'
import { lifeIndex, type Retention, Trimmer, timeColumn } from './retention.ts'

/** Version of the schema. A file of a later version is refused. */
export const schemaVersion = 2

/** `intr`, in the header of the file. A file with another id was made by another program. */
const applicationId = 0x696e7472

export interface StoredEvent {
  readonly sequence: number
  /** The CloudEvent as JSON. */
  readonly json: Buffer
}

/** An event to store. */
export interface NewEvent extends StoredEvent {
  /** It is a birth or a death. */
  readonly isLife?: boolean
  /** Only its sequence has to be stored, until that of a later event is. */
  readonly isPassing?: boolean
}

/** A file that cannot be used as a journal. `corrupt`: it is a journal, and damaged. */
export class StoreError extends Error {
  readonly corrupt: boolean

  constructor(message: string, { corrupt = false } = {}) {
    super(message)
    this.name = 'StoreError'
    this.corrupt = corrupt
  }
}

export class EventStore {
  readonly #db: DatabaseSync
  readonly #insert: StatementSync
  readonly #read: StatementSync
  readonly #remove: StatementSync
  readonly #pages: StatementSync
  readonly #facts: FactTables
  readonly #trimmer: Trimmer
  /** The newest event, if it is stored only for its sequence. */
  #passing: number | null = null
  #oldest: number | null
  #newest: number | null

  /** Preconditions: no other process writes to this file. @throws StoreError and errors of SQLite */
  constructor(file: string) {
    this.#db = new DatabaseSync(file)
    try {
      prepare(this.#db, file)
      this.#insert = this.#db.prepare('INSERT INTO events VALUES (?1, ?2, CAST(?3 AS TEXT), ?4)')
      this.#read = this.#db.prepare(
        'SELECT sequence, event, sum FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?',
      )
      this.#remove = this.#db.prepare('DELETE FROM events WHERE sequence = ?')
      this.#facts = new FactTables(this.#db)
      this.#pages = this.#db.prepare(
        'SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
      )
      this.#trimmer = new Trimmer(this.#db)
      this.#oldest = this.#number('SELECT min(sequence) AS number FROM events')
      this.#newest = this.#number('SELECT max(sequence) AS number FROM events')
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  /** Sequence of the oldest stored event; null when none was ever stored. */
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
   * Writes all events and facts or none, in one transaction. `storedAt` is ms of Unix time: events may have times of a
   * virtual clock. Preconditions: sequences go on by one from the newest, unless the first is `events.lost`.
   * @throws errors of SQLite
   */
  append(events: readonly NewEvent[], storedAt: number, facts: readonly Fact[] = []): void {
    const last = events.at(-1)
    // Sequences go on from the newest in the file, so the newest is stored whatever it is.
    const stored = events.filter((event) => !event.isPassing || event === last)
    const passing = this.#passing
    this.#transact(() => {
      for (const fact of facts) this.#facts.write(fact)
      if (passing !== null && last !== undefined) this.#remove.run(passing)
      for (const { sequence, json } of stored) this.#insert.run(sequence, Math.trunc(storedAt), json, crc32(json))
    })
    for (const { isLife = false, json } of stored) if (isLife) this.#trimmer.addLife(json.length)
    if (last === undefined) return
    this.#passing = last.isPassing ? last.sequence : null
    if (this.#oldest === null || this.#oldest === passing) this.#oldest = stored[0]!.sequence
    this.#newest = last.sequence
  }

  /** Replaces all facts in the file. @throws errors of SQLite */
  replaceFacts(facts: readonly Fact[]): void {
    this.#transact(() => {
      this.#facts.clear()
      for (const fact of facts) this.#facts.write(fact)
    })
  }

  /** Definitions in the order of their paths. @throws errors of SQLite */
  definitions(): StoredDefinition[] {
    return this.#facts.definitions()
  }

  /** Durable cursors as JSON. @throws errors of SQLite */
  durables(): string[] {
    return this.#facts.durables()
  }

  /** Open alerts as JSON. @throws errors of SQLite */
  openAlerts(): string[] {
    return this.#facts.openAlerts()
  }

  trips(): Trip[] {
    return this.#facts.trips()
  }

  /** The first events after a sequence, oldest first. @throws errors of SQLite */
  read(after: number, limit: number): StoredEvent[] {
    return this.#read.all(after, limit).map(({ sequence, event, sum }) => {
      const json = Buffer.from(String(event))
      // SQLite detects damage to its own structures, but not to the contents of a row.
      if (crc32(json) !== sum)
        throw new StoreError(`event ${Number(sequence)} in the journal is damaged: its checksum is wrong`, {
          corrupt: true,
        })
      return { sequence: Number(sequence), json }
    })
  }

  /**
   * Deletes some of the events that are too old or too many. The newest stays: sequences go on from it.
   * Returns whether there is more to delete. @throws errors of SQLite
   */
  trim(retention: Retention, now: number): boolean {
    const [oldest, newest] = [this.#oldest, this.#newest]
    if (oldest === null || newest === null || oldest === newest) return false
    let isMore = false
    this.#transact(() => {
      isMore = this.#trimmer.trim(retention, now, { oldest, newest, bytes: () => this.bytes })
    })
    this.#oldest = this.#number('SELECT min(sequence) AS number FROM events')
    return isMore
  }

  /** ms of Unix time at which the oldest event was stored; null without events. @throws errors of SQLite */
  oldestAt(): number | null {
    return this.#number(`SELECT ${timeColumn} AS number FROM events ORDER BY sequence LIMIT 1`)
  }

  /** The last event up to a sequence; null if none is stored. @throws errors of SQLite */
  lastUpTo(sequence: number): StoredEvent | null {
    const last = this.#number('SELECT max(sequence) AS number FROM events WHERE sequence <= ?', [sequence])
    return last === null ? null : (this.read(last - 1, 1)[0] ?? null)
  }

  /** Moves what is in the log of SQLite to the file, and returns the log's space. @throws errors of SQLite */
  emptyLog(): void {
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }

  /** Returns free space in the file to the file system. @throws errors of SQLite */
  compact(): void {
    this.#db.exec('VACUUM')
    this.emptyLog()
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
      // SQLite itself rolls back when the disk is full.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  #number(query: string, values: readonly number[] = []): number | null {
    const number = this.#db.prepare(query).get(...values)?.number ?? null
    return number === null ? null : Number(number)
  }
}

/** Creates the schema in an empty file, and checks any other file. @throws StoreError and errors of SQLite */
function prepare(db: DatabaseSync, file: string): void {
  const pragma = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0]
  const isEmpty = countTables(db, file) === 0
  if (!isEmpty && pragma('application_id') !== applicationId) throw new StoreError(`${file} is not a journal`)
  const version = Number(pragma('user_version'))
  if (!isEmpty && version !== schemaVersion)
    throw new StoreError(`${file} is of version ${version}, and this introspectd reads version ${schemaVersion}`)
  db.exec('PRAGMA journal_mode = WAL')
  // A commit reaches the operating system, so it survives the end of this process, though not a power failure.
  db.exec('PRAGMA synchronous = NORMAL')
  db.exec('PRAGMA journal_size_limit = 16777216')
  if (isEmpty) {
    db.exec(`BEGIN IMMEDIATE;
      CREATE TABLE events (sequence INTEGER PRIMARY KEY, kept INTEGER NOT NULL, event TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
      ${factTables};
      PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${schemaVersion};
      COMMIT`)
    db.exec(lifeIndex)
    return
  }
  const found = pragma('quick_check(1)')
  if (found !== 'ok') throw new StoreError(`${file}: ${found}`, { corrupt: true })
  db.exec(lifeIndex)
}

/** @throws StoreError if the header names a format that this SQLite does not read; other errors of SQLite */
function countTables(db: DatabaseSync, file: string): unknown {
  try {
    return db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()!.count
  } catch (error) {
    if (!(error instanceof Error && 'errcode' in error && Number(error.errcode) === codes.error)) throw error
    throw new StoreError(`${file} is not a journal that this introspectd can read: ${error.message}`)
  }
}

const codes = { error: 1, corrupt: 11, notADatabase: 26 }

/** Whether the error means that the file is damaged, rather than a full disk or a missing permission. */
export function isCorruption(error: unknown): boolean {
  if (error instanceof StoreError) return error.corrupt
  if (!(error instanceof Error) || !('errcode' in error)) return false
  const code = Number(error.errcode) & 0xff
  return code === codes.corrupt || code === codes.notADatabase
}
