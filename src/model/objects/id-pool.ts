/**
 * Allocates ids as Unix allocates descriptors: the lowest free one. An id is used again only after it is given back.
 */

export interface IdPoolState {
  readonly next: number
  readonly free: readonly number[]
}

export class IdPool {
  #next: number
  /** A binary heap: the lowest id is first. */
  readonly #free: number[]

  constructor({ next, free }: IdPoolState) {
    this.#next = next
    // An ascending list is a valid heap.
    this.#free = [...free]
  }

  static from(first: number): IdPool {
    return new IdPool({ next: first, free: [] })
  }

  take(): number {
    const [lowest] = this.#free
    if (lowest === undefined) return this.#next++
    const last = this.#free.pop()!
    if (this.#free.length > 0) this.#sink(last)
    return lowest
  }

  giveBack(id: number): void {
    const heap = this.#free
    let place = heap.push(id) - 1
    while (place > 0) {
      const above = (place - 1) >> 1
      if (heap[above]! <= id) break
      heap[place] = heap[above]!
      place = above
    }
    heap[place] = id
  }

  get state(): IdPoolState {
    return { next: this.#next, free: [...this.#free].sort((a, b) => a - b) }
  }

  #sink(id: number): void {
    const heap = this.#free
    let place = 0
    for (;;) {
      let below = place * 2 + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && heap[below + 1]! < heap[below]!) below++
      if (heap[below]! >= id) break
      heap[place] = heap[below]!
      place = below
    }
    heap[place] = id
  }
}
