/** Represents an event that was read from the journal file: the same bytes as when it was first sent. */

import { z } from 'zod'
import { isForAll } from '../kernel/events.ts'
import { type StoredEvent, StoreError } from './store.ts'

const Envelope = z.object({
  type: z.string(),
  subject: z.string(),
  about: z.string().optional(),
  time: z.string(),
  sequence: z.string().optional(),
})

export class PersistedEvent {
  readonly sequence: number
  readonly json: Buffer
  readonly type: string
  readonly time: string
  /** Paths never contain a comma: it is percent-encoded. */
  readonly places: readonly string[]
  readonly isForAll: boolean
  /** It has no sequence of its own: it stands for all missing events before it. */
  readonly standsForGap: boolean

  /** @throws StoreError */
  constructor({ sequence, json }: StoredEvent) {
    const { type, subject, about, time, sequence: own } = parse(sequence, json)
    this.sequence = sequence
    this.json = json
    this.type = type
    this.time = time
    this.places = [subject, ...(about?.split(',') ?? [])]
    this.isForAll = isForAll(type)
    this.standsForGap = own === undefined
  }
}

function parse(sequence: number, json: Buffer): z.output<typeof Envelope> {
  try {
    return Envelope.parse(JSON.parse(json.toString()))
  } catch {
    // Whatever the fault, this program did not write such a row.
    throw new StoreError(`event ${sequence} in the journal is not an event`, { corrupt: true })
  }
}
