/** Creates a hub of subscriptions over a journal in memory, without a service. */

import { Journal } from '../../src/journal/journal.ts'
import { Durables } from '../../src/stream/durables.ts'
import { Hub } from '../../src/stream/hub.ts'

export function memoryHub(eventsMax: number): { readonly log: Journal; readonly hub: Hub } {
  const log = new Journal({
    source: '/net/x',
    firstSequence: 1,
    eventsMax,
    storage: null,
    facts: () => [],
    persistsSettings: false,
    publish: (event) => hub.publish(event),
    onFault: () => {},
    now: () => 0,
  })
  const durables = new Durables({ restored: [], onChange: () => {}, now: () => 0 })
  const hub: Hub = new Hub({ log, durables, source: '/net/x', now: () => 0, scanAge: () => null })
  return { log, hub }
}
