/**
 * Looks through the descriptors of processes: what sockets they hold, and the largest file that they may write to. It
 * costs by their number, so of what is not armed only so much is looked at in a scan; the rest waits for its turn.
 *
 * In a pass first all descriptors are looked through, then the kernel is asked what the sockets are, so that what it says
 * is newer: a socket that its holder changes after that is one of a process that ran after it, which is looked at again.
 */

import { isGone } from '../native/proc-files.ts'
import { reasonOf } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { FdTableReader } from './fd-table-reader.ts'
import type { ReportBuilder } from './report-builder.ts'
import { fdTableLimits } from './scan-plan.ts'
import type { SocketIndex } from './socket-index.ts'
import { type SocketKind, socketKinds } from './socket-kinds.ts'

// In units of what looking at one descriptor costs, which is about 4.5 µs, nearly all of it the kernel's.
const unitsInAScan = 1000
const unitsOfProcess = 4
const unitsOfAsking = 100
const unitsOfSocket = 0.5

const noSockets: Readonly<Record<SocketKind, number>> = { channels: 0, 'server-ids': 0, connections: 0 }

export class DescriptorScan {
  readonly #report: ReportBuilder
  readonly #tables: FdTableReader
  readonly #index: SocketIndex
  readonly #now = new Set<TrackedProcess>()
  /** In the order in which they came. */
  readonly #waiting = new Set<TrackedProcess>()
  /** What may still be spent on those that wait; below zero what was spent too much. The first scan looks at all there is. */
  #left = Number.POSITIVE_INFINITY
  readonly #holders = new Map<TrackedProcess, readonly number[]>()

  constructor(report: ReportBuilder, tables: FdTableReader, index: SocketIndex) {
    this.#report = report
    this.#tables = tables
    this.#index = index
  }

  /** To be looked at in this pass, or in its turn. */
  want(process: TrackedProcess, { armed }: { armed: boolean }): void {
    if (armed) this.#now.add(process)
    else this.#waiting.add(process)
  }

  /** Looks at what is armed and, in a full scan, at what waits. `lives` is false of those that were dropped since. */
  finishPass(kind: 'fast' | 'full', lives: (process: TrackedProcess) => boolean): void {
    this.#index.startPass()
    for (const process of this.#now) if (lives(process)) this.#lookThrough(process)
    this.#now.clear()
    const armedHolders = this.#holders.size
    if (kind === 'full') this.#lookAtWaiting(lives)
    const asksForWaiting = armedHolders === 0 && this.#holders.size > 0
    for (const [process, inodes] of this.#holders) this.#tellSockets(process, inodes)
    this.#holders.clear()
    if (asksForWaiting) this.#left -= this.#index.asked * unitsOfAsking + this.#index.told * unitsOfSocket
    if (kind === 'full') this.#left = Math.min(this.#left, 0) + unitsInAScan
  }

  #lookAtWaiting(lives: (process: TrackedProcess) => boolean): void {
    for (const process of this.#waiting) {
      if (this.#left <= 0) return
      this.#waiting.delete(process)
      if (lives(process)) this.#left -= unitsOfProcess + this.#lookThrough(process)
    }
  }

  /** Returns how many descriptors were looked at. */
  #lookThrough(process: TrackedProcess): number {
    process.tableStale = false
    process.fdsAtLook = process.fds
    if (process.kernelThread) {
      this.#report.value(process, 'file-size', 0)
      this.#tellSockets(process, [])
      return 0
    }
    const table = this.#tables.read(process)
    if (typeof table === 'number') {
      if (!isGone(table)) for (const limit of fdTableLimits) this.#report.unreadable(process, limit, reasonOf(table))
      return 0
    }
    process.fdsAtLook = table.looked
    this.#report.value(process, 'file-size', table.largestFile)
    if (table.sockets.length > 0) this.#holders.set(process, table.sockets)
    else this.#tellSockets(process, [])
    return table.looked
  }

  #tellSockets(process: TrackedProcess, inodes: readonly number[]): void {
    const counts = inodes.length === 0 ? noSockets : this.#count(process, inodes)
    for (const kind of socketKinds) {
      if (typeof counts === 'string') this.#report.unreadable(process, kind, counts)
      else this.#report.value(process, kind, counts[kind])
    }
  }

  #count(process: TrackedProcess, inodes: readonly number[]): Record<SocketKind, number> | string {
    const kinds = this.#index.kindsFor(process.insidePath)
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
