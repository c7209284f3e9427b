/** Queues processes that were reported as born, until they are old enough to be read. */

const atOnceMax = 200
// Beyond that, the next full scan finds them.
const newbornsMax = 20_000

export class Newborns {
  /** Times of arrival by pid, oldest first. */
  readonly #born = new Map<number, number>()

  get size(): number {
    return this.#born.size
  }

  add(pid: number, at: number): void {
    if (this.#born.size < newbornsMax) this.#born.set(pid, at)
  }

  remove(pid: number): void {
    this.#born.delete(pid)
  }

  /** Removes those that a full scan has read. */
  removeKnown(processes: ReadonlyMap<number, unknown>): void {
    for (const pid of this.#born.keys()) if (processes.has(pid)) this.#born.delete(pid)
  }

  /** Takes those that arrived before that time, only a limited number at once. */
  *takeArrivedBefore(time: number): Generator<number> {
    let left = atOnceMax
    for (const [pid, at] of this.#born) {
      if (at > time || left-- === 0) return
      this.#born.delete(pid)
      yield pid
    }
  }
}
