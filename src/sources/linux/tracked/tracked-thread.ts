/** Holds facts about one thread that the scan worker carries from one pass to the next. */

import type { ScannedLimit } from '../linux-limits.ts'
import { ProcFile, type ProcFiles } from '../native/proc-files.ts'
import type { FutexCall } from '../parse/futex-call.ts'
import type { ThreadFacts } from '../protocol.ts'
import type { CpuWindow } from './cpu-window.ts'
import type { Rate } from './rate.ts'
import { nothingReported, type Subject } from './report-subject.ts'

export class TrackedThread implements Subject {
  readonly pid: number
  readonly tid: number
  readonly schedstat: ProcFile
  readonly syscall: ProcFile
  readonly stat: ProcFile
  readonly lastReported = nothingReported()
  failureReasons: Map<ScannedLimit, string> | null = null
  facts: ThreadFacts | null = null
  /** Reason why it may not be read in full, if it has another user than its process; null before the first reading. */
  denialReason: string | null = null

  /** Read from schedstat, and the time of that reading; -1 before the first one. */
  runNs = -1
  timesRun = -1
  readAt = 0
  /** Set by a reading of schedstat: the thread may have run since it was classified. */
  ran = true
  gone = false
  /** It has ended, and its process has not reaped it, or goes on without it. */
  dead = false

  /** Number of times it had run when it was classified; -1 means that it must be classified again. */
  classifiedTimesRun = -1
  /** Number of times it had run when its present state was first seen. */
  sinceTimesRun = -1
  /** It was blocked when last classified: nothing changes until it runs. */
  blocked = false

  /** The futex call in which it was classified; null if it does something else. */
  futex: FutexCall | null = null
  /** According to that call, what it waits for may have an owner. */
  mayHaveOwner = false
  /** The kernel added it to the process, to work for it: it runs no code of the program. */
  isWorker = false
  /** Address of its list of robust mutexes, if glibc created it; 0 before that is known. */
  robustList = 0
  /** TID in its own pid namespace; 0 before it was read. */
  innerTid = 0

  cpu: CpuWindow | null = null
  cpuPermille = Number.NaN
  /** Rate at which it begins to run; null while that is not wanted. */
  switches: Rate | null = null

  /** Number of times it had run when its stack was read while it was blocked. */
  stackTimesRun = -1
  /** An address in its stack, with which the stack was looked up last; 0 before. */
  stackAddress = 0
  /** Its stack grows, as that of the main thread does unless another thread forked the process. */
  stackGrows: boolean
  /** A range of addresses in which its stack pointer says nothing about its depth, with the reason. */
  unknownStack: { readonly start: number; readonly end: number; readonly reason: string } | null = null
  stackStart = 0
  stackEnd = 0
  /** Lowest page of its stack known to have been touched; 0 if unknown. */
  lowestTouched = 0
  /** Lowest address of its stack that it has used for certain; NaN if there is none. */
  provenTouched = Number.NaN
  lastReportedCapacity = Number.NaN

  /** Number of pending signals to this thread alone, at the last reading. */
  signals = 0
  /** Some of them are of kinds that queue. */
  signalsQueue = false

  constructor(pid: number, tid: number, processPath: string) {
    const path = `${processPath}/task/${tid}`
    this.pid = pid
    this.tid = tid
    this.stackGrows = tid === pid
    this.schedstat = new ProcFile(`${path}/schedstat`)
    this.syscall = new ProcFile(`${path}/syscall`)
    this.stat = new ProcFile(`${path}/stat`)
  }

  get subjectTid(): number {
    return this.tid
  }

  get isMain(): boolean {
    return this.tid === this.pid
  }

  forget(files: ProcFiles): void {
    files.release(this.schedstat)
    files.release(this.syscall)
    files.release(this.stat)
  }
}
