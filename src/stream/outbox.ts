/**
 * Joins messages to the same client into one write, because the system call is the main cost of a frame. The pause
 * between two rounds of writes grows with the time that the last round took: a single client receives its events at
 * once, and ten thousand clients do not use the whole CPU.
 */

import { bounds } from '../base/bounds.ts'

export class Outbox {
  #waiting: Batch[] = []
  #isScheduled = false
  /** Earliest start of the next round, in ms of `performance.now`. */
  #restUntil = 0
  #last: Joined | null = null

  /** Returns the queue of one client. Its messages are joined and passed to `write` in the next round. */
  batch(write: (bytes: Buffer) => void): Batch {
    return new Batch(write, this)
  }

  add(batch: Batch): void {
    this.#waiting.push(batch)
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#schedule()
  }

  /** Joins the pieces. Most clients of a round receive the same pieces, so the last result is cached. */
  join(pieces: readonly Buffer[]): Buffer {
    if (pieces.length === 1) return pieces[0]!
    if (this.#last === null || !isSame(this.#last.pieces, pieces)) this.#last = { pieces, bytes: Buffer.concat(pieces) }
    return this.#last.bytes
  }

  #schedule(): void {
    const rest = this.#restUntil - performance.now()
    if (rest <= 0) setImmediate(() => this.#round())
    else setTimeout(() => this.#round(), rest)
  }

  #round(): void {
    const begun = performance.now()
    const round = this.#waiting
    this.#waiting = []
    for (const batch of round) batch.flush()
    this.#last = null
    const took = performance.now() - begun
    // The writes use at most a quarter of the time, unless the pause would delay events too long.
    this.#restUntil = begun + took + Math.min(3 * took, bounds.coalesceMsMax)
    this.#isScheduled = this.#waiting.length > 0
    if (this.#isScheduled) this.#schedule()
  }
}

interface Joined {
  readonly pieces: readonly Buffer[]
  readonly bytes: Buffer
}

function isSame(some: readonly Buffer[], others: readonly Buffer[]): boolean {
  if (some.length !== others.length) return false
  for (let at = 0; at < some.length; at++) if (some[at] !== others[at]) return false
  return true
}

/** Messages that wait to be written to one client. */
export class Batch {
  readonly #write: (bytes: Buffer) => void
  readonly #outbox: Outbox
  #pieces: Buffer[] = []
  #bytes = 0

  constructor(write: (bytes: Buffer) => void, outbox: Outbox) {
    this.#write = write
    this.#outbox = outbox
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Preconditions: the piece does not change any more. */
  put(piece: Buffer): void {
    if (this.#pieces.length === 0) this.#outbox.add(this)
    this.#pieces.push(piece)
    this.#bytes += piece.length
  }

  /** Writes at once, without waiting for the next round. */
  flush(): void {
    const pieces = this.#pieces
    if (pieces.length === 0) return
    this.#pieces = []
    this.#bytes = 0
    this.#write(this.#outbox.join(pieces))
  }
}
