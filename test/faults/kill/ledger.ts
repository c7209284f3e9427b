/** Records the thresholds that clients have set. A request without a reply leaves more than one possible value. */

/** Trip point of a threshold; null if the threshold does not exist. */
export type TripPoint = number | null

export class Ledger {
  readonly #possible = new Map<string, readonly TripPoint[]>()
  acknowledged = 0

  /** Records a value that the service has acknowledged. */
  acknowledge(path: string, tripPoint: TripPoint): void {
    this.acknowledged++
    this.#possible.set(path, [tripPoint])
  }

  /** Records a request that was not answered. */
  addUnconfirmed(path: string, tripPoint: TripPoint): void {
    this.#possible.set(path, [...(this.#possible.get(path) ?? [null]), tripPoint])
  }

  /**
   * Compares with the trip points that the restarted service lists, by pathname. Returns one sentence for each value
   * that is not possible.
   */
  compare(listed: ReadonlyMap<string, number>): string[] {
    const faults = [...listed.keys()]
      .filter((path) => !this.#possible.has(path))
      .map((path) => `${path} exists, but was never set`)
    for (const [path, possible] of this.#possible) {
      const found = listed.get(path) ?? null
      if (!possible.includes(found))
        faults.push(`${path} is ${shown(found)}, and should be ${possible.map(shown).join(' or ')}`)
      this.#possible.set(path, [found])
    }
    return faults
  }
}

const shown = (tripPoint: TripPoint): string => (tripPoint === null ? 'absent' : `at ${tripPoint}`)
