/** Prints events of the model as CloudEvents, one JSON object a line (NDJSON). */

import { once } from 'node:events'
import { RingEvent } from '../journal/ring.ts'
import type { KernelEvent } from '../kernel/events.ts'
import { endByOutput, hasNoReader } from './print.ts'

/** CloudEvents `source`. It does not contain the host name, so that the output is the same on every machine. */
const source = '/net/model'

export class EventPrinter {
  readonly #stream: NodeJS.WritableStream
  #sequence = 0
  #hasRoom = true
  /** True after the reader has closed the pipe, as `| head` does. */
  #isUnread = false

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream
    stream.on('error', (error) => this.#endUnlessUnread(error))
  }

  /** Restarts sequences at 1. */
  reset(): void {
    this.#sequence = 0
  }

  print(event: KernelEvent): void {
    if (!this.#isUnread) this.#hasRoom = this.#stream.write(`${new RingEvent(++this.#sequence, source, event).json}\n`)
  }

  /** Resolves when the reader has consumed the buffered output, or has gone. */
  async caughtUp(): Promise<void> {
    if (this.#hasRoom || this.#isUnread) return
    try {
      await once(this.#stream, 'drain')
    } catch (error) {
      this.#endUnlessUnread(error)
    }
  }

  #endUnlessUnread(error: unknown): void {
    if (!(error instanceof Error)) throw error
    if (!hasNoReader(error)) endByOutput({}, error)
    this.#isUnread = true
  }
}
