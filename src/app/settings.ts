/** Thresholds, timeouts and switches, between the kernel that they are set on and the journal that keeps them. */

import type { FastifyBaseLogger } from 'fastify'
import { alertFact, type DefinitionFact, type Fact } from '../journal/facts.ts'
import type { Journal } from '../journal/journal.ts'
import type { EventStore } from '../journal/store.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { endDeadlocks, type OpenAlert } from '../kernel/persistence/open-alerts.ts'
import {
  exportSettings,
  type PersistedDefinition,
  persistedPath,
  persistedSwitches,
  persistedThreshold,
  persistedTimeout,
  restoreSettings,
} from '../kernel/persistence/persisted-settings.ts'
import { parseAlert, parseDefinition } from '../tree/persisted-settings.ts'

export class SettingsPersistence {
  readonly #kernel: Kernel
  readonly #journal: Journal
  /** Kept, though they cannot be set here: what starts another time may be able to. */
  #refused: readonly PersistedDefinition[] = []

  constructor(kernel: Kernel, journal: Journal) {
    this.#kernel = kernel
    this.#journal = journal
  }

  /** From now on the journal is told of all that is set. */
  follow(): void {
    const { notifier, timers } = this.#kernel
    notifier.onDefined(({ threshold, change }) => {
      const kept = threshold === null ? persistedSwitches(this.#kernel) : persistedThreshold(threshold)
      this.#journal.define(factOf(kept, change))
    })
    timers.onDefined(({ timeout, change }) => this.#journal.define(factOf(persistedTimeout(timeout), change)))
  }

  /** Deadlocks that were told before a restart: they are found anew, if they are there still. Preconditions: nothing is found yet. */
  endDeadlocks(store: EventStore): void {
    endDeadlocks(this.#kernel, toldIn(store))
  }

  /** All that is set, what has tripped by it, and what has been told and is not over. */
  facts(): Fact[] {
    const { definitions, trips, alerts } = exportSettings(this.#kernel)
    return [
      ...[...this.#refused, ...definitions].map((kept) => factOf(kept, 'set')),
      ...trips.map((trip) => ({ ...trip, tripped: true, ifOnce: false })),
      ...alerts.map(alertFact),
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
    const alerts = toldIn(store)
    const refused = kernel.update(kernel.now, () => restoreSettings(kernel, { definitions, trips, alerts }))
    this.#refused = refused.map(({ definition }) => definition)
    for (const { definition, reason } of refused)
      logger.error(
        { path: persistedPath(definition), reason },
        'what was set before cannot be set now, and stays in the journal',
      )
    this.#forgetGone(definitions)
  }

  #forgetGone(definitions: readonly PersistedDefinition[]): void {
    const there = new Set([...this.#refused, ...exportSettings(this.#kernel).definitions].map(persistedPath))
    for (const kept of definitions) if (!there.has(persistedPath(kept))) this.#journal.define(factOf(kept, 'gone'))
  }
}

function toldIn(store: EventStore): OpenAlert[] {
  return store.told().flatMap((text) => parseAlert(text) ?? [])
}

function factOf(kept: PersistedDefinition, news: 'set' | 'renewed' | 'gone'): DefinitionFact {
  return {
    path: persistedPath(kept),
    value: news === 'gone' ? null : JSON.stringify(kept),
    anew: news !== 'renewed',
  }
}
