/** Appends events that could not be delivered to a file of NDJSON. When the file is full, one former file stays. */

import { appendFileSync, renameSync, statSync } from 'node:fs'
import { bounds } from '../base/bounds.ts'
import type { DeliveredEvent } from './delivered-event.ts'
import type { DeadLetter } from './pump.ts'

export class DeadLetterFile {
  readonly #file: string
  readonly #bytesMax: number

  constructor(file: string, bytesMax: number = bounds.deadLettersBytesMax) {
    this.#file = file
    this.#bytesMax = bytesMax
  }

  /** When this returns, the events are in the file. @throws errors of the file system */
  append(reaction: string, events: readonly DeliveredEvent[], { reason, attempts }: DeadLetter): void {
    const at = new Date().toISOString()
    const lines = events.map(({ json }) => {
      const head = JSON.stringify({ at, reaction, reason, attempts }).slice(0, -1)
      return `${head},"event":${json.toString()}}\n`
    })
    const bytes = statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0
    if (bytes >= this.#bytesMax) renameSync(this.#file, `${this.#file}.1`)
    appendFileSync(this.#file, lines.join(''), { mode: 0o600 })
  }
}
