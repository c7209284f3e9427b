/**
 * Scans the descriptors of processes for the sockets they hold and for the largest file open for writing. The cost
 * grows with the number of descriptors. A full scan therefore has a budget for processes that are not armed; the others
 * wait for their turn. A pass first reads all descriptors and then lists the kernel's sockets, so that the list is the
 * newer of the two. A process that changes a socket after that has run, so the next pass scans it again.
 */

import { reasonOf } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { FdTable, FdTableReader } from './fd-table-reader.ts'
import type { ReportBuilder } from './report-builder.ts'
import { fdTableLimits } from './scan-plan.ts'
import type { SocketIndex } from './socket-index.ts'
import { type SocketKind, socketKinds } from './socket-kinds.ts'

// Costs in units of one descriptor, which takes about 4.5 µs, nearly all of it in the kernel.
const unitsInAScan = 1000
const unitsOfProcess = 4
const unitsOfQuery = 100
const unitsOfSocket = 0.5

const mayNotAnswer = 'a file open for writing is in a file system that may not answer'

const noSockets: Readonly<Record<SocketKind, number>> = { channels: 0, 'server-ids': 0, connections: 0 }

export class DescriptorScan {
  readonly #report: ReportBuilder
  readonly #tables: FdTableReader
  readonly #index: SocketIndex
  readonly #armed = new Set<TrackedProcess>()
  /** In order of arrival. */
  readonly #waiting = new Set<TrackedProcess>()
  /** Budget left for the waiting processes; below zero if too much was spent. The first scan has no limit. */
  #budgetLeft = Number.POSITIVE_INFINITY
  readonly #holders = new Map<TrackedProcess, readonly number[]>()

  constructor(report: ReportBuilder, tables: FdTableReader, index: SocketIndex) {
    this.#report = report
    this.#tables = tables
    this.#index = index
  }

  /** Requests a scan of the descriptors: in this pass if armed, else in turn. */
  request(process: TrackedProcess, { armed }: { armed: boolean }): void {
    if (armed) this.#armed.add(process)
    else this.#waiting.add(process)
  }

  /**
   * Scans the armed processes and, in a full scan, waiting ones. `isAlive` is false for processes that were dropped
   * since.
   */
  finishPass(kind: 'fast' | 'full', isAlive: (process: TrackedProcess) => boolean): void {
    this.#index.startPass()
    for (const process of this.#armed) if (isAlive(process)) this.#scanTable(process)
    this.#armed.clear()
    const armedHolderCount = this.#holders.size
    if (kind === 'full') this.#scanWaiting(isAlive)
    const isForWaiting = armedHolderCount === 0 && this.#holders.size > 0
    for (const [process, inodes] of this.#holders) this.#reportSockets(process, inodes)
    this.#holders.clear()
    if (isForWaiting)
      this.#budgetLeft -= this.#index.namespacesQueried * unitsOfQuery + this.#index.socketsListed * unitsOfSocket
    if (kind === 'full') this.#budgetLeft = Math.min(this.#budgetLeft, 0) + unitsInAScan
  }

  #scanWaiting(isAlive: (process: TrackedProcess) => boolean): void {
    for (const process of this.#waiting) {
      if (this.#budgetLeft <= 0) return
      this.#waiting.delete(process)
      if (isAlive(process)) this.#budgetLeft -= unitsOfProcess + this.#scanTable(process)
    }
  }

  /** Returns the number of descriptors that were read. */
  #scanTable(process: TrackedProcess): number {
    process.fdTableStale = false
    process.fdsAtScan = process.fds
    if (process.kernelThread) {
      this.#report.value(process, 'file-size', 0)
      this.#reportSockets(process, [])
      return 0
    }
    const table = this.#tables.read(process)
    if (typeof table === 'number' || typeof table === 'string') {
      const reason =
        typeof table === 'string' ? table : this.#tables.hasEnded(process, table) ? null : reasonOf(process, table)
      if (reason !== null) for (const limit of fdTableLimits) this.#report.unreadable(process, limit, reason)
      return 0
    }
    process.fdsAtScan = table.count
    this.#reportLargestFile(process, table)
    if (table.sockets.length > 0) this.#holders.set(process, table.sockets)
    else this.#reportSockets(process, [])
    return table.count
  }

  #reportLargestFile(process: TrackedProcess, { largestFile, isPartial }: FdTable): void {
    if (isPartial && largestFile === 0) this.#report.unreadable(process, 'file-size', mayNotAnswer)
    else this.#report.value(process, 'file-size', largestFile, isPartial ? 'lower-bound' : 'exact')
  }

  #reportSockets(process: TrackedProcess, inodes: readonly number[]): void {
    const counts = inodes.length === 0 ? noSockets : this.#count(process, inodes)
    for (const kind of socketKinds) {
      if (typeof counts === 'string') this.#report.unreadable(process, kind, counts)
      else this.#report.value(process, kind, counts[kind])
    }
  }

  #count(process: TrackedProcess, inodes: readonly number[]): Record<SocketKind, number> | string {
    const kinds = this.#index.kindsFor(process.livePath)
    if (typeof kinds === 'string') return kinds
    const counts = { ...noSockets }
    for (const inode of inodes) {
      const kind = kinds.get(inode)
      if (kind !== undefined) counts[kind]++
    }
    return counts
  }

  close(): void {
    this.#index.close()
  }
}
