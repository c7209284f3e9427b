/** Summarises a journal file for the command `journal`. It only reads, and a service may write meanwhile. */

import { readdirSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { journalFile } from './data-directory.ts'
import { StoreError, schemaVersion } from './store.ts'

export interface JournalFigures {
  readonly file: string
  /** Size of the file and of the files that SQLite puts beside it. */
  readonly diskBytes: number
  /** Size of the pages in use; the rest is free space in the file. */
  readonly usedBytes: number
  readonly events: number
  /** Null when there are no events. */
  readonly oldest: EventFigures | null
  readonly newest: EventFigures | null
  readonly types: readonly { readonly type: string; readonly count: number }[]
  readonly definitions: readonly { readonly kind: string; readonly count: number }[]
  readonly tripped: number
  /** Names of damaged journals that were moved away. */
  readonly setAside: readonly string[]
}

export interface EventFigures {
  readonly sequence: number
  readonly time: string
}

/** @throws StoreError when there is no journal, or it cannot be read */
export function inspectJournal(directory: string): JournalFigures {
  const file = journalFile(directory)
  const diskBytes = ['', '-wal', '-shm'].reduce((sum, suffix) => sum + sizeOf(`${file}${suffix}`), 0)
  if (diskBytes === 0) throw new StoreError(`there is no journal in ${directory}`)
  return readable(file, () => {
    const db = new DatabaseSync(file, { readOnly: true })
    try {
      // One transaction, because a service may be writing to the file.
      db.exec('BEGIN')
      return { file, diskBytes, ...figures(db, file), setAside: setAside(directory) }
    } finally {
      db.close()
    }
  })
}

/** @throws StoreError instead of an error of SQLite */
function readable<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Error && 'errcode' in error)) throw error
    throw new StoreError(`${file} is damaged, or cannot be read: ${error.message}`)
  }
}

function figures(db: DatabaseSync, file: string): Omit<JournalFigures, 'file' | 'diskBytes' | 'setAside'> {
  const number = (query: string): number => Number(Object.values(db.prepare(query).get()!)[0])
  const version = number('PRAGMA user_version')
  if (version !== schemaVersion)
    throw new StoreError(`${file} is of version ${version}, and this introspectd reads version ${schemaVersion}`)
  const end = (order: 'ASC' | 'DESC'): EventFigures | null => {
    const row = db
      .prepare(`SELECT sequence, event ->> 'time' AS time FROM events ORDER BY sequence ${order} LIMIT 1`)
      .get()
    return row === undefined ? null : { sequence: Number(row.sequence), time: String(row.time) }
  }
  const counts = (query: string) =>
    db
      .prepare(query)
      .all()
      .map(({ name, count }) => ({ name: String(name), count: Number(count) }))
  return {
    usedBytes: number('PRAGMA page_size') * (number('PRAGMA page_count') - number('PRAGMA freelist_count')),
    events: number('SELECT count(*) FROM events'),
    oldest: end('ASC'),
    newest: end('DESC'),
    types: counts("SELECT event ->> 'type' AS name, count(*) AS count FROM events GROUP BY 1 ORDER BY 2 DESC, 1").map(
      ({ name: type, count }) => ({ type, count }),
    ),
    definitions: counts(
      "SELECT value ->> 'kind' AS name, count(*) AS count FROM definitions GROUP BY 1 ORDER BY 1",
    ).map(({ name: kind, count }) => ({ kind, count })),
    tripped: number('SELECT count(*) FROM trips'),
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function setAside(directory: string): string[] {
  return readdirSync(directory).filter((name) => /^journal\.corrupt-.*\.sqlite$/.test(name))
}
