/** Persists thresholds, timeouts and switches in the journal, and restores them when the service starts. */

import type { FastifyBaseLogger } from 'fastify'
import { alertFact, type DefinitionFact, type Fact } from '../journal/facts.ts'
import type { Journal } from '../journal/journal.ts'
import type { EventStore } from '../journal/store.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { canonicalPath } from '../kernel/nodes/path-segment.ts'
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
  /** Definitions that cannot be set now. They stay in the journal: a later start may be able to set them. */
  #refused: readonly PersistedDefinition[] = []

  constructor(kernel: Kernel, journal: Journal) {
    this.#kernel = kernel
    this.#journal = journal
  }

  /** Persists from now on every definition that is set, changed or removed. */
  follow(): void {
    const { notifier, timers } = this.#kernel
    notifier.onDefined(({ threshold, change }) => {
      const definition = threshold === null ? persistedSwitches(this.#kernel) : persistedThreshold(threshold)
      this.#journal.define(factOf(definition, change))
    })
    timers.onDefined(({ timeout, change }) => this.#journal.define(factOf(persistedTimeout(timeout), change)))
  }

  /**
   * Emits the end of each deadlock from before the restart: one that still exists is found again, as another.
   * Preconditions: no deadlock has been found yet.
   */
  endDeadlocks(store: EventStore): void {
    endDeadlocks(this.#kernel, alertsIn(store))
  }

  /** Facts for every definition, tripped threshold and open alert. */
  facts(): Fact[] {
    const { definitions, trips, alerts } = exportSettings(this.#kernel)
    return [
      ...[...this.#refused, ...definitions].map((definition) => factOf(definition, 'set')),
      ...trips.map((trip) => ({ ...trip, tripped: true, ifOnce: false })),
      ...alerts.map(alertFact),
    ]
  }

  /** Preconditions: the kernel knows every process and thread that exists. */
  restore(store: EventStore, logger: FastifyBaseLogger): void {
    const kernel = this.#kernel
    const stored = store.definitions().flatMap(({ path, value: text }) => {
      const definition = parseDefinition(text)
      if (definition === null)
        logger.error({ text }, 'the journal has a definition that cannot be read: it is left there')
      return definition === null ? [] : [{ path, definition }]
    })
    const definitions = stored.map(({ definition }) => definition)
    const trips = store.trips().map(({ threshold, place, identity }) => {
      return { threshold: canonicalPath(threshold), place: canonicalPath(place), identity }
    })
    const alerts = alertsIn(store)
    const refused = kernel.update(kernel.now, () => restoreSettings(kernel, { definitions, trips, alerts }))
    this.#refused = refused.map(({ definition }) => definition)
    for (const { definition, reason } of refused)
      logger.error(
        { path: persistedPath(definition), reason },
        'a definition from before the restart cannot be set now: it stays in the journal',
      )
    this.#moveToCanonical(stored)
    this.#forgetGone(definitions, logger)
  }

  /** Earlier versions encoded more characters of names, and stored definitions under those pathnames. */
  #moveToCanonical(stored: readonly { path: string; definition: PersistedDefinition }[]): void {
    for (const { path, definition } of stored) {
      if (path === persistedPath(definition)) continue
      this.#journal.define({ path, value: null, forgetsTrips: true })
      this.#journal.define(factOf(definition, 'renewed'))
    }
  }

  /** Only what was set on a process ends with it. What was set on a partition waits for the next one. */
  #forgetGone(definitions: readonly PersistedDefinition[], logger: FastifyBaseLogger): void {
    const existing = new Set([...this.#refused, ...exportSettings(this.#kernel).definitions].map(persistedPath))
    for (const definition of definitions) {
      const path = persistedPath(definition)
      if (existing.has(path)) continue
      logger.warn({ path }, 'a definition from before the restart ended with its process')
      this.#journal.define(factOf(definition, 'gone'))
    }
  }
}

function alertsIn(store: EventStore): OpenAlert[] {
  return store.openAlerts().flatMap((text) => parseAlert(text) ?? [])
}

function factOf(definition: PersistedDefinition, change: 'set' | 'renewed' | 'gone'): DefinitionFact {
  return {
    path: persistedPath(definition),
    value: change === 'gone' ? null : JSON.stringify(definition),
    forgetsTrips: change !== 'renewed',
  }
}
