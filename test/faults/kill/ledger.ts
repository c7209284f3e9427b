/** What clients have set, as far as they can know: what was not acknowledged may be so or not. Pure. */

/** What a threshold is at; null: it is not there. */
export type Standing = number | null

export class Ledger {
  readonly #possible = new Map<string, readonly Standing[]>()
  acknowledged = 0

  /** The service has answered that it is so. */
  acknowledge(path: string, standing: Standing): void {
    this.acknowledged++
    this.#possible.set(path, [standing])
  }

  /** It was asked for, and there was no answer. */
  doubt(path: string, standing: Standing): void {
    this.#possible.set(path, [...(this.#possible.get(path) ?? [null]), standing])
  }

  /** Takes what the service lists, by pathname, as it began anew. A sentence for each that cannot be so. */
  compare(listed: ReadonlyMap<string, number>): string[] {
    const faults = [...listed.keys()]
      .filter((path) => !this.#possible.has(path))
      .map((path) => `${path} is there, which nobody has set`)
    for (const [path, possible] of this.#possible) {
      const there = listed.get(path) ?? null
      if (!possible.includes(there))
        faults.push(`${path} is ${shown(there)}, and was acknowledged as ${possible.map(shown).join(' or ')}`)
      // From now on it is known.
      this.#possible.set(path, [there])
    }
    return faults
  }
}

const shown = (standing: Standing): string => (standing === null ? 'not there' : `at ${standing}`)
