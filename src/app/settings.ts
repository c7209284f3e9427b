/** Thresholds, timeouts and switches, between the kernel that they are set on and the journal that keeps them. */

import type { FastifyBaseLogger } from 'fastify'
import { type DefinitionFact, type Fact, toldFact } from '../journal/facts.ts'
import type { Journal } from '../journal/journal.ts'
import type { EventStore } from '../journal/store.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { endDeadlocks, type KeptTold } from '../kernel/persistence/open-alerts.ts'
import {
  type KeptDefinition,
  keptOf,
  keptPath,
  keptSwitches,
  keptThreshold,
  keptTimeout,
  restoreKept,
} from '../kernel/persistence/persisted-settings.ts'
import { parseDefinition, parseTold } from '../tree/persisted-settings.ts'

export class Definitions {
  readonly #kernel: Kernel
  readonly #journal: Journal
  /** Kept, though they cannot be set here: what starts another time may be able to. */
  #refused: readonly KeptDefinition[] = []

  constructor(kernel: Kernel, journal: Journal) {
    this.#kernel = kernel
    this.#journal = journal
  }

  /** From now on the journal is told of all that is set. */
  follow(): void {
    const { notifier, timers } = this.#kernel
    notifier.onDefined = (threshold, news) => {
      const kept = threshold === null ? keptSwitches(this.#kernel) : keptThreshold(threshold)
      this.#journal.define(factOf(kept, news))
    }
    timers.onDefined = (timeout, news) => this.#journal.define(factOf(keptTimeout(timeout), news))
  }

  /** Deadlocks that were told before a restart: they are found anew, if they are there still. Preconditions: nothing is found yet. */
  endDeadlocks(store: EventStore): void {
    endDeadlocks(this.#kernel, toldIn(store))
  }

  /** All that is set, what has tripped by it, and what has been told and is not over. */
  facts(): Fact[] {
    const { definitions, trips, told } = keptOf(this.#kernel)
    return [
      ...[...this.#refused, ...definitions].map((kept) => factOf(kept, 'set')),
      ...trips.map((trip) => ({ ...trip, tripped: true, ifOnce: false })),
      ...told.map(toldFact),
    ]
  }

  /** Preconditions: all that lives is known to the kernel. */
  restore(store: EventStore, logger: FastifyBaseLogger): void {
    const kernel = this.#kernel
    const definitions = store.definitions().flatMap((text) => {
      const kept = parseDefinition(text)
      if (kept === null) logger.error({ text }, 'what was set before is not understood, and stays in the journal')
      return kept === null ? [] : [kept]
    })
    const trips = store.trips()
    const told = toldIn(store)
    const refused = kernel.update(kernel.now, () => restoreKept(kernel, { definitions, trips, told }))
    this.#refused = refused.map(({ definition }) => definition)
    for (const { definition, reason } of refused)
      logger.error(
        { path: keptPath(definition), reason },
        'what was set before cannot be set now, and stays in the journal',
      )
    this.#forgetGone(definitions)
  }

  #forgetGone(definitions: readonly KeptDefinition[]): void {
    const there = new Set([...this.#refused, ...keptOf(this.#kernel).definitions].map(keptPath))
    for (const kept of definitions) if (!there.has(keptPath(kept))) this.#journal.define(factOf(kept, 'gone'))
  }
}

const toldIn = (store: EventStore): KeptTold[] => store.told().flatMap((text) => parseTold(text) ?? [])

const factOf = (kept: KeptDefinition, news: 'set' | 'renewed' | 'gone'): DefinitionFact => ({
  path: keptPath(kept),
  value: news === 'gone' ? null : JSON.stringify(kept),
  anew: news !== 'renewed',
})
