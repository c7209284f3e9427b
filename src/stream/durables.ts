/** Cursors that the service keeps for subscribers that come back: how far each has said that it has dealt with everything. */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'

const Durable = z.object({
  name: z.string(),
  /** Name of the token that made it; null where no tokens are in use. */
  owner: z.string().nullable(),
  /** All up to it has been dealt with. */
  cursor: z.int(),
  /** ms of Unix time. */
  created: z.number(),
  /** When the cursor was last moved, in ms of Unix time; null where it never was. */
  acknowledged: z.number().nullable(),
})
export type Durable = Readonly<z.output<typeof Durable>>

/** As it was kept, in JSON. @throws SyntaxError, ZodError */
export function parseDurable(text: string): Durable {
  return Durable.parse(JSON.parse(text))
}

export interface DurablesOptions {
  /** Those from before a restart. */
  readonly kept: readonly Durable[]
  /** It is this now; null: it is deleted. */
  readonly onChange: (name: string, durable: Durable | null) => void
  /** ms of Unix time. */
  readonly now: () => number
}

export class Durables {
  readonly #options: DurablesOptions
  readonly #byName: Map<string, Durable>
  /** Ends the connection that holds it at present. */
  readonly #holders = new Map<string, () => void>()

  constructor(options: DurablesOptions) {
    this.#options = options
    this.#byName = new Map(options.kept.map((durable) => [durable.name, durable]))
  }

  get isFull(): boolean {
    return this.#byName.size >= bounds.durablesMax
  }

  get(name: string): Durable | null {
    return this.#byName.get(name) ?? null
  }

  /** By name. */
  all(): Durable[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  isHeld(name: string): boolean {
    return this.#holders.has(name)
  }

  /** Preconditions: there is none of that name, and there is room. */
  create({ name, owner, cursor }: Pick<Durable, 'name' | 'owner' | 'cursor'>): Durable {
    return this.#set({ name, owner, cursor, created: this.#options.now(), acknowledged: null })
  }

  /** Moves the cursor, also back. Preconditions: there is one of that name. */
  move(name: string, cursor: number): Durable {
    return this.#set({ ...this.#byName.get(name)!, cursor, acknowledged: this.#options.now() })
  }

  /** All up to the cursor has been dealt with: what was dealt with before stays so. Deleted meanwhile, there is nothing to move. */
  acknowledge(name: string, cursor: number): void {
    const durable = this.#byName.get(name)
    if (durable !== undefined && cursor > durable.cursor) this.move(name, cursor)
  }

  remove(name: string): void {
    if (!this.#byName.delete(name)) return
    this.#options.onChange(name, null)
    this.#holders.get(name)?.()
  }

  /** The newest connection has it: the one before may be of a controller that is gone. Returns what lets it go. */
  hold(name: string, takenOver: () => void): () => void {
    this.#holders.get(name)?.()
    this.#holders.set(name, takenOver)
    return () => {
      if (this.#holders.get(name) === takenOver) this.#holders.delete(name)
    }
  }

  #set(durable: Durable): Durable {
    this.#byName.set(durable.name, durable)
    this.#options.onChange(durable.name, durable)
    return durable
  }
}
