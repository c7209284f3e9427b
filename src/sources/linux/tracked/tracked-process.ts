/** Holds facts about one process that the scan worker carries from one pass to the next. */

import type { ScannedLimit } from '../linux-limits.ts'
import { ProcFile, type ProcFiles } from '../native/proc-files.ts'
import type { ProcessFacts, ThreadId } from '../protocol.ts'
import type { ProcessRates } from './process-rates.ts'
import { nothingReported, type Subject } from './report-subject.ts'
import type { TrackedThread } from './tracked-thread.ts'

const formerTidsMax = 4096

/** `unknown`: the program has its C library built in and names no functions, or cannot be read. */
export type Caller = 'library' | 'other' | 'unknown'

export class TrackedProcess implements Subject {
  readonly pid: number
  readonly subjectTid = 0
  readonly path: string
  /** Directory for its memory and descriptors: that of the leader, or of another thread if the leader has ended. */
  livePath: string
  /** TID of that thread. */
  liveTid: number
  /** It is the scanning process itself. */
  readonly isSelf: boolean
  readonly lastReported = nothingReported()
  failureReasons: Map<ScannedLimit, string> | null = null
  facts: ProcessFacts | null = null
  /** The reason why the last reading could not identify it, although it exists; null if it could. */
  unidentified: string | null = null
  /** Text of `limits` from which the facts were made. */
  limitsText = ''
  statm: ProcFile
  status: ProcFile
  readonly timers: ProcFile
  readonly stat: ProcFile
  readonly cgroup: ProcFile
  readonly limits: ProcFile
  readonly taskDirectory: ProcFile
  fdDirectory: ProcFile
  memory: ProcFile
  pagemap: ProcFile

  /** Null while none of them is wanted. */
  rates: ProcessRates | null = null
  threads: TrackedThread[] = []
  /** TIDs of its most recent former threads. */
  readonly formerTids = new Set<number>()
  /** By program counter: the code in which a thread waits there. */
  readonly callers = new Map<number, Caller>()
  /** The list of threads may have changed. */
  listStale = true
  /** The next full scan must read the facts again. */
  factsStale = true
  /** The facts last reported were not recorded. */
  factsUnrecorded = false
  /** Number of its descriptors; for our own process without the files of /proc held open. -1 if unknown. */
  fds = -1
  /** Number of descriptors at their last scan; -1 before the first. */
  fdsAtScan = -1
  /** It ran since its descriptors were scanned. */
  fdTableStale = true
  /** The kernel does not permit reading its memory and system calls. */
  denied = false
  /** Reason why it may not be read in full; null before the first such reading. */
  denialReason: string | null = null
  /** The same for one of its threads. */
  threadDenialReason: string | null = null
  zombie = false
  /** Some stacks of idle threads are not known yet, because one pass looks up only a limited number. */
  stacksPending = false
  /** According to the kernel, none of its threads ran since the last pass of the present kind. */
  isIdle = false
  /** A fast scan saw one of its threads run since the last full reading. */
  ranSinceFullRead = false
  /** Number of pid namespaces that it is in, counted from that of /proc. */
  namespaceDepth = 1
  /** Number of the last full scan that listed it, and of the last one that found that it had run. */
  lastListedScan = 0
  lastRanScan = 0

  constructor(pid: number, procRoot: string, { selfPid }: { selfPid: number | null }) {
    this.pid = pid
    this.path = `${procRoot}/${pid}`
    this.livePath = this.path
    this.liveTid = pid
    this.isSelf = pid === selfPid
    this.statm = new ProcFile(`${this.path}/statm`)
    this.status = new ProcFile(`${this.path}/status`)
    this.timers = new ProcFile(`${this.path}/timers`)
    this.stat = new ProcFile(`${this.path}/stat`)
    this.cgroup = new ProcFile(`${this.path}/cgroup`)
    this.limits = new ProcFile(`${this.path}/limits`)
    this.taskDirectory = new ProcFile(`${this.path}/task`)
    this.fdDirectory = new ProcFile(`${this.path}/fd`)
    this.memory = new ProcFile(`${this.path}/mem`)
    this.pagemap = new ProcFile(`${this.path}/pagemap`)
  }

  get kernelThread(): boolean {
    return this.facts?.kernelThread ?? false
  }

  /** Soft limit on the main thread's stack (RLIMIT_STACK); Infinity if none can be reached, NaN if unknown. */
  get stackSoft(): number {
    const soft = this.facts?.rlimits?.stack?.soft ?? Number.NaN
    return soft < Number.MAX_SAFE_INTEGER || Number.isNaN(soft) ? soft : Number.POSITIVE_INFINITY
  }

  /** Permissions can change, so it is tried again, and the reasons are looked for again. */
  forgetDenials(): void {
    this.denied = false
    this.denialReason = null
    this.threadDenialReason = null
    for (const thread of this.threads) thread.denialReason = null
  }

  /**
   * Switches to the directory of a live thread. A leader that has ended has no memory and no descriptors, although its
   * process still has them.
   */
  followLiveThread(files: ProcFiles): void {
    const leader = this.threads.find(({ isMain }) => isMain)
    const living = leader && !leader.dead ? leader : this.threads.find(({ dead, gone }) => !dead && !gone)
    const path = !living || living.isMain ? this.path : `${this.path}/task/${living.tid}`
    if (path === this.livePath) return
    this.livePath = path
    this.liveTid = living?.tid ?? this.pid
    for (const file of [this.statm, this.status, this.fdDirectory, this.memory, this.pagemap]) files.release(file)
    this.statm = new ProcFile(`${path}/statm`)
    this.status = new ProcFile(`${path}/status`)
    this.fdDirectory = new ProcFile(`${path}/fd`)
    this.memory = new ProcFile(`${path}/mem`)
    this.pagemap = new ProcFile(`${path}/pagemap`)
  }

  addFormerTid({ tid, innerTid }: TrackedThread): void {
    if (this.formerTids.size >= formerTidsMax) this.formerTids.clear()
    // In another pid namespace, words in memory hold another TID, which is known only if it was read before.
    if (this.namespaceDepth === 1) this.formerTids.add(tid)
    else if (innerTid !== 0) this.formerTids.add(innerTid)
  }

  /** Resets what was reported: the reports were removed, so they must be repeated if the process is still alive. */
  resetReported(): void {
    for (const subject of [this, ...this.threads]) {
      subject.lastReported.fill(Number.NaN)
      subject.failureReasons = null
    }
    for (const thread of this.threads) {
      thread.lastReportedCapacity = Number.NaN
      thread.facts = null
      thread.classifiedTimesRun = -1
    }
  }

  /**
   * Forgets these threads, so that the next listing finds them as new ones. With a tid of 0, the next reading of the
   * facts reports them although they are the same.
   */
  forgetThreads(threads: readonly ThreadId[], files: ProcFiles): void {
    const forgotten = new Set(threads.map(({ tid }) => tid))
    if (forgotten.has(0)) {
      this.factsStale = true
      this.factsUnrecorded = true
    }
    this.threads = this.threads.filter((thread) => {
      if (!forgotten.has(thread.tid)) return true
      thread.gone = true
      thread.forget(files)
      this.listStale = true
      return false
    })
  }

  forget(files: ProcFiles): void {
    for (const thread of this.threads) thread.forget(files)
    if (this.rates !== null) files.release(this.rates.io)
    files.release(this.statm)
    files.release(this.status)
    files.release(this.timers)
    files.release(this.stat)
    files.release(this.cgroup)
    files.release(this.limits)
    files.release(this.taskDirectory)
    files.release(this.fdDirectory)
    files.release(this.memory)
    files.release(this.pagemap)
  }
}
