/**
 * What is sent to many within a moment goes to each in one write: the system call is what a frame costs. How long such a moment is
 * follows from what the last round of writes took, so that one client hears at once and ten thousand do not take the whole CPU.
 */

import { bounds } from '../base/bounds.ts'

export class Outbox {
  #waiting: Batch[] = []
  #isDue = false
  /** ms of `performance.now`; before it, no round begins. */
  #restUntil = 0
  #last: Joined | null = null

  /** What is put into it is handed to `write` soon, joined. */
  batch(write: (bytes: Buffer) => void): Batch {
    return new Batch(write, this)
  }

  add(batch: Batch): void {
    this.#waiting.push(batch)
    if (this.#isDue) return
    this.#isDue = true
    this.#schedule()
  }

  /** Most clients get the same as the one before: then it is joined already. */
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
    // The writes take a quarter of the time at the most, as long as that holds nobody up for too long.
    this.#restUntil = begun + took + Math.min(3 * took, bounds.coalesceMsMax)
    this.#isDue = this.#waiting.length > 0
    if (this.#isDue) this.#schedule()
  }
}

interface Joined {
  readonly pieces: readonly Buffer[]
  readonly bytes: Buffer
}

function isSame(some: readonly Buffer[], others: readonly Buffer[]): boolean {
  if (some.length !== others.length) return false
  for (let place = 0; place < some.length; place++) if (some[place] !== others[place]) return false
  return true
}

/** What waits to be written to one client. */
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

  /** Nobody writes to the piece any more. */
  put(piece: Buffer): void {
    if (this.#pieces.length === 0) this.#outbox.add(this)
    this.#pieces.push(piece)
    this.#bytes += piece.length
  }

  /** Now, and not when the moment is over. */
  flush(): void {
    const pieces = this.#pieces
    if (pieces.length === 0) return
    this.#pieces = []
    this.#bytes = 0
    this.#write(this.#outbox.join(pieces))
  }
}
