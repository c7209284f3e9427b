/**
 * History: how usage went, for the system and its partitions, for nodes with a threshold, and for the processes that use
 * most. Usage is noted ten times an interval at the most, by whatever changes the kernel next: nothing runs for it, and what
 * is counted pays nothing. What is kept is bounded in memory; nodes that find no room have no history, and that is said.
 */

import type { Kernel } from '../kernel.ts'
import { type LimitName, type LimitRow, limitIndex, limits } from '../limits/table.ts'
import type { Node } from '../objects/node.ts'
import { partitionsWithin } from '../objects/within.ts'
import { bytesOf, Series, type SeriesSize } from './series.ts'

export interface HistoryOptions {
  /** ms of each interval, and how long they are kept. */
  readonly everyMs: number
  readonly keepMs: number
  /** What all series together may take; 0 keeps none. */
  readonly bytesMax: number
  /** So many processes by CPU, and as many by memory. */
  readonly top: number
}

export const usualHistory: HistoryOptions = { everyMs: 10_000, keepMs: 3_600_000, bytesMax: 16 * 1024 * 1024, top: 10 }

/** One figure that has a history: a limit at a node. */
interface Kept {
  readonly node: Node
  readonly index: number
  readonly series: Series
}

type Wanted = Omit<Kept, 'series'>

const notedPerInterval = 10

const rows: readonly LimitRow[] = limits
const recordedOfTop: readonly LimitName[] = ['cpu', 'memory']

export class History {
  readonly options: HistoryOptions
  /** Another one once a state is put: what was kept of the former is of no use then. */
  readonly #current: () => Kernel
  #kernel: Kernel
  readonly #isRead: () => boolean
  readonly #size: SeriesSize
  readonly #seriesMax: number
  readonly #series = new Map<Node, Map<number, Series>>()
  /** Those that are noted at present. */
  #kept: Kept[] = []
  #isFull = false
  #nextNote = Number.NEGATIVE_INFINITY
  #nextChoice = Number.NEGATIVE_INFINITY
  #lastNote = Number.NEGATIVE_INFINITY
  /** The next revision of thresholds when it was last chosen what to keep. */
  #revision = -1

  /** @param isRead before that, what is counted is not yet what there is */
  constructor(current: () => Kernel, options: HistoryOptions, isRead: () => boolean = () => true) {
    this.#isRead = isRead
    this.options = options
    this.#current = current
    this.#kernel = current()
    this.#size = { everyMs: options.everyMs, intervals: Math.ceil(options.keepMs / options.everyMs) }
    this.#seriesMax = Math.floor(options.bytesMax / bytesOf(this.#size))
  }

  /** Before anything changes at that time, and before anybody asks. */
  note(at: number): void {
    if (this.#kernel !== this.#current()) this.#begin()
    // A clock that was set back is noted at once.
    if ((at < this.#nextNote && at >= this.#lastNote) || !this.#isRead()) return
    if (at >= this.#nextChoice || at < this.#lastNote || this.#hasOtherThresholds) this.#choose(at)
    for (const { node, index, series } of this.#kept) this.#noteOne(at, node, index, series)
    const { everyMs } = this.#size
    const step = everyMs / notedPerInterval
    this.#lastNote = at
    this.#nextNote = (Math.floor(at / step) + 1) * step
    this.#nextChoice = (Math.floor(at / everyMs) + 1) * everyMs
  }

  #begin(): void {
    this.#kernel = this.#current()
    this.#series.clear()
    this.#nextChoice = Number.NEGATIVE_INFINITY
    this.#nextNote = Number.NEGATIVE_INFINITY
    this.#lastNote = Number.NEGATIVE_INFINITY
  }

  get #hasOtherThresholds(): boolean {
    return this.#revision !== this.#kernel.notifier.nextRevision
  }

  /** Null where none is kept of this figure. */
  of(node: Node, index: number): Series | null {
    return this.#series.get(node)?.get(index) ?? null
  }

  isKept(node: Node, index: number): boolean {
    return this.#kept.some((kept) => kept.node === node && kept.index === index)
  }

  /** There is more to keep than there is room for. */
  get isFull(): boolean {
    return this.#isFull
  }

  #noteOne(at: number, node: Node, index: number, series: Series): void {
    if (node.slot < 0) return
    const { value } = this.#kernel.notifier.read(node, index)
    if (value === null) return
    const isCounted = this.#kernel.period(rows[index]!.name as LimitName, node.level) === null
    series.note(at, value, isCounted)
  }

  /** What is noted from now on. What is no longer keeps its series until others need the room, or it is too old. */
  #choose(at: number): void {
    this.#revision = this.#kernel.notifier.nextRevision
    this.#dropOld(at)
    this.#kept = []
    const chosen = new Map<Node, Set<number>>()
    this.#isFull = false
    for (const { node, index } of this.#wanted()) {
      const indices = chosen.get(node) ?? new Set()
      if (indices.has(index)) continue
      this.#isFull = this.#kept.length >= this.#seriesMax
      if (this.#isFull) break
      chosen.set(node, indices.add(index))
      this.#kept.push({ node, index, series: this.#seriesOf(node, index) })
    }
    this.#makeRoom(chosen)
  }

  #seriesOf(node: Node, index: number): Series {
    const ofNode = this.#series.get(node) ?? new Map<number, Series>()
    this.#series.set(node, ofNode)
    const series = ofNode.get(index) ?? new Series(this.#size)
    ofNode.set(index, series)
    return series
  }

  /** In the order in which room is given. */
  *#wanted(): Generator<Wanted> {
    const { system, notifier } = this.#kernel
    yield* this.#allOf(system)
    for (const { node, index, definition } of notifier.thresholds()) if (definition.per === null) yield { node, index }
    for (const partition of partitionsWithin(system)) yield* this.#allOf(partition)
    for (const node of this.#topProcesses()) for (const limit of recordedOfTop) yield { node, index: limitIndex[limit] }
    for (const { index, definition, watches } of notifier.thresholds())
      if (definition.per !== null) for (const node of watches.keys()) yield { node, index }
  }

  *#allOf(node: Node): Generator<Wanted> {
    for (const [index, row] of rows.entries())
      if (row.at.includes(node.level) && this.#kernel.unmeasurable(row, node.level) === null) yield { node, index }
  }

  #topProcesses(): Set<Node> {
    const { usage, processes } = this.#kernel
    const top = new Set<Node>()
    for (const limit of recordedOfTop) {
      const index = limitIndex[limit]
      const used = [...processes.values()].map((node) => ({ node, value: usage.value(node, index) }))
      const most = used.filter(({ value }) => value > 0).sort((one, other) => other.value - one.value)
      for (const { node } of most.slice(0, this.options.top)) top.add(node)
    }
    return top
  }

  #dropOld(at: number): void {
    for (const [node, ofNode] of this.#series) {
      for (const [index, series] of ofNode) if (series.end < at - this.options.keepMs) ofNode.delete(index)
      if (node.slot < 0 || ofNode.size === 0) this.#series.delete(node)
    }
  }

  #makeRoom(chosen: ReadonlyMap<Node, ReadonlySet<number>>): void {
    let count = 0
    for (const ofNode of this.#series.values()) count += ofNode.size
    for (const [node, ofNode] of this.#series)
      for (const index of ofNode.keys()) {
        if (count <= this.#seriesMax) return
        if (chosen.get(node)?.has(index)) continue
        ofNode.delete(index)
        count--
      }
  }
}
