/**
 * History: how usage went, for the system and its partitions, for nodes with a threshold, and for the processes that use
 * most. Usage is noted ten times an interval at the most, by whatever changes the kernel next: nothing runs for it, and what
 * is counted pays nothing. What is kept is bounded in memory; nodes that find no room have no history, and that is said.
 */

import type { Kernel } from '../kernel.ts'
import { type LimitName, type LimitRow, limitIndex, limits } from '../limits/table.ts'
import type { Node } from '../nodes/node.ts'
import { partitionsWithin } from '../nodes/within.ts'
import { bytesOf, Series, type SeriesSize } from './series.ts'

export interface HistoryOptions {
  /** ms of each interval, and how long they are kept. */
  readonly everyMs: number
  readonly retentionMs: number
  /** What all series together may take; 0 keeps none. */
  readonly bytesMax: number
  /** So many processes by CPU, and as many by memory. */
  readonly top: number
}

export const defaultHistory: HistoryOptions = {
  everyMs: 10_000,
  retentionMs: 3_600_000,
  bytesMax: 16 * 1024 * 1024,
  top: 10,
}

/** One figure that has a history: a limit at a node. */
interface Kept {
  readonly node: Node
  readonly index: number
  /** It has held since it was noted last; otherwise it is sampled. */
  readonly isCounted: boolean
  readonly series: Series
}

type Wanted = Pick<Kept, 'node' | 'index'>

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
  /** Null before the first time. */
  #lastNote: number | null = null
  /** The next revision of thresholds when it was last chosen what to keep. */
  #revision = -1

  /** @param isRead before that, what is counted is not yet what there is */
  constructor(current: () => Kernel, options: HistoryOptions, isRead: () => boolean = () => true) {
    this.#isRead = isRead
    this.options = options
    this.#current = current
    this.#kernel = current()
    this.#size = { everyMs: options.everyMs, intervals: Math.ceil(options.retentionMs / options.everyMs) }
    this.#seriesMax = Math.floor(options.bytesMax / bytesOf(this.#size))
  }

  /** Before anything changes at that time, and before anybody asks. */
  note(at: number): void {
    if (this.#kernel !== this.#current()) this.#begin()
    const { everyMs } = this.#size
    if (!this.#isInAnother(everyMs / notedPerInterval, at) || !this.#isRead()) return
    if (this.#isInAnother(everyMs, at) || this.#hasOtherThresholds) this.#choose(at)
    this.#lastNote = at
    for (const kept of this.#kept) this.#noteOne(at, kept)
  }

  #begin(): void {
    this.#kernel = this.#current()
    this.#series.clear()
    this.#lastNote = null
  }

  /** Whether that time is in another stretch of so many ms than what was noted last. */
  #isInAnother(ms: number, at: number): boolean {
    return this.#lastNote === null || Math.floor(at / ms) !== Math.floor(this.#lastNote / ms)
  }

  get #hasOtherThresholds(): boolean {
    return this.#revision !== this.#kernel.notifier.nextRevision
  }

  /** Null where none is kept of this figure. */
  of(node: Node, index: number): Series | null {
    return this.#series.get(node)?.get(index) ?? null
  }

  isRecorded(node: Node, index: number): boolean {
    return this.#kept.some((kept) => kept.node === node && kept.index === index)
  }

  /** There is more to keep than there is room for. */
  get isFull(): boolean {
    return this.#isFull
  }

  #noteOne(at: number, { node, index, isCounted, series }: Kept): void {
    const { value } = this.#kernel.notifier.read(node, index)
    if (value !== null) series.note(at, value, isCounted)
  }

  /** What is noted from now on. What is no longer keeps its series until others need the room, or it is too old. */
  #choose(at: number): void {
    this.#revision = this.#kernel.notifier.nextRevision
    this.#dropOld(at)
    const chosen = this.#chosen()
    this.#makeRoom(chosen)
    this.#kept = [...chosen].flatMap(([node, indices]) => [...indices].map((index) => this.#keep(node, index)))
  }

  /** As many as there is room for. */
  #chosen(): Map<Node, Set<number>> {
    const chosen = new Map<Node, Set<number>>()
    let room = this.#seriesMax
    this.#isFull = false
    for (const { node, index } of this.#wanted()) {
      const indices = chosen.get(node) ?? new Set()
      if (indices.has(index)) continue
      this.#isFull = room-- === 0
      if (this.#isFull) break
      chosen.set(node, indices.add(index))
    }
    return chosen
  }

  #keep(node: Node, index: number): Kept {
    const isCounted = this.#kernel.period(rows[index]!.name as LimitName, node.level) === null
    return { node, index, isCounted, series: this.#seriesOf(node, index) }
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
      for (const [index, series] of ofNode) if (series.end < at - this.options.retentionMs) ofNode.delete(index)
      if (node.slot < 0 || ofNode.size === 0) this.#series.delete(node)
    }
  }

  /** For all that are chosen, whether they have a series or not. */
  #makeRoom(chosen: ReadonlyMap<Node, ReadonlySet<number>>): void {
    const isChosen = (node: Node, index: number) => chosen.get(node)?.has(index) ?? false
    let room = this.#seriesMax
    for (const indices of chosen.values()) room -= indices.size
    for (const [node, ofNode] of this.#series)
      for (const index of ofNode.keys()) if (!isChosen(node, index) && room-- <= 0) ofNode.delete(index)
  }
}
