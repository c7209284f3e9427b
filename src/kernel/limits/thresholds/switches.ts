/** Stores the switches of the notifier: one for the whole, and one for each limit. */

export class Switches {
  #isOn = true
  readonly #off = new Set<number>()

  /** Whether the notifier as a whole is on. */
  get all(): boolean {
    return this.#isOn
  }

  /** Whether the switch of a limit is on, by its place in the table. */
  isLimitOn(index: number): boolean {
    return !this.#off.has(index)
  }

  /** Whether thresholds on a limit are watched. */
  isOn(index: number): boolean {
    return this.#isOn && !this.#off.has(index)
  }

  /** Null: the notifier as a whole. */
  set(index: number | null, on: boolean): void {
    if (index === null) this.#isOn = on
    else if (on) this.#off.delete(index)
    else this.#off.add(index)
  }
}
