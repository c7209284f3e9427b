/** Counts messages of the workers that could not be recorded. Such a fault costs that message, not the service. */

import type { SourceDegradations } from './degradations.ts'

/** Readings are degraded until a full scan is recorded, births and deaths until one with an inventory is. */
type Lost = 'readings' | 'births'

export class Faults {
  readonly #degradations: SourceDegradations
  readonly #onFault: (error: Error) => void
  count = 0

  constructor(degradations: SourceDegradations, onFault: (error: Error) => void) {
    this.#degradations = degradations
    this.#onFault = onFault
  }

  /** Calls `act`; if it throws, `repair` has everything read again. */
  guard(what: Lost, act: () => void, repair: () => void): void {
    try {
      act()
    } catch (thrown) {
      this.#note(what, thrown)
      repair()
    }
  }

  #note(what: Lost, thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    this.count++
    this.#onFault(error)
    try {
      this.#degradations.degrade(what, `a message of a worker could not be recorded: ${error.message}`)
    } catch (second) {
      // The fault is in the events themselves: they cannot report it, but the log and the health checks do.
      this.#onFault(second instanceof Error ? second : new Error(String(second)))
    }
  }

  recorded({ kind, inventory }: { readonly kind: 'fast' | 'full'; readonly inventory: unknown }): void {
    if (kind === 'full') this.#degradations.recover('readings')
    if (inventory !== null) this.#degradations.recover('births')
  }
}
