/** Facts about one thread that the scan worker carries from one pass to the next. */

import type { ScannedLimit } from '../linux-limits.ts'
import { ProcFile, type ProcFiles } from '../native/proc-files.ts'
import type { FutexCall } from '../parse/futex-lock.ts'
import type { ThreadFacts } from '../protocol.ts'
import type { CpuWindow } from './cpu-window.ts'
import { nothingSent, type Subject } from './report-subject.ts'

export class TrackedThread implements Subject {
  readonly pid: number
  readonly tid: number
  readonly schedstat: ProcFile
  readonly syscall: ProcFile
  readonly stat: ProcFile
  readonly sent = nothingSent()
  reasons: Map<ScannedLimit, string> | null = null
  facts: ThreadFacts | null = null

  /** From schedstat, and when it was read; -1 before the first reading. */
  runNs = -1
  timesRun = -1
  readAt = 0
  /** Set by a reading of schedstat: it may have run since it was classified. */
  ran = true
  gone = false
  /** It has ended, and its process has not collected it or lives on without it. */
  dead = false

  /** How often it had run when it was classified; -1 for "to be classified again". */
  classifiedTimesRun = -1
  /** How often it had run when its present state was first seen. */
  sinceTimesRun = -1
  /** It was blocked when last classified: nothing changes until it runs. */
  blocked = false

  /** The futex that it waits for, as it was classified; null where it does something else. */
  futex: FutexCall | null = null
  /** That call leaves it possible that somebody owns what it waits for. */
  mayHaveOwner = false
  /** glibc has made it: it has a list of robust mutexes. */
  isRegistered = false
  /** Its id in its own pid namespace; 0 before it was asked for. */
  innerTid = 0

  cpu: CpuWindow | null = null
  cpuPermille = Number.NaN

  /** How often it had run when its stack was read, and blocked then. */
  stackTimesRun = -1
  stackStart = 0
  stackEnd = 0
  /** The lowest page of its stack that is known to have been touched; 0 for unknown. */
  lowestTouched = 0
  capacitySent = Number.NaN

  /** Signals that are pending to it alone, when they were last looked for. */
  signals = 0
  /** There are kinds among them that queue. */
  signalsQueue = false

  constructor(pid: number, tid: number, processPath: string) {
    const path = `${processPath}/task/${tid}`
    this.pid = pid
    this.tid = tid
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
    files.forget(this.schedstat)
    files.forget(this.syscall)
    files.forget(this.stat)
  }
}
