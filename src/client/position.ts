/** How far a watch has come, and whether what it is sent is new. Pure. */

/** Cursors are digits, and those of the service have 20. */
const digits = 20

interface Sent {
  readonly source: string
  readonly sequence?: string
}

export class Position {
  #cursor: string | null
  /** The newest of each node that events have come from. */
  readonly #newest = new Map<string, string>()

  constructor(after: string | null) {
    this.#cursor = after?.padStart(digits, '0') ?? null
  }

  /** What to go on after; null where nobody knows yet. */
  get cursor(): string | null {
    return this.#cursor
  }

  /** Whether it is to be handed on: delivery is at least once, so the same may be sent again. */
  accepts({ source, sequence }: Sent): boolean {
    if (sequence === undefined) return true
    const newest = this.#newest.get(source)
    if (newest !== undefined && sequence <= newest) return false
    this.#newest.set(source, sequence)
    this.#cursor = sequence
    return true
  }

  /** All up to it has been seen. */
  moveTo(cursor: string): void {
    if (this.#cursor === null || cursor > this.#cursor) this.#cursor = cursor
  }

  /** The state was read anew: what follows may be of another time, in which sequences have begun anew too. */
  restart(cursor: string): void {
    this.#cursor = cursor
    this.#newest.clear()
  }
}
