/** Batches births and deaths for the scan worker: in a fork storm, single messages would cost more than all else. */

export interface BirthsAndDeaths {
  readonly born: readonly number[]
  readonly died: readonly number[]
}

export class BirthBatch {
  readonly #delayMs: number
  readonly #send: (batch: BirthsAndDeaths) => void
  readonly #born = new Set<number>()
  #died: number[] = []
  #timer: NodeJS.Timeout | null = null

  /** @param delayMs A batch is sent so long after its first entry: at most half a scan period, so nothing is late. */
  constructor(delayMs: number, send: (batch: BirthsAndDeaths) => void) {
    this.#delayMs = delayMs
    this.#send = send
  }

  addBirth(pid: number): void {
    this.#born.add(pid)
  }

  addDeath(pid: number): void {
    // Born and ended since the last batch: the scan worker need never know.
    if (!this.#born.delete(pid)) this.#died.push(pid)
  }

  /** Starts the timer if there is something to send. */
  schedule(): void {
    if (this.#timer !== null || (this.#born.size === 0 && this.#died.length === 0)) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      const batch = { born: [...this.#born], died: this.#died }
      this.#born.clear()
      this.#died = []
      if (batch.born.length > 0 || batch.died.length > 0) this.#send(batch)
    }, this.#delayMs)
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }
}
