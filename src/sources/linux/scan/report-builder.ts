/** Builds the report of one pass. Readings of a process that ends during the pass are removed again. */

import type { LimitRow } from '../../../kernel/limits/limit-row.ts'
import { limits } from '../../../kernel/limits/table.ts'
import type { DemandedReading, PartitionReading, SystemReading } from '../container-readings.ts'
import type { ScannedLimit } from '../linux-limits.ts'
import {
  type capacityStride,
  type ObservedWait,
  type ProcessFacts,
  type ScanReport,
  scannedIndex,
  type ThreadFacts,
  type Unidentified,
  type Unreadable,
  type valueStride,
} from '../protocol.ts'
import { notWhole, tooLarge } from '../reasons.ts'
import type { Subject } from '../tracked/report-subject.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'

/** A growing list of numbers, without an allocation for each number. */
class Numbers {
  length = 0
  #array = new Float64Array(4096)

  push(value: number): void {
    if (this.length === this.#array.length) {
      const grown = new Float64Array(this.length * 2)
      grown.set(this.#array)
      this.#array = grown
    }
    this.#array[this.length++] = value
  }

  take(): Float64Array<ArrayBuffer> {
    const taken = this.#array.slice(0, this.length)
    this.length = 0
    return taken
  }
}

/** The index is the quality number in a row of values. */
export const qualities = ['exact', 'estimate', 'lower-bound'] as const
export type Quality = (typeof qualities)[number]

// The largest of several values is known to be at least the largest number. A sum with such a part would be rounded.
const maxima: ReadonlySet<string> = new Set(
  (limits as readonly LimitRow[]).filter(({ adds }) => adds === 'maximum').map(({ name }) => name),
)

interface Mark {
  values: number
  capacities: number
  processes: number
  threads: number
  unreadable: number
  inventory: number
}

export interface PassTimes {
  readonly kind: 'fast' | 'full'
  readonly startedAt: number
  readonly finishedAt: number
  readonly cpuMs: number
  readonly periodMs: number
}

export class ReportBuilder {
  /** Full scans report every value they read; fast scans only changed ones. */
  includesUnchanged = true
  /** False: this pass may have missed processes that are alive. */
  isComplete = true
  system: SystemReading | null = null
  demanded: readonly DemandedReading[] = []
  partitions: readonly PartitionReading[] | null = null
  waits: readonly ObservedWait[] | null = null
  closedSets: readonly number[] | null = null
  readonly #valueRows = new Numbers()
  readonly #capacityRows = new Numbers()
  readonly #inventoryRows = new Numbers()
  readonly #confirmedPids = new Numbers()
  #processes: ProcessFacts[] = []
  #threads: ThreadFacts[] = []
  #unreadableRows: Unreadable[] = []
  #unidentified: Unidentified[] = []
  readonly #marked: Mark = { values: 0, capacities: 0, processes: 0, threads: 0, unreadable: 0, inventory: 0 }

  /**
   * A value comes from outside: one that cannot be counted exactly is a lower bound, or unreadable.
   * @param granularity of an estimate: what it counts may exceed it by less than this
   */
  value(subject: Subject, limit: ScannedLimit, value: number, quality: Quality = 'exact', granularity = 1): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      this.#uncountable(subject, limit, value)
      return
    }
    const index = scannedIndex[limit]
    const isCoarse = granularity > 1
    const sent = quality === 'exact' ? value : -qualities.indexOf(quality) - 2 * value - (isCoarse ? 0.5 : 0)
    if (!this.includesUnchanged && subject.lastReported[index] === sent) return
    subject.lastReported[index] = sent
    subject.failureReasons?.delete(limit)
    const rows = this.#valueRows
    rows.push(subject.pid)
    rows.push(subject.subjectTid)
    rows.push(index)
    rows.push(value)
    rows.push(isCoarse ? granularity : qualities.indexOf(quality))
  }

  #uncountable(subject: Subject, limit: ScannedLimit, value: number): void {
    const isTooLarge = value > Number.MAX_SAFE_INTEGER
    if (isTooLarge && maxima.has(limit)) this.value(subject, limit, Number.MAX_SAFE_INTEGER, 'lower-bound')
    else this.unreadable(subject, limit, isTooLarge ? tooLarge : notWhole)
  }

  /** @param capacity Beyond everything that can be counted it is none; below zero it is unknown. */
  capacity(subject: Subject, limit: ScannedLimit, capacity: number): void {
    const rows = this.#capacityRows
    rows.push(subject.pid)
    rows.push(subject.subjectTid)
    rows.push(scannedIndex[limit])
    rows.push(capacity > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : capacity >= 0 ? capacity : Number.NaN)
  }

  /** Reports why a reading failed, only once while the reason stays the same. */
  unreadable(subject: Subject, limit: ScannedLimit, reason: string): void {
    subject.failureReasons ??= new Map()
    if (subject.failureReasons.get(limit) === reason) return
    subject.failureReasons.set(limit, reason)
    subject.lastReported[scannedIndex[limit]] = Number.NaN
    this.#unreadableRows.push({ pid: subject.pid, tid: subject.subjectTid, limit, reason })
  }

  process(facts: ProcessFacts): void {
    this.#processes.push(facts)
  }

  thread(facts: ThreadFacts): void {
    this.#threads.push(facts)
  }

  confirm(pid: number): void {
    this.#confirmedPids.push(pid)
  }

  unidentified(pid: number, reason: string): void {
    this.#unidentified.push({ pid, reason })
  }

  addToInventory({ pid, facts, threads }: TrackedProcess): void {
    const rows = this.#inventoryRows
    let living = 0
    for (const { dead } of threads) if (!dead) living++
    rows.push(pid)
    rows.push(facts?.startTicks ?? 0)
    rows.push(living)
    for (const { tid, dead } of threads) if (!dead) rows.push(tid)
  }

  /** Sets the mark at which the readings of a process begin. */
  mark(): void {
    const marked = this.#marked
    marked.values = this.#valueRows.length
    marked.capacities = this.#capacityRows.length
    marked.processes = this.#processes.length
    marked.threads = this.#threads.length
    marked.unreadable = this.#unreadableRows.length
    marked.inventory = this.#inventoryRows.length
  }

  /** Removes the readings since the mark: the process ended while it was read, so its readings are incomplete. */
  rollBack(): void {
    const marked = this.#marked
    this.#valueRows.length = marked.values
    this.#capacityRows.length = marked.capacities
    this.#inventoryRows.length = marked.inventory
    this.#processes.length = marked.processes
    this.#threads.length = marked.threads
    this.#unreadableRows.length = marked.unreadable
  }

  get isEmpty(): boolean {
    const facts = this.#processes.length + this.#threads.length + this.#unreadableRows.length
    const locks = this.waits ?? this.closedSets
    return facts + this.#valueRows.length + this.#capacityRows.length === 0 && this.system === null && locks === null
  }

  finish(times: PassTimes): ScanReport & { readonly values: Float64Array<ArrayBuffer> } {
    const inventory = this.#inventoryRows.take()
    const report = {
      type: 'scan' as const,
      ...times,
      inventory: times.kind === 'full' && this.isComplete ? inventory : null,
      processes: this.#processes,
      threads: this.#threads,
      values: this.#valueRows.take(),
      capacities: this.#capacityRows.take(),
      unreadable: this.#unreadableRows,
      unidentified: this.#unidentified,
      confirmed: Int32Array.from(this.#confirmedPids.take()),
      waits: this.waits,
      closedSets: this.closedSets,
      system: this.system,
      demanded: this.demanded,
      partitions: this.partitions,
    }
    this.isComplete = true
    this.#processes = []
    this.#threads = []
    this.#unreadableRows = []
    this.#unidentified = []
    this.system = null
    this.demanded = []
    this.partitions = null
    this.waits = null
    this.closedSets = null
    return report
  }
}

/** Rows as arrays, for callers that do not need the speed: tests and tools. */
export function rowsOf(numbers: Float64Array, stride: typeof valueStride | typeof capacityStride): number[][] {
  const rows: number[][] = []
  for (let at = 0; at < numbers.length; at += stride) rows.push([...numbers.subarray(at, at + stride)])
  return rows
}
