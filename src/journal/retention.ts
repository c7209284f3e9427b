/** Deletes events that are too old or too many. Births and deaths may use only a share of the size. */

import type { DatabaseSync } from 'node:sqlite'

export interface Retention {
  /** Events older than this many ms are deleted. */
  readonly ageMsMax: number
  /** Largest size of the pages in use. */
  readonly bytesMax: number
  /** The part of `bytesMax` that births and deaths may use; 1 by default. */
  readonly lifeShare?: number
}

/** On a busy machine nearly all events are of these types. */
export const lifeTypes = [
  'process.created',
  'process.changed',
  'process.died',
  'thread.created',
  'thread.changed',
  'thread.died',
] as const

// The type stands before everything that a program can influence, and quotes in a text are escaped.
const isLife = lifeTypes.map((type) => `instr(substr(event, 1, 512), '"type":"${type}"') > 0`).join(' OR ')

/** Time at which an event was stored, in ms of Unix time. */
export const timeColumn = 'kept'

/** An older version of the program can use a file with this index. */
export const lifeIndex = `CREATE INDEX IF NOT EXISTS life ON events (sequence) WHERE ${isLife}`

/** Most events deleted at once, so that the event loop is not blocked for long. */
const trimEventsMax = 2_000

/** The events in the file. */
export interface StoredRange {
  readonly oldest: number
  readonly newest: number
  /** Size of the pages in use. */
  readonly bytes: () => number
}

export class Trimmer {
  readonly #db: DatabaseSync
  /** Number and bytes of the births and deaths in the file, without overhead. */
  #lifeCount: number
  #lifeBytes: number

  /** Preconditions: the file has the index. */
  constructor(db: DatabaseSync) {
    this.#db = db
    this.#lifeCount = this.#number(`SELECT count(*) AS number FROM events WHERE ${isLife}`) ?? 0
    this.#lifeBytes = this.#number(`SELECT total(length(event)) AS number FROM events WHERE ${isLife}`) ?? 0
  }

  /** Counts a birth or death that was written. */
  addLife(bytes: number): void {
    this.#lifeCount++
    this.#lifeBytes += bytes
  }

  /**
   * Deletes some of the events that are too old or too many, inside a transaction. The newest stays: sequences go on
   * from it. Returns whether there is more to delete. @throws errors of SQLite
   */
  trim({ ageMsMax, bytesMax, lifeShare = 1 }: Retention, now: number, range: StoredRange): boolean {
    const isMore = lifeShare < 1 && this.#trimBirths(bytesMax * lifeShare)
    return this.#trimAll(range, now - ageMsMax, range.bytes() > bytesMax) || isMore
  }

  #trimBirths(bytesMax: number): boolean {
    if (this.#lifeBytes <= bytesMax) return false
    // A sixteenth more than necessary, so that not every write deletes some.
    const share = 1 - (bytesMax / this.#lifeBytes) * (15 / 16)
    const count = Math.min(trimEventsMax, Math.ceil(this.#lifeCount * share))
    const oldest = `SELECT sequence FROM events WHERE (${isLife}) AND sequence < (SELECT max(sequence) FROM events)
      ORDER BY sequence LIMIT ${count}`
    const freed = this.#number(`SELECT total(length(event)) AS number FROM events WHERE sequence IN (${oldest})`)
    if (freed === null || freed === 0) return false
    const { changes } = this.#db.prepare(`DELETE FROM events WHERE sequence IN (${oldest})`).run()
    this.#forget(Number(changes), freed)
    return this.#lifeBytes > bytesMax
  }

  /** Deletes a sixteenth at a time if the file is full: only pages that become empty give room. */
  #trimAll({ oldest, newest }: StoredRange, storedFrom: number, isFull: boolean): boolean {
    const next = this.#number('SELECT sequence AS number FROM events ORDER BY sequence LIMIT 1 OFFSET ?', [
      trimEventsMax,
    ])
    const last = Math.min(next ?? newest, newest)
    const young = this.#number(
      `SELECT sequence AS number FROM events WHERE sequence < ? AND ${timeColumn} >= ? ORDER BY sequence LIMIT 1`,
      [last, Math.trunc(storedFrom)],
    )
    const full = isFull ? Math.min(oldest + Math.ceil((newest - oldest) / 16), last) : 0
    const first = Math.max(young ?? last, full)
    if (first <= oldest) return false
    const number = this.#number(`SELECT count(*) AS number FROM events WHERE sequence < ? AND (${isLife})`, [first])
    const freed = this.#number(`SELECT total(length(event)) AS number FROM events WHERE sequence < ? AND (${isLife})`, [
      first,
    ])
    this.#db.prepare('DELETE FROM events WHERE sequence < ?').run(first)
    this.#forget(number ?? 0, freed ?? 0)
    return first === last || isFull
  }

  #forget(count: number, bytes: number): void {
    this.#lifeCount = Math.max(0, this.#lifeCount - count)
    this.#lifeBytes = Math.max(0, this.#lifeBytes - bytes)
  }

  #number(query: string, values: readonly number[] = []): number | null {
    const number = this.#db.prepare(query).get(...values)?.number ?? null
    return number === null ? null : Number(number)
  }
}
