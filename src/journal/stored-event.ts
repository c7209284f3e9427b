/** An event as it is read from the file: the same bytes as when it was first told. */

import { z } from 'zod'
import { isForAll } from '../kernel/events.ts'
import { type StoredEvent, StoreError } from './store.ts'

const Envelope = z.object({ type: z.string(), subject: z.string(), about: z.string().optional(), time: z.string() })

export class PersistedEvent {
  readonly sequence: number
  readonly json: Buffer
  readonly type: string
  readonly time: string
  /** Pathnames have no commas: those are encoded in them. */
  readonly places: readonly string[]
  readonly isForAll: boolean

  /** @throws StoreError */
  constructor({ sequence, json }: StoredEvent) {
    const { type, subject, about, time } = parse(sequence, json)
    this.sequence = sequence
    this.json = json
    this.type = type
    this.time = time
    this.places = [subject, ...(about?.split(',') ?? [])]
    this.isForAll = isForAll(type)
  }
}

function parse(sequence: number, json: Buffer): z.output<typeof Envelope> {
  try {
    return Envelope.parse(JSON.parse(json.toString()))
  } catch {
    // Whatever is wrong with it: we have not written this.
    throw new StoreError(`what is kept as event ${sequence} is no event`, { corrupt: true })
  }
}
