/**
 * Registers durable subscriptions in memory: named cursors from which a subscriber continues when it connects again.
 * The newest connection takes a subscription over from the previous one. Each change goes to `onChange`, through which
 * the application persists it.
 */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'

const Durable = z.object({
  name: z.string(),
  /** Name of the token that created it; null without tokens. */
  owner: z.string().nullable(),
  /** The subscriber has processed every event up to and including this sequence. */
  cursor: z.int(),
  /** Unix time in ms. */
  created: z.number(),
  /** When the cursor was last moved, Unix time in ms; null if it never was. */
  acknowledged: z.number().nullable(),
})
export type Durable = Readonly<z.output<typeof Durable>>

/** Parses a durable subscription from its persisted JSON. @throws SyntaxError, ZodError */
export function parseDurable(text: string): Durable {
  return Durable.parse(JSON.parse(text))
}

export interface DurablesOptions {
  /** Durable subscriptions that were persisted before the restart. */
  readonly restored: readonly Durable[]
  /** Called after each change with the new state; null when it was deleted. */
  readonly onChange: (name: string, durable: Durable | null) => void
  /** Unix time in ms. */
  readonly now: () => number
}

/** The registry of durable subscriptions. At most one connection holds each of them. */
export class Durables {
  readonly #options: DurablesOptions
  readonly #byName: Map<string, Durable>
  /** Closes the connection that holds the subscription at present. */
  readonly #holders = new Map<string, () => void>()

  constructor(options: DurablesOptions) {
    this.#options = options
    this.#byName = new Map(options.restored.map((durable) => [durable.name, durable]))
  }

  get isFull(): boolean {
    return this.#byName.size >= bounds.durablesMax
  }

  get(name: string): Durable | null {
    return this.#byName.get(name) ?? null
  }

  /** Sorted by name. */
  all(): Durable[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  isConnected(name: string): boolean {
    return this.#holders.has(name)
  }

  /** Preconditions: the name is free, and `isFull` is false. */
  create({ name, owner, cursor }: Pick<Durable, 'name' | 'owner' | 'cursor'>): Durable {
    return this.#set({ name, owner, cursor, created: this.#options.now(), acknowledged: null })
  }

  /** Moves the cursor forwards or backwards. Preconditions: the subscription exists. */
  move(name: string, cursor: number): Durable {
    return this.#set({ ...this.#byName.get(name)!, cursor, acknowledged: this.#options.now() })
  }

  /** Moves the cursor forwards only. Does nothing if the subscription has been deleted meanwhile. */
  acknowledge(name: string, cursor: number): void {
    const durable = this.#byName.get(name)
    if (durable !== undefined && cursor > durable.cursor) this.move(name, cursor)
  }

  remove(name: string): void {
    if (!this.#byName.delete(name)) return
    this.#options.onChange(name, null)
    this.#holders.get(name)?.()
  }

  /**
   * Gives the subscription to the newest connection and closes the previous one, which may belong to a dead controller.
   * Returns the function that releases the subscription.
   */
  hold(name: string, onTakenOver: () => void): () => void {
    this.#holders.get(name)?.()
    this.#holders.set(name, onTakenOver)
    return () => {
      if (this.#holders.get(name) === onTakenOver) this.#holders.delete(name)
    }
  }

  #set(durable: Durable): Durable {
    this.#byName.set(durable.name, durable)
    this.#options.onChange(durable.name, durable)
    return durable
  }
}
