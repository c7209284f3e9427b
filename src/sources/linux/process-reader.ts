/** Reads what belongs to a process as a whole: facts, its list of threads, its counters. */

import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { FdTableReader } from './fd-table-reader.ts'
import { isDenied, isGone, type KeptFile, type KeptFiles } from './kept-files.ts'
import { readlink } from './libc.ts'
import { type Hierarchy, parseCgroup } from './parse-cgroup.ts'
import { parseLimits } from './parse-limits.ts'
import { parsePendingSignals } from './parse-signals.ts'
import { emptyStat, nameOfStat, parseStat } from './parse-stat.ts'
import { emptyStatm, parseStatm } from './parse-statm.ts'
import { parseStatus } from './parse-status.ts'
import { countTimers } from './parse-timers.ts'
import type { ProcessFacts } from './protocol.ts'
import type { ReportBuilder } from './report-builder.ts'
import { bitOf, fdTableLimits, fdTableMask, statmMask } from './scan-plan.ts'
import { type ProcessRecord, ThreadRecord } from './scan-records.ts'
import type { SocketReader } from './socket-reader.ts'
import { reasonOf } from './stack-reader.ts'
import { textOfBytes } from './text-of-bytes.ts'

export interface ProcessReaderOptions {
  readonly pageBytes: number
  /** The size of `/proc/P/fd` is the number of descriptors (Linux 6.2). */
  readonly fdSizeWorks: boolean
  readonly timersWork: boolean
  readonly hierarchy: Hierarchy
}

const { ENOENT } = constants.errno
// From which reading on a file is kept open.
const always = 1
const seldom = 3
const noDescriptors = 0
const deletedSuffix = ' (deleted)'
// Past so many threads the signals to single ones are not looked for.
const signalledThreadsMax = 64
const noTimers = 'the kernel does not list POSIX timers'

const sameNames = (one: readonly string[] | null, other: readonly string[] | null): boolean =>
  one === other || (one !== null && other !== null && one.join('/') === other.join('/'))

const sameFacts = (one: ProcessFacts, other: ProcessFacts): boolean =>
  one.startTicks === other.startTicks &&
  one.name === other.name &&
  one.parent === other.parent &&
  one.uid === other.uid &&
  one.executable === other.executable &&
  one.rlimits === other.rlimits &&
  sameNames(one.partition, other.partition)

/** Names of a directory that are numbers; an error number where it cannot be listed. */
export const listNumbers = (path: string): number[] | number => {
  try {
    const numbers: number[] = []
    for (const name of readdirSync(path)) {
      const first = name.charCodeAt(0)
      if (first >= 48 && first <= 57) numbers.push(Number(name))
    }
    return numbers
  } catch (thrown) {
    const code = thrown instanceof Error && 'errno' in thrown ? thrown.errno : undefined
    return typeof code === 'number' ? code : -ENOENT
  }
}

export class ProcessReader {
  private readonly files: KeptFiles
  private readonly report: ReportBuilder
  private readonly sockets: SocketReader
  private readonly fdTables = new FdTableReader()
  private readonly options: ProcessReaderOptions
  /** How many descriptors may still be looked at in this pass, for processes that are not armed. */
  linksLeft = 0
  private readonly stat = emptyStat()
  private readonly statm = emptyStatm()
  private readonly path = Buffer.allocUnsafeSlow(4096)

  constructor(files: KeptFiles, report: ReportBuilder, sockets: SocketReader, options: ProcessReaderOptions) {
    this.sockets = sockets
    this.files = files
    this.report = report
    this.options = options
  }

  /**
   * Reads facts and tells them if they changed. User and executable only the process itself can change, so one that
   * did not run still has them. False where the process is gone, or another has its pid.
   */
  readFacts(process: ProcessRecord, ran: boolean): boolean {
    const length = this.files.read(process.stat, false, seldom)
    if (length <= 0 || !parseStat(this.files.bytes, length, this.stat)) return false
    const { startTicks, parent, kernelThread } = this.stat
    const former = process.facts
    if (former && former.startTicks !== startTicks) return false
    const name = nameOfStat(this.files.bytes, this.stat)
    const uid = former && !ran ? former.uid : this.readUid(process)
    if (uid === null) return false
    const executable = former && !ran ? former.executable : kernelThread ? null : this.readExecutable(process)
    const partition = this.readPartition(process)
    const rlimits = this.readRlimits(process)
    const facts = { pid: process.pid, startTicks, name, parent, uid, executable, kernelThread, partition, rlimits }
    process.factsStale = false
    if (former && sameFacts(former, facts)) return true
    process.facts = facts
    this.report.process(facts)
    return true
  }

  /** Whether the process that we know still lives under its pid; a zombie does not. */
  isSame(process: ProcessRecord): boolean {
    const length = this.files.read(process.stat, false, seldom)
    if (length <= 0 || !parseStat(this.files.bytes, length, this.stat)) return false
    return this.stat.startTicks === process.facts?.startTicks && (this.stat.state !== 'Z' || this.stat.threads > 1)
  }

  /** Lists its threads anew where their number differs, or at once if asked. False where the process is gone. */
  readThreads(process: ProcessRecord, relist: boolean): boolean {
    if (!relist && !process.listStale) {
      if (this.files.stat(process.taskDirectory, false, seldom) < 0) return false
      if (this.files.links - 2 === process.threads.length) return true
    }
    const tids = listNumbers(`${process.path}/task`)
    if (typeof tids === 'number' || tids.length === 0) return false
    const former = new Map(process.threads.map((thread) => [thread.tid, thread]))
    process.threads = tids.map((tid) => {
      const known = former.get(tid)
      if (known && !known.gone) {
        former.delete(tid)
        return known
      }
      return new ThreadRecord(process.pid, tid, process.path)
    })
    for (const thread of former.values()) thread.forget(this.files)
    process.listStale = false
    return true
  }

  /** The counters that the mask names. False where the process is gone or ending: then it has no descriptors and no memory any more. */
  readValues(process: ProcessRecord, mask: number, armed: boolean): boolean {
    if ((mask & bitOf('fds')) !== 0 && !this.readFds(process, armed)) return false
    if ((mask & fdTableMask) !== 0 && !this.readFdTable(process)) return false
    if ((mask & bitOf('signals')) !== 0 && !this.readSignals(process, armed)) return false
    if ((mask & bitOf('timers')) !== 0 && !this.readTimers(process, armed)) return false
    if (process.kernelThread) return true // it has no address space of its own
    if ((mask & statmMask) !== 0 && !this.readMemory(process, mask, armed)) return false
    return (mask & bitOf('memlock')) === 0 || this.readLocked(process, armed)
  }

  private readFds(process: ProcessRecord, armed: boolean): boolean {
    const count = this.countFds(process, armed)
    if (isGone(count)) return false
    if (count < 0) this.report.unreadable(process, 'fds', reasonOf(count))
    else if (count === noDescriptors && !process.kernelThread && !this.isSame(process)) return false
    else this.report.value(process, 'fds', count)
    return true
  }

  private readFdTable(process: ProcessRecord): boolean {
    process.fdTableDue = false
    if (process.kernelThread) {
      this.sockets.want(process, [])
      this.report.value(process, 'file-size', 0)
      return true
    }
    const table = this.fdTables.read(process.fdDirectory.path)
    if (typeof table === 'number') {
      if (isGone(table)) return false
      for (const limit of fdTableLimits) this.report.unreadable(process, limit, reasonOf(table))
      return true
    }
    if (table.looked === 0 && !this.isSame(process)) return false
    this.linksLeft -= table.looked
    this.report.value(process, 'file-size', table.largestFile)
    this.sockets.want(process, table.inodes)
    return true
  }

  /** Those to the process, and those to each of its threads. */
  private readSignals(process: ProcessRecord, armed: boolean): boolean {
    const text = this.readText(process.status, armed)
    if (typeof text === 'number') return false
    const pending = parsePendingSignals(text)
    if (pending === null) {
      this.report.unreadable(process, 'signals', 'status does not tell what is pending')
      return true
    }
    let count = pending.ofProcess + pending.ofThread
    let isExact = pending.isExact && process.threads.length <= signalledThreadsMax
    for (const { tid, isMain, dead } of process.threads.slice(0, signalledThreadsMax)) {
      if (isMain || dead || process.threads.length === 1) continue
      const length = this.files.readOnce(`${process.path}/task/${tid}/status`)
      const own = length > 0 ? parsePendingSignals(this.files.bytes.toString('latin1', 0, length)) : null
      count += own?.ofThread ?? 0
      isExact &&= own?.isExact ?? true
    }
    this.report.value(process, 'signals', count, isExact ? 'exact' : 'lower-bound')
    return true
  }

  private countFds(process: ProcessRecord, armed: boolean): number {
    if (!this.options.fdSizeWorks) {
      const fds = listNumbers(process.fdDirectory.path)
      return typeof fds === 'number' ? fds : fds.length
    }
    const result = this.files.stat(process.fdDirectory, armed, armed ? always : seldom)
    return result < 0 ? result : this.files.size
  }

  private readMemory(process: ProcessRecord, mask: number, armed: boolean): boolean {
    const { statm, report } = this
    const length = this.files.read(process.statm, armed, armed ? always : seldom)
    if (length <= 0 || !parseStatm(this.files.bytes, length, statm)) return false
    if (statm.size === 0) return false
    const { pageBytes } = this.options
    if ((mask & bitOf('memory')) !== 0) report.value(process, 'memory', statm.resident * pageBytes)
    if ((mask & bitOf('address-space')) !== 0) report.value(process, 'address-space', statm.size * pageBytes)
    if ((mask & bitOf('data-pages')) !== 0) report.value(process, 'data-pages', statm.data)
    return true
  }

  private readLocked(process: ProcessRecord, armed: boolean): boolean {
    const text = this.readText(process.status, armed)
    if (typeof text === 'number') return false
    const { locked } = parseStatus(text)
    if (locked === null) return false
    this.report.value(process, 'memlock', locked)
    return true
  }

  private readTimers(process: ProcessRecord, armed: boolean): boolean {
    if (!this.options.timersWork) {
      this.report.unreadable(process, 'timers', noTimers)
      return true
    }
    const length = this.files.read(process.timers, armed, armed ? always : seldom)
    if (length < 0 && !isDenied(length)) return false
    if (length < 0) this.report.unreadable(process, 'timers', reasonOf(length))
    else this.report.value(process, 'timers', length === 0 ? 0 : this.countTimersOf(process, length))
    return true
  }

  /** A list that does not fit one reading is read whole. */
  private countTimersOf(process: ProcessRecord, length: number): number {
    const whole = length < 3500 ? length : Math.max(length, this.files.readOnce(process.timers.path))
    return countTimers(this.files.bytes.toString('latin1', 0, whole))
  }

  private readUid(process: ProcessRecord): number | null {
    const text = this.readText(process.status, false)
    return typeof text === 'number' ? null : parseStatus(text).uid
  }

  private readText(file: KeptFile, armed: boolean): string | number {
    const length = this.files.read(file, armed, armed ? always : seldom)
    return length <= 0 ? length : this.files.bytes.toString('latin1', 0, length)
  }

  private readExecutable(process: ProcessRecord): string | null {
    const length = readlink(`${process.insidePath}/exe`, this.path, this.path.length)
    if (length <= 0) return null
    const path = textOfBytes(this.path, 0, length)
    return path.endsWith(deletedSuffix) ? path.slice(0, -deletedSuffix.length) : path
  }

  private readPartition(process: ProcessRecord): readonly string[] | null {
    const length = this.files.read(process.cgroup, false, seldom)
    return length < 0 ? null : parseCgroup(textOfBytes(this.files.bytes, 0, length), this.options.hierarchy)
  }

  /** The same object as before where nothing changed, which spares the comparison. */
  private readRlimits(process: ProcessRecord): ProcessFacts['rlimits'] {
    const length = this.files.read(process.limits, false, seldom)
    if (length <= 0) return null
    const text = this.files.bytes.toString('latin1', 0, length)
    if (text === process.limitsText) return process.facts?.rlimits ?? null
    process.limitsText = text
    return parseLimits(text)
  }
}
