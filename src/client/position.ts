/** Tracks the cursor of a watch, and recognises events that were sent twice. */

/** Length of a cursor of the service, which is padded with zeros. */
const digits = 20

interface SequencedEvent {
  readonly source: string
  readonly sequence?: string
}

export class Position {
  #cursor: string | null
  /** Newest sequence by source: a gateway sends the events of several nodes. */
  readonly #newest = new Map<string, string>()

  constructor(after: string | null) {
    this.#cursor = after?.padStart(digits, '0') ?? null
  }

  /** Cursor to resume after; null if it is not known yet. */
  get cursor(): string | null {
    return this.#cursor
  }

  /** Returns true if the event is new. Delivery is at least once, so that an event may arrive again. */
  accepts({ source, sequence }: SequencedEvent): boolean {
    if (sequence === undefined) return true
    const newest = this.#newest.get(source)
    if (newest !== undefined && sequence <= newest) return false
    this.#newest.set(source, sequence)
    this.#cursor = sequence
    return true
  }

  /** Advances the cursor. */
  moveTo(cursor: string): void {
    if (this.#cursor === null || cursor > this.#cursor) this.#cursor = cursor
  }

  /**
   * Sets the cursor after the state was read. The sequences of the service may have started again, so forget the old
   * ones.
   */
  restart(cursor: string): void {
    this.#cursor = cursor
    this.#newest.clear()
  }
}
