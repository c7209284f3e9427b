/** Events of the model as lines of NDJSON. */

import { once } from 'node:events'
import { RingEvent } from '../journal/ring.ts'
import type { KernelEvent } from '../kernel/events.ts'

/** Of the model, wherever it runs: so that a run is the same on every machine. */
const source = '/net/model'

export class EventPrinter {
  readonly #stream: NodeJS.WritableStream
  #sequence = 0
  #hasRoom = true
  /** Nobody reads on, as after `| head`. */
  #isUnread = false

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream
    stream.on('error', (error) => this.#endOrThrow(error))
  }

  /** Sequences begin at 1 again. */
  beginAnew(): void {
    this.#sequence = 0
  }

  print(event: KernelEvent): void {
    if (!this.#isUnread) this.#hasRoom = this.#stream.write(`${new RingEvent(++this.#sequence, source, event).json}\n`)
  }

  /** Until the reader has caught up. */
  async caughtUp(): Promise<void> {
    if (this.#hasRoom || this.#isUnread) return
    try {
      await once(this.#stream, 'drain')
    } catch (error) {
      this.#endOrThrow(error)
    }
  }

  #endOrThrow(error: unknown): void {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error
    this.#isUnread = true
  }
}
