/**
 * Stores settings, tripped thresholds, open alerts and durable cursors. They are in the same file as the events, so
 * that one transaction writes both.
 */

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { KernelEvent } from '../kernel/events.ts'
import { alertOpenedBy, closesAlert, type OpenAlert } from '../kernel/persistence/open-alerts.ts'

/** A definition was set, changed or removed. */
export interface DefinitionFact {
  readonly path: string
  /** JSON; null when the definition was removed. */
  readonly value: string | null
  /** Trips of the former definition are deleted. */
  readonly forgetsTrips: boolean
}

/** A definition as it was stored. */
export interface StoredDefinition {
  readonly path: string
  /** JSON */
  readonly value: string
}

export interface Trip {
  readonly threshold: string
  readonly place: string
  readonly identity: string | null
}

export interface TripFact extends Trip {
  readonly tripped: boolean
  /** Write it only if the threshold is `once`: other thresholds on changes have no trip to restore. */
  readonly ifOnce: boolean
}

/** A process has ended, and its trips are deleted. */
export interface EndFact {
  readonly ended: string
}

/** The cursor of a durable subscription was moved or removed. */
export interface CursorFact {
  readonly durable: string
  /** JSON; null when it was removed. */
  readonly value: string | null
}

/** A deadlock or a warning of a long wait began or ended. */
export interface AlertFact {
  /** Path of the deadlock or of the thread. */
  readonly alert: string
  /** JSON; null when it is over. */
  readonly value: string | null
}

export type Fact = DefinitionFact | TripFact | EndFact | CursorFact | AlertFact

export function alertFact(alert: OpenAlert): AlertFact {
  return { alert: alert.path, value: JSON.stringify(alert) }
}

/** The fact that must be persisted besides the event itself; null for most events. */
export function factOf(event: KernelEvent): TripFact | EndFact | AlertFact | null {
  const opened = alertOpenedBy(event)
  if (opened !== null) return alertFact(opened)
  if (closesAlert(event.type)) return { alert: event.subject, value: null }
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
  readonly #putCursor: StatementSync
  readonly #deleteCursor: StatementSync
  readonly #openAlert: StatementSync
  readonly #closeAlert: StatementSync

  /** Preconditions: the tables exist. */
  constructor(db: DatabaseSync) {
    this.#db = db
    this.#define = db.prepare('INSERT OR REPLACE INTO definitions VALUES (?, ?)')
    this.#forget = db.prepare('DELETE FROM definitions WHERE path = ?')
    this.#rearm = db.prepare('DELETE FROM trips WHERE threshold = ?')
    this.#trip = db.prepare('INSERT OR REPLACE INTO trips VALUES (?, ?, ?)')
    this.#tripOnce = db.prepare(
      "INSERT OR REPLACE INTO trips SELECT ?1, ?2, ?3 FROM definitions WHERE path = ?1 AND value ->> '$.definition.once' = 1",
    )
    this.#putCursor = db.prepare('INSERT OR REPLACE INTO durables VALUES (?, ?)')
    this.#deleteCursor = db.prepare('DELETE FROM durables WHERE name = ?')
    this.#end = db.prepare('DELETE FROM trips WHERE identity = ?')
    this.#openAlert = db.prepare('INSERT OR REPLACE INTO told VALUES (?, ?)')
    this.#closeAlert = db.prepare('DELETE FROM told WHERE path = ?')
    this.#clear = db.prepare('DELETE FROM trips WHERE threshold = ? AND place = ?')
  }

  write(fact: Fact): void {
    if ('place' in fact) this.#writeTrip(fact)
    else if ('ended' in fact) this.#end.run(fact.ended)
    else if ('durable' in fact) this.#writeCursor(fact)
    else if ('alert' in fact) this.#writeAlert(fact)
    else this.#writeDefinition(fact)
  }

  #writeCursor({ durable, value }: CursorFact): void {
    if (value === null) this.#deleteCursor.run(durable)
    else this.#putCursor.run(durable, value)
  }

  #writeTrip({ threshold, place, identity, tripped, ifOnce }: TripFact): void {
    if (!tripped) this.#clear.run(threshold, place)
    else (ifOnce ? this.#tripOnce : this.#trip).run(threshold, place, identity)
  }

  #writeAlert({ alert, value }: AlertFact): void {
    if (value === null) this.#closeAlert.run(alert)
    else this.#openAlert.run(alert, value)
  }

  #writeDefinition({ path, value, forgetsTrips }: DefinitionFact): void {
    if (forgetsTrips) this.#rearm.run(path)
    if (value === null) this.#forget.run(path)
    else this.#define.run(path, value)
  }

  clear(): void {
    this.#db.exec('DELETE FROM definitions; DELETE FROM trips; DELETE FROM durables; DELETE FROM told')
  }

  definitions(): StoredDefinition[] {
    return this.#rows('definitions')
  }

  openAlerts(): string[] {
    return this.#rows('told').map(({ value }) => value)
  }

  #rows(table: 'definitions' | 'told'): StoredDefinition[] {
    return this.#db
      .prepare(`SELECT path, value FROM ${table} ORDER BY path`)
      .all()
      .map(({ path, value }) => ({ path: String(path), value: String(value) }))
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
