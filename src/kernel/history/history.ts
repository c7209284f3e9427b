/**
 * Records the history of usage: for the system and its partitions, for nodes with a threshold, and for the processes
 * that use most. Usage is noted at most ten times an interval, just before the next change of the kernel, so no timer
 * runs for it and counting costs nothing more. Memory is bounded. A node for which there is no room has no history, and
 * its reply says so.
 */

import type { Kernel } from '../kernel.ts'
import type { LimitRow } from '../limits/limit-row.ts'
import { type LimitName, limitIndex, limits } from '../limits/table.ts'
import type { Node } from '../nodes/node.ts'
import { isAbsent } from '../nodes/partition.ts'
import { partitionsWithin } from '../nodes/within.ts'
import { bytesOf, Series, type SeriesSize } from './series.ts'

export interface HistoryOptions {
  /** Length of an interval, and time for which intervals are stored, in ms. */
  readonly everyMs: number
  readonly retentionMs: number
  /** Memory limit of all series together; 0 switches history off. */
  readonly bytesMax: number
  /** Number of processes recorded for their CPU, and of those recorded for their memory. */
  readonly top: number
}

export const defaultHistory: HistoryOptions = {
  everyMs: 10_000,
  retentionMs: 3_600_000,
  bytesMax: 16 * 1024 * 1024,
  top: 10,
}

/** One figure that has a history: a limit at a node. */
interface RecordedFigure {
  readonly node: Node
  readonly index: number
  /** The value is known at every moment; otherwise it is sampled. */
  readonly isCounted: boolean
  readonly series: Series
}

type Wanted = Pick<RecordedFigure, 'node' | 'index'>

const notedPerInterval = 10

const rows: readonly LimitRow[] = limits
const recordedOfTop: readonly LimitName[] = ['cpu', 'memory']

export class History {
  readonly options: HistoryOptions
  /** Returns another kernel after a state was put. The series of the former one are then discarded. */
  readonly #current: () => Kernel
  #kernel: Kernel
  readonly #isRead: () => boolean
  readonly #size: SeriesSize
  readonly #seriesMax: number
  readonly #series = new Map<Node, Map<number, Series>>()
  /** The figures that are noted at present. */
  #recorded: RecordedFigure[] = []
  #isFull = false
  /** Null before the first note. */
  #lastNote: number | null = null
  /** The next revision of thresholds at the last choice of figures. */
  #revision = -1

  /** @param isRead False until the source has read everything once; before that, sums are too small. */
  constructor(current: () => Kernel, options: HistoryOptions, isRead: () => boolean = () => true) {
    this.#isRead = isRead
    this.options = options
    this.#current = current
    this.#kernel = current()
    this.#size = { everyMs: options.everyMs, intervals: Math.ceil(options.retentionMs / options.everyMs) }
    this.#seriesMax = Math.floor(options.bytesMax / bytesOf(this.#size))
  }

  /** Notes the present values. Called before each change at that time, and before each request. */
  note(at: number): void {
    if (this.#kernel !== this.#current()) this.#begin()
    const { everyMs } = this.#size
    if (!this.#isInAnother(everyMs / notedPerInterval, at) || !this.#isRead()) return
    if (this.#isInAnother(everyMs, at) || this.#hasOtherThresholds) this.#choose(at)
    this.#lastNote = at
    for (const figure of this.#recorded) this.#noteOne(at, figure)
  }

  #begin(): void {
    this.#kernel = this.#current()
    this.#series.clear()
    this.#lastNote = null
  }

  /** Whether that time is in another period of this many ms than the last note. */
  #isInAnother(ms: number, at: number): boolean {
    return this.#lastNote === null || Math.floor(at / ms) !== Math.floor(this.#lastNote / ms)
  }

  get #hasOtherThresholds(): boolean {
    return this.#revision !== this.#kernel.notifier.nextRevision
  }

  /** Null if this figure has no series. */
  of(node: Node, index: number): Series | null {
    return this.#series.get(node)?.get(index) ?? null
  }

  isRecorded(node: Node, index: number): boolean {
    return this.#recorded.some((figure) => figure.node === node && figure.index === index)
  }

  /** There is no room for all figures. */
  get isFull(): boolean {
    return this.#isFull
  }

  #noteOne(at: number, { node, index, isCounted, series }: RecordedFigure): void {
    const { value } = this.#kernel.notifier.read(node, index)
    if (value !== null) series.note(at, value, isCounted)
  }

  /** Chooses the figures to note. The series of other figures stay until they are too old, or others need the room. */
  #choose(at: number): void {
    this.#revision = this.#kernel.notifier.nextRevision
    this.#dropOld(at)
    const chosen = this.#chosen()
    this.#makeRoom(chosen)
    this.#recorded = [...chosen].flatMap(([node, indices]) => [...indices].map((index) => this.#record(node, index)))
  }

  /** The figures for which there is room. */
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

  #record(node: Node, index: number): RecordedFigure {
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

  /** The figures to record, in the order in which they get room. */
  *#wanted(): Generator<Wanted> {
    const { system, notifier } = this.#kernel
    yield* this.#allOf(system)
    for (const { node, index, definition } of notifier.thresholds())
      if (definition.per === null && !isAbsent(node)) yield { node, index }
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

  /** Deletes series until there is room for all chosen figures, including those that have no series yet. */
  #makeRoom(chosen: ReadonlyMap<Node, ReadonlySet<number>>): void {
    const isChosen = (node: Node, index: number) => chosen.get(node)?.has(index) ?? false
    let room = this.#seriesMax
    for (const indices of chosen.values()) room -= indices.size
    for (const [node, ofNode] of this.#series)
      for (const index of ofNode.keys()) if (!isChosen(node, index) && room-- <= 0) ofNode.delete(index)
  }
}
