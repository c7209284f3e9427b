/**
 * Holds what routes must remember over restarts: their cursors, and the alerts that are open at Alertmanager. Each is a
 * row among the durable cursors of the journal, and its name has a colon, which no subscription has.
 */

import { z } from 'zod'
import type { Alert } from './alerts.ts'

export interface PositionFact {
  readonly durable: string
  /** JSON; null when it was removed. */
  readonly value: string | null
}

const texts = z.record(z.string(), z.string())

/** The shape of a durable subscription, so that an earlier version of the service can read the journal. */
const Position = z.object({
  name: z.string(),
  owner: z.null(),
  cursor: z.int(),
  created: z.number(),
  acknowledged: z.number().nullable(),
  alert: z.object({ labels: texts, annotations: texts, startsAt: z.string() }).optional(),
})
type Position = z.output<typeof Position>

/** Whether a row among the durable cursors belongs to a route. */
export function isPosition(text: string): boolean {
  return parsePosition(text)?.name.includes(':') === true
}

function parsePosition(text: string): Position | null {
  try {
    return Position.safeParse(JSON.parse(text)).data ?? null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

export interface PositionsOptions {
  /** Rows of the journal. */
  readonly stored: readonly string[]
  readonly persist: (fact: PositionFact) => void
  /** ms of Unix time. */
  readonly now: () => number
}

export class ReactionPositions {
  readonly #rows: Map<string, Position>
  readonly #options: PositionsOptions

  constructor(options: PositionsOptions) {
    this.#options = options
    const rows = options.stored.flatMap((text) => parsePosition(text) ?? [])
    this.#rows = new Map(rows.filter(({ name }) => name.includes(':')).map((row) => [row.name, row]))
  }

  /** Removes the rows of routes that are not configured any more: if they come back, they begin with new events. */
  retain(routes: readonly { readonly kind: string; readonly name: string }[]): void {
    const present = new Set(routes.flatMap(({ kind, name }) => [`${kind}:${name}`, `alert:${name}`]))
    for (const name of this.#rows.keys()) if (!present.has(name.split(':').slice(0, 2).join(':'))) this.#put(name, null)
  }

  cursorOf(kind: string, name: string): number | null {
    return this.#rows.get(`${kind}:${name}`)?.cursor ?? null
  }

  persistCursor(kind: string, name: string, cursor: number): void {
    const key = `${kind}:${name}`
    const now = this.#options.now()
    const created = this.#rows.get(key)?.created ?? now
    this.#put(key, { name: key, owner: null, cursor, created, acknowledged: now })
  }

  alertsOf(name: string): ReadonlyMap<string, Alert> {
    const prefix = `alert:${name}:`
    return new Map(
      [...this.#rows.values()].flatMap((row): [string, Alert][] =>
        row.name.startsWith(prefix) && row.alert !== undefined ? [[row.name.slice(prefix.length), row.alert]] : [],
      ),
    )
  }

  persistAlert(name: string, key: string, alert: Alert | null): void {
    const row = `alert:${name}:${key}`
    const now = this.#options.now()
    this.#put(
      row,
      alert === null ? null : { name: row, owner: null, cursor: 0, created: now, acknowledged: null, alert },
    )
  }

  /** Every row, for a journal that has missed some. */
  facts(): PositionFact[] {
    return [...this.#rows.values()].map((row) => ({ durable: row.name, value: JSON.stringify(row) }))
  }

  #put(name: string, row: Position | null): void {
    if (row === null) this.#rows.delete(name)
    else this.#rows.set(name, row)
    this.#options.persist({ durable: name, value: row === null ? null : JSON.stringify(row) })
  }
}
