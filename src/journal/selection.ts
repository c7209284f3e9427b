/** Selects the events that the journal stores. Others are delivered to live streams only. */

import { eventTypes } from '../kernel/events.ts'
import { lifeTypes } from './retention.ts'
import type { RingEvent } from './ring.ts'
import type { NewEvent } from './store.ts'

const birthsAndDeaths: ReadonlySet<string> = new Set(lifeTypes)

export class Selection {
  readonly #stores: (type: string) => boolean
  /** Types of events that may be missing between two that are stored. Births and deaths are deleted earlier. */
  readonly missing: readonly string[]

  constructor(stores: (type: string) => boolean = () => true) {
    this.#stores = stores
    const types = eventTypes.map(({ type }) => type)
    this.missing = types.filter((type) => birthsAndDeaths.has(type) || !stores(type))
  }

  /** An event for every subscriber is always stored. */
  newEvent({ sequence, json, type, isForAll }: RingEvent): NewEvent {
    const isPassing = !isForAll && !this.#stores(type)
    return { sequence, json, isLife: birthsAndDeaths.has(type), isPassing }
  }
}
