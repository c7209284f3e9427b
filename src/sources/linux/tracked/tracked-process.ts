/** Facts about one process that the scan worker carries from one pass to the next. */

import type { ScannedLimit } from '../linux-limits.ts'
import { ProcFile, type ProcFiles } from '../native/proc-files.ts'
import type { ProcessFacts } from '../protocol.ts'
import { nothingSent, type Subject } from './report-subject.ts'
import type { TrackedThread } from './tracked-thread.ts'

const formerTidsMax = 4096

/** `unknown`: a program that has its C library built in and no names of functions, or that cannot be read. */
export type Caller = 'library' | 'other' | 'unknown'

export class TrackedProcess implements Subject {
  readonly pid: number
  readonly subjectTid = 0
  readonly path: string
  /** Where its memory and descriptors are seen: the directory of its leader, or of another thread where the leader has ended. */
  insidePath: string
  /** The thread whose directory that is. */
  seenThrough: number
  /** It is this very process. */
  readonly isOwn: boolean
  readonly sent = nothingSent()
  reasons: Map<ScannedLimit, string> | null = null
  facts: ProcessFacts | null = null
  /** The text of `limits` that the facts have been made of. */
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

  threads: TrackedThread[] = []
  /** Threads that it had, the last of them. */
  readonly formerTids = new Set<number>()
  /** By program counter: whose code a thread waits in there. */
  readonly callers = new Map<number, Caller>()
  /** The list of threads may have changed. */
  listStale = true
  /** Facts are to be read again with the next full scan. */
  factsStale = true
  /** How many descriptors it has, of our own process without those kept open to read /proc; -1 for not known. */
  fds = -1
  /** How many it had when they were looked through; -1 before the first time. */
  fdsAtLook = -1
  /** It ran since its descriptors were looked through. */
  tableStale = true
  /** The kernel does not let us look into it. */
  denied = false
  zombie = false
  /** Stacks of threads at rest are not known yet, because too many were to be looked up in one pass. */
  stacksPending = false
  /** The kernel says that none of its threads ran since the last pass of the kind that is under way. */
  atRest = false
  /** The fast pass saw one of its threads run since it was last read whole. */
  ranSinceWhole = false
  /** How many pid namespaces it is in, from that of /proc down. */
  namespaceDepth = 1
  /** The number of the last full scan that found it listed. */
  seenIn = 0

  constructor(pid: number, procRoot: string) {
    this.pid = pid
    this.path = `${procRoot}/${pid}`
    this.insidePath = this.path
    this.seenThrough = pid
    this.isOwn = this.path === `/proc/${process.pid}`
    this.statm = new ProcFile(`${this.path}/statm`)
    this.status = new ProcFile(`${this.path}/status`)
    this.timers = new ProcFile(`${this.path}/timers`)
    this.stat = new ProcFile(`${this.path}/stat`)
    this.cgroup = new ProcFile(`${this.path}/cgroup`)
    this.limits = new ProcFile(`${this.path}/limits`)
    this.taskDirectory = new ProcFile(`${this.path}/task`)
    this.fdDirectory = new ProcFile(`${this.path}/fd`)
    this.memory = new ProcFile(`${this.path}/mem`)
  }

  get kernelThread(): boolean {
    return this.facts?.kernelThread ?? false
  }

  /** What `setrlimit` says of the main thread's stack; NaN where it is not known. */
  get stackSoft(): number {
    return this.facts?.rlimits?.stack?.soft ?? Number.NaN
  }

  /** A leader that has ended has no memory and no descriptors any more, though its process has: they are seen through a thread that lives. */
  lookThroughLiving(files: ProcFiles): void {
    const leader = this.threads.find(({ isMain }) => isMain)
    const living = leader && !leader.dead ? leader : this.threads.find(({ dead, gone }) => !dead && !gone)
    const path = !living || living.isMain ? this.path : `${this.path}/task/${living.tid}`
    if (path === this.insidePath) return
    this.insidePath = path
    this.seenThrough = living?.tid ?? this.pid
    for (const file of [this.statm, this.status, this.fdDirectory, this.memory]) files.forget(file)
    this.statm = new ProcFile(`${path}/statm`)
    this.status = new ProcFile(`${path}/status`)
    this.fdDirectory = new ProcFile(`${path}/fd`)
    this.memory = new ProcFile(`${path}/mem`)
  }

  noteFormer({ tid, innerTid }: TrackedThread): void {
    if (this.formerTids.size >= formerTidsMax) this.formerTids.clear()
    // In a pid namespace the words in memory hold another id, which is known only if it was asked for.
    if (this.namespaceDepth === 1) this.formerTids.add(tid)
    else if (innerTid !== 0) this.formerTids.add(innerTid)
  }

  /** What was told of it was taken back, so that it is to be told again should it live on. */
  forgetTold(): void {
    for (const subject of [this, ...this.threads]) {
      subject.sent.fill(Number.NaN)
      subject.reasons = null
    }
    for (const thread of this.threads) {
      thread.capacitySent = Number.NaN
      thread.facts = null
      thread.classifiedTimesRun = -1
    }
  }

  forget(files: ProcFiles): void {
    for (const thread of this.threads) thread.forget(files)
    files.forget(this.statm)
    files.forget(this.status)
    files.forget(this.timers)
    files.forget(this.stat)
    files.forget(this.cgroup)
    files.forget(this.limits)
    files.forget(this.taskDirectory)
    files.forget(this.fdDirectory)
    files.forget(this.memory)
  }
}
