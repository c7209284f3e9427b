/** Reads what belongs to a process as a whole: facts, its list of threads, its counters. */

import { existsSync } from 'node:fs'
import { bounds } from '../../../base/bounds.ts'
import { readExecutable } from '../native/executable.ts'
import type { ProcFile, ProcFiles } from '../native/proc-files.ts'
import { textOfBytes } from '../parse/byte-text.ts'
import { type Hierarchy, parseCgroup } from '../parse/cgroup.ts'
import { parseLimits } from '../parse/limits.ts'
import { emptyStat, nameOfStat, parseStat } from '../parse/stat.ts'
import { emptyStatm, parseStatm } from '../parse/statm.ts'
import { parseStatus } from '../parse/status.ts'
import { countTimers } from '../parse/timers.ts'
import type { ProcessFacts } from '../protocol.ts'
import { reasonOf, unknownForm } from '../reasons.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import { TrackedThread } from '../tracked/tracked-thread.ts'
import type { CgroupTree } from './cgroup-tree.ts'
import { isEnding } from './ending.ts'
import type { ReportBuilder } from './report-builder.ts'
import { bitOf, statmMask, statusMask } from './scan-plan.ts'
import { StatusReader, type ValueDepth } from './status-reader.ts'

export interface ProcessReaderOptions {
  readonly pageBytes: number
  /** The size of `/proc/P/fd` is the number of descriptors (Linux 6.2). */
  readonly fdSizeWorks: boolean
  readonly timersWork: boolean
  readonly hierarchy: Hierarchy
  readonly tree: Pick<CgroupTree, 'directory'>
}

// The number of readings after which a file is held open.
const always = 1
const seldom = 3
const noDescriptors = 0
const statmLimits = ['memory', 'address-space', 'data-pages'] as const
const noTimers = 'the kernel does not list POSIX timers'

function sameNames(one: readonly string[] | null, other: readonly string[] | null): boolean {
  return one === other || (one !== null && other !== null && one.join('/') === other.join('/'))
}

function sameFacts(one: ProcessFacts, other: ProcessFacts): boolean {
  return (
    one.startTicks === other.startTicks &&
    one.name === other.name &&
    one.parent === other.parent &&
    one.uid === other.uid &&
    one.executable === other.executable &&
    one.cmdline === other.cmdline &&
    one.rlimits === other.rlimits &&
    sameNames(one.partition, other.partition)
  )
}

export class ProcessReader {
  readonly #files: ProcFiles
  readonly #report: ReportBuilder
  readonly #status: StatusReader
  readonly #options: ProcessReaderOptions
  readonly #stat = emptyStat()
  readonly #statm = emptyStatm()
  /** Command lines are wanted. */
  readsCmdlines = false
  readonly #cmdline = Buffer.alloc(bounds.cmdlineBytesMax)

  constructor(files: ProcFiles, report: ReportBuilder, options: ProcessReaderOptions) {
    this.#files = files
    this.#report = report
    this.#status = new StatusReader(files, report)
    this.#options = options
  }

  /**
   * Reads `stat`, which identifies the process. Returns false if the process is gone, or if it cannot be identified:
   * then `unidentified` has the reason.
   */
  #readStat(process: TrackedProcess): boolean {
    const length = this.#files.read(process.stat, false, seldom)
    process.unidentified = null
    if (length >= 0 && parseStat(this.#files.bytes, length, this.#stat)) return true
    if (length >= 0) process.unidentified = unknownForm
    else if (!this.#files.hasEnded(length, process.stat)) process.unidentified = reasonOf(process, length)
    return false
  }

  /**
   * Reads the facts and reports them if they changed. Only the process itself can change its user and executable, so if
   * it did not run, the former ones hold. Returns false if the process is gone, its pid was reused, or it cannot be
   * identified.
   */
  readFacts(process: TrackedProcess, ran: boolean): boolean {
    if (!this.#readStat(process)) return false
    const { startTicks, parent, kernelThread } = this.#stat
    process.callers.clear()
    const former = process.facts
    if (former && former.startTicks !== startTicks) return false
    const name = nameOfStat(this.#files.bytes, this.#stat)
    const uid = former && !ran ? former.uid : this.#readUid(process)
    const executable = former && !ran ? former.executable : kernelThread ? null : readExecutable(process.livePath)
    const partition = this.#readPartition(process)
    const rlimits = this.#readRlimits(process)
    const cmdline = this.readsCmdlines && !kernelThread ? this.#readCmdline(process) : null
    const facts = {
      ...{ pid: process.pid, startTicks, name, parent, uid, executable, kernelThread, partition, rlimits },
      ...(this.readsCmdlines && { cmdline }),
    }
    process.factsStale = false
    if (former && !process.factsUnrecorded && sameFacts(former, facts)) return true
    process.factsUnrecorded = false
    process.facts = facts
    this.#report.process(facts)
    return true
  }

  /** Whether the known process is still alive under its pid. A zombie is not alive. */
  isSame(process: TrackedProcess): boolean {
    if (!this.#readStat(process)) return false
    return this.#stat.startTicks === process.facts?.startTicks && (this.#stat.state !== 'Z' || this.#stat.threads > 1)
  }

  /**
   * Lists the threads again if their number differs, or if `relist` is set. Returns false if the process is gone, or if
   * its threads cannot be listed: then `unidentified` has the reason.
   */
  readThreads(process: TrackedProcess, relist: boolean): boolean {
    if (!relist && !process.listStale) {
      const result = this.#files.stat(process.taskDirectory, false, seldom)
      if (result === 0 && this.#files.links - 2 === process.threads.length) return true
    }
    const tids = this.#files.list(`${process.path}/task`)
    if (typeof tids === 'number') {
      if (!this.#files.hasEnded(tids, process.taskDirectory)) process.unidentified = reasonOf(process, tids)
      return false
    }
    if (tids.length === 0) return false
    const former = new Map(process.threads.map((thread) => [thread.tid, thread]))
    process.threads = tids.map((tid) => {
      const known = former.get(tid)
      if (known && !known.gone) {
        former.delete(tid)
        return known
      }
      return new TrackedThread(process.pid, tid, process.path)
    })
    for (const thread of former.values()) {
      thread.gone = true
      thread.forget(this.#files)
    }
    process.listStale = false
    return true
  }

  /**
   * Reads the counters in the mask. Returns false if the process is gone or ending: then it has no descriptors and no
   * memory.
   */
  readValues(process: TrackedProcess, mask: number, depth: ValueDepth): boolean {
    const { armed } = depth
    if ((mask & bitOf('fds')) !== 0 && !this.#readFds(process, armed)) return false
    if ((mask & bitOf('timers')) !== 0 && !this.#readTimers(process, armed)) return false
    if ((mask & statusMask) !== 0 && !this.#status.read(process, mask, depth)) return false
    if (process.kernelThread) return true // it has no address space of its own
    return (mask & statmMask) === 0 || this.#readMemory(process, mask, armed)
  }

  #readFds(process: TrackedProcess, armed: boolean): boolean {
    const count = this.#countFds(process, armed)
    if (count < 0 && this.#files.hasEnded(count, process.fdDirectory)) return false
    process.fds = process.isSelf ? count - this.#files.openCount : count
    if (count < 0) this.#report.unreadable(process, 'fds', reasonOf(process, count))
    else if (count === noDescriptors && !process.kernelThread && isEnding(process, this.#files)) return false
    else this.#report.value(process, 'fds', count)
    return true
  }

  #countFds(process: TrackedProcess, armed: boolean): number {
    if (!this.#options.fdSizeWorks) {
      const fds = this.#files.list(process.fdDirectory.path)
      return typeof fds === 'number' ? fds : fds.length
    }
    const result = this.#files.stat(process.fdDirectory, armed, armed ? always : seldom)
    return result < 0 ? result : this.#files.size
  }

  #readMemory(process: TrackedProcess, mask: number, armed: boolean): boolean {
    const statm = this.#statm
    const report = this.#report
    const length = this.#files.read(process.statm, armed, armed ? always : seldom)
    if (length < 0 && this.#files.hasEnded(length, process.statm)) return false
    const isRead = length >= 0 && parseStatm(this.#files.bytes, length, statm) && statm.size > 0
    if (!isRead) {
      if (length >= 0 && isEnding(process, this.#files)) return false
      const reason = length < 0 ? reasonOf(process, length) : unknownForm
      for (const limit of statmLimits) if ((mask & bitOf(limit)) !== 0) report.unreadable(process, limit, reason)
      return true
    }
    const { pageBytes } = this.#options
    if ((mask & bitOf('memory')) !== 0) report.value(process, 'memory', statm.resident * pageBytes)
    if ((mask & bitOf('address-space')) !== 0) report.value(process, 'address-space', statm.size * pageBytes)
    if ((mask & bitOf('data-pages')) !== 0) report.value(process, 'data-pages', statm.data)
    return true
  }

  #readTimers(process: TrackedProcess, armed: boolean): boolean {
    if (!this.#options.timersWork) {
      this.#report.unreadable(process, 'timers', noTimers)
      return true
    }
    const length = this.#files.read(process.timers, armed, armed ? always : seldom)
    if (length < 0 && this.#files.hasEnded(length, process.timers)) return false
    if (length < 0) this.#report.unreadable(process, 'timers', reasonOf(process, length))
    else this.#report.value(process, 'timers', length === 0 ? 0 : this.#countTimersOf(process, length))
    return true
  }

  /** Reads the whole file if the list does not fit one reading. */
  #countTimersOf(process: TrackedProcess, length: number): number {
    const whole = length < 3500 ? length : Math.max(length, this.#files.readWhole(process.timers.path))
    return countTimers(this.#files.bytes.toString('latin1', 0, whole))
  }

  /** Null if it is empty or cannot be read. Programs may write to it, and it may have megabytes. */
  #readCmdline({ livePath }: TrackedProcess): string | null {
    const length = this.#files.readAt(`${livePath}/cmdline`, this.#cmdline, this.#cmdline.length, 0)
    const text = length <= 0 ? '' : textOfBytes(this.#cmdline, 0, length)
    return text.replace(/\0+$/, '').replaceAll('\0', ' ') || null
  }

  #readUid(process: TrackedProcess): number | null {
    const text = this.#readText(process.status, false)
    if (typeof text === 'number') return null
    const { uid, namespacePids } = parseStatus(text)
    process.namespaceDepth = Math.max(1, namespacePids.length)
    return uid
  }

  #readText(file: ProcFile, armed: boolean): string | number {
    const length = this.#files.read(file, armed, armed ? always : seldom)
    return length <= 0 ? length : this.#files.bytes.toString('latin1', 0, length)
  }

  #readPartition(process: TrackedProcess): readonly string[] | null {
    const length = this.#files.read(process.cgroup, false, seldom)
    if (length < 0) return null
    const { hierarchy, tree } = this.#options
    const exists = (path: Buffer) =>
      tree.directory !== null && existsSync(Buffer.concat([Buffer.from(tree.directory), path]))
    return parseCgroup(this.#files.bytes.toString('latin1', 0, length), hierarchy, exists)
  }

  /** Returns the former object if nothing changed, which saves a comparison. */
  #readRlimits(process: TrackedProcess): ProcessFacts['rlimits'] {
    const length = this.#files.read(process.limits, false, seldom)
    if (length <= 0) return null
    const text = this.#files.bytes.toString('latin1', 0, length)
    if (text === process.limitsText) return process.facts?.rlimits ?? null
    process.limitsText = text
    return parseLimits(text)
  }
}
