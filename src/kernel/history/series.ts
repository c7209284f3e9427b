/**
 * Stores one figure over time: the minimum, maximum and last value of each interval, for a fixed number of newest
 * intervals.
 */

export interface Interval {
  /** ms of Unix time. It ends where the next one begins. */
  readonly start: number
  /** If the value is not known, all three are null. */
  readonly minimum: number | null
  readonly maximum: number | null
  readonly last: number | null
}

export interface SeriesSize {
  readonly everyMs: number
  readonly intervals: number
}

const columns = 3
const bytesOfNumber = 8
/** Approximate size of the object and its arrays. */
const overheadBytes = 512

export function bytesOf({ intervals }: SeriesSize): number {
  return intervals * columns * bytesOfNumber + overheadBytes
}

export class Series {
  readonly #size: SeriesSize
  readonly #minimum: Float64Array
  readonly #maximum: Float64Array
  readonly #last: Float64Array
  /** Numbers of the oldest and the newest interval, counted from 1970; null before the first value. */
  #range: { first: number; newest: number } | null = null

  constructor(size: SeriesSize) {
    this.#size = size
    this.#minimum = new Float64Array(size.intervals)
    this.#maximum = new Float64Array(size.intervals)
    this.#last = new Float64Array(size.intervals)
  }

  /** ms of Unix time at which the newest interval ends; 0 before the first value. */
  get end(): number {
    return this.#range === null ? 0 : (this.#range.newest + 1) * this.#size.everyMs
  }

  /** @param held The value is known for the whole time since the last note; otherwise nothing is known of that time. */
  note(at: number, value: number, held: boolean): void {
    const number = Math.floor(at / this.#size.everyMs)
    if (this.#range === null || number < this.#range.newest) {
      // The clock was set back, so the stored intervals have wrong times.
      this.#range = { first: number, newest: number }
      this.#clear(number, value)
      return
    }
    const range = this.#range
    if (held) this.#merge(range.newest, value)
    const unwritten = Math.max(range.newest + 1, number - this.#size.intervals + 1)
    for (let gap = unwritten; gap < number; gap++) this.#clear(gap, held ? value : Number.NaN)
    if (number > range.newest) this.#clear(number, value)
    else this.#merge(number, value)
    range.newest = number
    range.first = Math.max(range.first, number - this.#size.intervals + 1)
  }

  /** The intervals that end after that time, oldest first. */
  since(time: number): Interval[] {
    if (this.#range === null) return []
    const { everyMs } = this.#size
    const all: Interval[] = []
    const { first, newest } = this.#range
    for (let number = Math.max(first, Math.floor(time / everyMs)); number <= newest; number++)
      all.push(this.#interval(number))
    return all
  }

  #interval(number: number): Interval {
    const slot = this.#slot(number)
    const known = (from: Float64Array) => (Number.isNaN(from[slot]!) ? null : from[slot]!)
    return {
      start: number * this.#size.everyMs,
      minimum: known(this.#minimum),
      maximum: known(this.#maximum),
      last: known(this.#last),
    }
  }

  #slot(number: number): number {
    return number % this.#size.intervals
  }

  #clear(number: number, value: number): void {
    const slot = this.#slot(number)
    this.#minimum[slot] = value
    this.#maximum[slot] = value
    this.#last[slot] = value
  }

  #merge(number: number, value: number): void {
    const slot = this.#slot(number)
    if (Number.isNaN(this.#last[slot]!)) {
      this.#clear(number, value)
      return
    }
    this.#minimum[slot] = Math.min(this.#minimum[slot]!, value)
    this.#maximum[slot] = Math.max(this.#maximum[slot]!, value)
    this.#last[slot] = value
  }
}
