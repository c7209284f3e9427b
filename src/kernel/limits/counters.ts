/**
 * The counters of all nodes of one kind, as structures of arrays: a column for each limit, a slot in it for each node.
 * A million threads are then a few large arrays instead of millions of small objects, and a change touches little memory.
 * Only the hook, `usage.ts`, has a hold of these; a test forbids any other importer.
 *
 * What is stored is not the value but the room that is left up to its peak. So the one comparison that each change makes
 * finds whatever there is more to do: no room left is a new peak, and NaN is everything out of the ordinary.
 */

import type { Node } from '../nodes/node.ts'
import { limits } from './table.ts'

/** Few: most machines in tests are small. */
const firstSlots = 16

type Whole = Int32Array | Uint8Array

export class Counters {
  /** Those of the rare columns that are in use. */
  readonly #rare: RareColumn[] = []
  /** The peak less the value. NaN: a guard has the value, or it is not known at its home level. */
  readonly room: Float64Array[]
  /** The highest that the value has been when a change was complete. */
  readonly peak: Float64Array[]
  /** How many parts have a reading. At home it is 0 or 1. */
  readonly known: Whole[]
  /** How many parts cannot be read, and how many are estimates. */
  readonly unreadable = limits.map(() => new RareColumn(0, this.#rare))
  readonly estimated = limits.map(() => new RareColumn(0, this.#rare))
  /** Infinity: no finite one; NaN: there may be one, not known yet. */
  readonly capacity = limits.map(() => new RareColumn(Number.POSITIVE_INFINITY, this.#rare))
  /** When it was last read, in ms of Unix time; 0 for what is counted as it happens. */
  readonly at = limits.map(() => new RareColumn(0, this.#rare))
  /** Bits of the limits that are to be looked at when the change is complete. */
  dirty: Int32Array = new Int32Array(firstSlots)
  // What a change climbs by. Threads are never climbed to: of those the next four are empty.
  /** Bits of the maxima whose greatest part shrank or left: they are to be looked up when the change is complete. */
  stale: Int32Array
  /** The slot of the container one level up; -1 at the top. */
  up: Int32Array
  /** Counts up with each change of usage that came from below. */
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

/** Numbers that few nodes ever have: it takes memory only from the first that is not the usual. */
class RareColumn {
  readonly #usual: number
  readonly #inUse: RareColumn[]
  #values = new Float64Array(0)

  constructor(usual: number, inUse: RareColumn[]) {
    this.#usual = usual
    this.#inUse = inUse
  }

  get(slot: number): number {
    return slot < this.#values.length ? this.#values[slot]! : this.#usual
  }

  set(slot: number, value: number): void {
    if (slot >= this.#values.length) {
      if (value === this.#usual) return
      if (this.#values.length === 0) this.#inUse.push(this)
      const size = 2 ** Math.ceil(Math.log2(Math.max(slot + 1, firstSlots)))
      this.#values = widened(this.#values, size, this.#usual)
    }
    this.#values[slot] = value
  }

  add(slot: number, delta: number): void {
    if (delta !== 0) this.set(slot, this.get(slot) + delta)
  }

  forget(slot: number): void {
    if (slot < this.#values.length) this.#values[slot] = this.#usual
  }
}

function widened(old: Float64Array, size: number, rest = 0): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(size)
  wider.set(old)
  // Zeros are there already; to write them would make memory of what is not used yet.
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
