/** What is set and what has tripped, beside the events: tables in the same file, so that one transaction holds them and the events. */

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { KernelEvent } from '../kernel/events.ts'
import { alertOpenedBy, closesAlert, type OpenAlert } from '../kernel/persistence/open-alerts.ts'

/** A definition, or that there is none any more. `anew`: what had tripped by it is forgotten. */
export interface DefinitionFact {
  readonly path: string
  /** As JSON. */
  readonly value: string | null
  readonly anew: boolean
}

export interface Trip {
  readonly threshold: string
  readonly place: string
  readonly identity: string | null
}

export interface TripFact extends Trip {
  readonly tripped: boolean
  /** Only where the threshold tells but once: of others it is nothing to remember. */
  readonly ifOnce: boolean
}

/** A process has ended: nothing trips there any more. */
export interface EndFact {
  readonly ended: string
}

/** A cursor that is kept for a subscriber, or that it is not any more. */
export interface CursorFact {
  readonly durable: string
  /** As JSON. */
  readonly value: string | null
}

/** Something has been told that is to be told the end of: a deadlock, a warning. */
export interface AlertFact {
  /** Of the deadlock, or of the thread. */
  readonly told: string
  /** As JSON; null: its end has been told. */
  readonly value: string | null
}

export type Fact = DefinitionFact | TripFact | EndFact | CursorFact | AlertFact

export function alertFact(told: OpenAlert): AlertFact {
  return { told: told.path, value: JSON.stringify(told) }
}

/** What an event says of how thresholds stand, and of what is not over. */
export function factOf(event: KernelEvent): TripFact | EndFact | AlertFact | null {
  const opened = alertOpenedBy(event)
  if (opened !== null) return alertFact(opened)
  if (closesAlert(event.type)) return { told: event.subject, value: null }
  switch (event.type) {
    case 'process.died':
      return { ended: event.data.identity }
    case 'threshold.tripped':
    case 'threshold.cleared':
    case 'limit.changed': {
      const { threshold, identity = null } = event.data
      const ifOnce = event.type === 'limit.changed'
      return { threshold, place: event.subject, identity, tripped: event.type !== 'threshold.cleared', ifOnce }
    }
    default:
      return null
  }
}

export const factTables = `
  CREATE TABLE durables (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE definitions (path TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE told (path TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE trips (threshold TEXT, place TEXT, identity TEXT, PRIMARY KEY (threshold, place)) STRICT;
  CREATE INDEX trips_of_process ON trips (identity) WHERE identity IS NOT NULL`

export class FactTables {
  readonly #db: DatabaseSync
  readonly #define: StatementSync
  readonly #forget: StatementSync
  readonly #rearm: StatementSync
  readonly #trip: StatementSync
  readonly #tripOnce: StatementSync
  readonly #clear: StatementSync
  readonly #end: StatementSync
  readonly #keep: StatementSync
  readonly #drop: StatementSync
  readonly #tell: StatementSync
  readonly #tellEnd: StatementSync

  /** Preconditions: the tables are there. */
  constructor(db: DatabaseSync) {
    this.#db = db
    this.#define = db.prepare('INSERT OR REPLACE INTO definitions VALUES (?, ?)')
    this.#forget = db.prepare('DELETE FROM definitions WHERE path = ?')
    this.#rearm = db.prepare('DELETE FROM trips WHERE threshold = ?')
    this.#trip = db.prepare('INSERT OR REPLACE INTO trips VALUES (?, ?, ?)')
    this.#tripOnce = db.prepare(
      "INSERT OR REPLACE INTO trips SELECT ?1, ?2, ?3 FROM definitions WHERE path = ?1 AND value ->> '$.definition.once' = 1",
    )
    this.#keep = db.prepare('INSERT OR REPLACE INTO durables VALUES (?, ?)')
    this.#drop = db.prepare('DELETE FROM durables WHERE name = ?')
    this.#end = db.prepare('DELETE FROM trips WHERE identity = ?')
    this.#tell = db.prepare('INSERT OR REPLACE INTO told VALUES (?, ?)')
    this.#tellEnd = db.prepare('DELETE FROM told WHERE path = ?')
    this.#clear = db.prepare('DELETE FROM trips WHERE threshold = ? AND place = ?')
  }

  write(fact: Fact): void {
    if ('place' in fact) this.#writeTrip(fact)
    else if ('ended' in fact) this.#end.run(fact.ended)
    else if ('durable' in fact) this.#writeCursor(fact)
    else if ('told' in fact) this.#writeTold(fact)
    else this.#writeDefinition(fact)
  }

  #writeCursor({ durable, value }: CursorFact): void {
    if (value === null) this.#drop.run(durable)
    else this.#keep.run(durable, value)
  }

  #writeTrip({ threshold, place, identity, tripped, ifOnce }: TripFact): void {
    if (!tripped) this.#clear.run(threshold, place)
    else (ifOnce ? this.#tripOnce : this.#trip).run(threshold, place, identity)
  }

  #writeTold({ told, value }: AlertFact): void {
    if (value === null) this.#tellEnd.run(told)
    else this.#tell.run(told, value)
  }

  #writeDefinition({ path, value, anew }: DefinitionFact): void {
    if (anew) this.#rearm.run(path)
    if (value === null) this.#forget.run(path)
    else this.#define.run(path, value)
  }

  clear(): void {
    this.#db.exec('DELETE FROM definitions; DELETE FROM trips; DELETE FROM durables; DELETE FROM told')
  }

  definitions(): string[] {
    return this.#values('definitions')
  }

  told(): string[] {
    return this.#values('told')
  }

  #values(table: 'definitions' | 'told'): string[] {
    return this.#db
      .prepare(`SELECT value FROM ${table} ORDER BY path`)
      .all()
      .map(({ value }) => String(value))
  }

  durables(): string[] {
    return this.#db
      .prepare('SELECT value FROM durables ORDER BY name')
      .all()
      .map(({ value }) => String(value))
  }

  trips(): Trip[] {
    return this.#db
      .prepare('SELECT threshold, place, identity FROM trips ORDER BY threshold, place')
      .all()
      .map(({ threshold, place, identity }) => ({
        threshold: String(threshold),
        place: String(place),
        identity: identity === null ? null : String(identity),
      }))
  }
}
