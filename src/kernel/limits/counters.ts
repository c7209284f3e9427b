/**
 * Stores the counters of all nodes of one kind, as a structure of arrays: one column for each limit, one slot for each
 * node. So a million threads are a few large arrays instead of millions of small objects, and a change touches little
 * memory. Only the hook (`usage.ts`) uses these; a test forbids other importers.
 *
 * A column does not store the value but the room between the value and its peak. So one comparison per change finds
 * every special case: no room left means a new peak, and NaN means a guard or an unknown value.
 */

import type { Node } from '../nodes/node.ts'
import { limits } from './table.ts'

/** Small, because most machines in tests are. */
const firstSlots = 16

type Whole = Int32Array | Uint8Array

export class Counters {
  /** The rare columns that are in use. */
  readonly #rare: RareColumn[] = []
  /** The peak minus the value. NaN: a guard has the value, or it is not known at its home level. */
  readonly room: Float64Array[]
  /** The highest value at the end of a complete change. */
  readonly peak: Float64Array[]
  /** Number of parts that have a reading. It is 0 or 1 at the home level. */
  readonly known: Whole[]
  /** Number of parts that cannot be read, and of parts that are estimates. */
  readonly unreadable = limits.map(() => new RareColumn(0, this.#rare))
  readonly estimated = limits.map(() => new RareColumn(0, this.#rare))
  /** Infinity: no finite capacity. NaN: there may be one, but it is not known yet. */
  readonly capacity = limits.map(() => new RareColumn(Number.POSITIVE_INFINITY, this.#rare))
  /** Time of the last reading, in ms of Unix time; 0 for limits that are counted as they change. */
  readonly at = limits.map(() => new RareColumn(0, this.#rare))
  /** One bit for each limit that has to be checked at the end of the change. */
  dirty: Int32Array = new Int32Array(firstSlots)
  // A change climbs to the containers by the next four. They are empty for threads, which contain nothing.
  /** One bit for each maximum whose largest part shrank or left. It is recomputed at the end of the change. */
  stale: Int32Array
  /** The slot of the container one level up; -1 at the top. */
  up: Int32Array
  /** Counts up with each change of usage from below. */
  changes: Int32Array
  readonly nodes: (Node | null)[] = []
  readonly #ofThreads: boolean
  /** The limits that nodes of this kind can have. */
  readonly #indices: readonly number[]
  #size = firstSlots
  #used = 0
  readonly #free: number[] = []

  constructor({ ofThreads }: { ofThreads: boolean }) {
    const sizes = limits.map(({ at }) => (ofThreads && !(at as readonly string[]).includes('thread') ? 0 : firstSlots))
    this.#ofThreads = ofThreads
    this.#indices = sizes.flatMap((size, index) => (size > 0 ? [index] : []))
    this.room = sizes.map((size) => new Float64Array(size).fill(Number.NaN))
    this.peak = sizes.map((size) => new Float64Array(size))
    this.known = sizes.map((size) => (ofThreads ? new Uint8Array(size) : new Int32Array(size)))
    this.stale = new Int32Array(ofThreads ? 0 : firstSlots)
    this.up = new Int32Array(ofThreads ? 0 : firstSlots)
    this.changes = new Int32Array(ofThreads ? 0 : firstSlots)
  }

  /** A slot in which nothing has been counted. */
  take(node: Node, up: number): number {
    const slot = this.#free.pop() ?? this.#used++
    if (slot >= this.#size) this.#grow()
    if (this.#ofThreads) return slot
    this.nodes[slot] = node
    this.up[slot] = up
    return slot
  }

  giveBack(slot: number): void {
    for (const index of this.#indices) {
      this.room[index]![slot] = Number.NaN
      this.peak[index]![slot] = 0
      this.known[index]![slot] = 0
    }
    for (const column of this.#rare) column.forget(slot)
    this.dirty[slot] = 0
    this.#free.push(slot)
    if (this.#ofThreads) return
    this.nodes[slot] = null
    this.changes[slot] = 0
    this.stale[slot] = 0
  }

  #grow(): void {
    this.#size *= 2
    for (const index of this.#indices) {
      this.room[index] = widened(this.room[index]!, this.#size, Number.NaN)
      this.peak[index] = widened(this.peak[index]!, this.#size)
      const known = this.known[index]!
      this.known[index] = known instanceof Uint8Array ? widenedBytes(known, this.#size) : widenedInts(known, this.#size)
    }
    this.dirty = widenedInts(this.dirty, this.#size)
    if (this.#ofThreads) return
    this.stale = widenedInts(this.stale, this.#size)
    this.up = widenedInts(this.up, this.#size)
    this.changes = widenedInts(this.changes, this.#size)
  }
}

/** A column of numbers that few nodes have. It takes memory only from the first number that is not the default. */
class RareColumn {
  readonly #default: number
  readonly #inUse: RareColumn[]
  #values = new Float64Array(0)

  constructor(defaultValue: number, inUse: RareColumn[]) {
    this.#default = defaultValue
    this.#inUse = inUse
  }

  get(slot: number): number {
    return slot < this.#values.length ? this.#values[slot]! : this.#default
  }

  set(slot: number, value: number): void {
    if (slot >= this.#values.length) {
      if (value === this.#default) return
      if (this.#values.length === 0) this.#inUse.push(this)
      const size = 2 ** Math.ceil(Math.log2(Math.max(slot + 1, firstSlots)))
      this.#values = widened(this.#values, size, this.#default)
    }
    this.#values[slot] = value
  }

  add(slot: number, delta: number): void {
    if (delta !== 0) this.set(slot, this.get(slot) + delta)
  }

  forget(slot: number): void {
    if (slot < this.#values.length) this.#values[slot] = this.#default
  }
}

function widened(old: Float64Array, size: number, rest = 0): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(size)
  wider.set(old)
  // A new array is zero already. Writing zeros would make the system back unused pages with memory.
  return rest === 0 ? wider : wider.fill(rest, old.length)
}

function widenedInts(old: Int32Array, size: number): Int32Array {
  const wider = new Int32Array(size)
  wider.set(old)
  return wider
}

function widenedBytes(old: Uint8Array, size: number): Uint8Array {
  const wider = new Uint8Array(size)
  wider.set(old)
  return wider
}
